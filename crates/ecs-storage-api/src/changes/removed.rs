//! Which entities lost a tracked component.

use ecs_core::{ComponentId, EntityId};

use super::Version;
use crate::error::StorageError;
use crate::reserve::reserve_list;

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
    /// Of each component, the oldest first; in ascending order of component. Few,
    /// and a list can be asked for room before it is needed.
    by_component: Vec<(ComponentId, Vec<Removed>)>,
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
        let at = self.place(component).unwrap_or_else(|at| {
            self.by_component.insert(at, (component, Vec::new()));
            at
        });
        let log = &mut self.by_component[at].1;
        log.extend(entities.into_iter().map(|entity| Removed { version, entity }));
    }

    /// Makes room to note that `additional` entities lose a component.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if memory is refused; then nothing has
    /// changed.
    pub fn reserve(
        &mut self,
        component: ComponentId,
        additional: usize,
    ) -> Result<(), StorageError> {
        const WHAT: &str = "removals of a component";
        if let Err(at) = self.place(component) {
            reserve_list(&mut self.by_component, 1, WHAT)?;
            self.by_component.insert(at, (component, Vec::new()));
        }
        let at = self.place(component).expect("it was there, or was put there");
        reserve_list(&mut self.by_component[at].1, additional, WHAT)
    }

    /// Returns where a component's removals are, or would be.
    fn place(&self, component: ComponentId) -> Result<usize, usize> {
        self.by_component.binary_search_by_key(&component, |(id, _)| *id)
    }

    /// Returns what was noted of a component after a version, the oldest first.
    ///
    /// # Complexity
    /// O(log n) with n removals that are remembered.
    pub fn since(&self, component: ComponentId, since: Version) -> &[Removed] {
        let log = self.place(component).map_or(&[][..], |at| &self.by_component[at].1);
        &log[log.partition_point(|removed| removed.version <= since)..]
    }

    /// Forgets what was noted up to a version.
    ///
    /// # Complexity
    /// O(remembered).
    pub fn forget(&mut self, up_to: Version) {
        self.by_component.retain_mut(|(_, log)| {
            log.drain(..log.partition_point(|removed| removed.version <= up_to));
            !log.is_empty()
        });
    }
}
