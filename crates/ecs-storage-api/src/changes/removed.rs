//! Which entities lost a tracked component.

use std::collections::BTreeMap;

use ecs_core::{ComponentId, EntityId};

use super::Version;

/// An entity that lost a component, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Removed {
    /// The version of the store at the time.
    pub version: Version,
    /// Which entity; it may be dead.
    pub entity: EntityId,
}

/// Remembers which entities lost which component, until it is told to forget;
/// for backends.
#[derive(Debug, Clone, Default)]
pub struct RemovalLog {
    /// Of each component, the oldest first.
    by_component: BTreeMap<ComponentId, Vec<Removed>>,
}

impl RemovalLog {
    /// Notes that entities lost a component; versions do not fall from call to
    /// call.
    pub fn note(
        &mut self,
        component: ComponentId,
        entities: impl IntoIterator<Item = EntityId>,
        version: Version,
    ) {
        let log = self.by_component.entry(component).or_default();
        log.extend(entities.into_iter().map(|entity| Removed { version, entity }));
    }

    /// Returns what was noted of a component after a version, the oldest first.
    ///
    /// # Complexity
    /// O(log n) with n removals that are remembered.
    pub fn since(&self, component: ComponentId, since: Version) -> &[Removed] {
        let log = self.by_component.get(&component).map_or(&[][..], Vec::as_slice);
        &log[log.partition_point(|removed| removed.version <= since)..]
    }

    /// Forgets what was noted up to a version.
    ///
    /// # Complexity
    /// O(remembered).
    pub fn forget(&mut self, up_to: Version) {
        self.by_component.retain(|_, log| {
            log.drain(..log.partition_point(|removed| removed.version <= up_to));
            !log.is_empty()
        });
    }
}
