//! Looking at a world: one entity, or all of it.

use std::collections::BTreeMap;
use std::fmt;

use ecs_core::{ComponentId, ComponentSet, EntityId};
use ecs_storage_api::{Storage, StorageExt};

use crate::world::World;

/// An entity, for people to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Which entity.
    pub entity: EntityId,
    /// Its components, sorted by name.
    pub components: Vec<InspectedComponent>,
}

/// A component of an inspected entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectedComponent {
    /// The component's stable name.
    pub name: &'static str,
    /// Its value as its `Debug` writes it; in hexadecimal, in its codec, if it
    /// has none; `(opaque)` if it has neither.
    pub value: String,
}

/// What a world holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorldStats {
    /// How many entities live.
    pub entities: usize,
    /// The component sets that entities have, with how many have each.
    pub archetypes: BTreeMap<ComponentSet, usize>,
    /// What each component takes, sorted by name.
    pub components: Vec<ComponentStats>,
}

/// What one component takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentStats {
    /// The component's stable name.
    pub name: &'static str,
    /// How many entities have it.
    pub rows: usize,
    /// The bytes of its values themselves; what they own elsewhere is not seen.
    pub bytes: usize,
}

impl<S: Storage> World<S> {
    /// Returns an entity's components by name, with their values as text, or
    /// `None` if it is dead.
    pub fn inspect(&self, entity: EntityId) -> Option<Inspection> {
        let inspected = |component: ComponentId| InspectedComponent {
            name: component.info().name(),
            value: self
                .storage
                .get_component_erased(entity, component)
                .map_or_else(String::new, |v| format!("{v:?}")),
        };
        let mut components: Vec<_> =
            self.storage.get_component_types(entity)?.iter().map(inspected).collect();
        components.sort_by_key(|component| component.name);
        Some(Inspection { entity, components })
    }

    /// Counts archetypes, rows and bytes.
    ///
    /// # Complexity
    /// O(chunks): archetypes on the archetype backend, entities elsewhere.
    pub fn stats(&self) -> WorldStats {
        let mut stats = WorldStats { entities: self.len(), ..WorldStats::default() };
        for chunk in self.storage.query_as::<EntityId, ()>().chunks() {
            if let Some(set) =
                chunk.ids().first().and_then(|&first| self.storage.get_component_types(first))
            {
                *stats.archetypes.entry(set).or_default() += chunk.len();
            }
        }
        let mut rows: BTreeMap<ComponentId, usize> = BTreeMap::new();
        for (set, count) in &stats.archetypes {
            set.iter().for_each(|component| *rows.entry(component).or_default() += count);
        }
        let component = |(id, rows): (ComponentId, usize)| {
            let info = id.info();
            ComponentStats { name: info.name(), rows, bytes: rows * info.stride() }
        };
        stats.components = rows.into_iter().map(component).collect();
        stats.components.sort_by_key(|component| component.name);
        stats
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "entity {}", self.entity)?;
        self.components
            .iter()
            .try_for_each(|component| writeln!(f, "  {}: {}", component.name, component.value))
    }
}
