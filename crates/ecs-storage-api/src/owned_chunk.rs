//! A chunk that owns its values, for snapshots and for stores far away.

use ahash::AHashSet;
use ecs_core::{ComponentId, ComponentSet, EntityId, ErasedSlice, ErasedVec};

/// A run of entities with the same components, and their values.
#[derive(Debug)]
pub struct OwnedChunk {
    ids: Vec<EntityId>,
    /// In ascending order of component id.
    columns: Vec<ErasedVec>,
}

/// Tells why ids and columns are not a chunk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// A column has another length than the ids.
    #[error("column `{component}` has {len} values for {rows} entities")]
    Length {
        /// The component of the column.
        component: ComponentId,
        /// How many values it has.
        len: usize,
        /// How many entities there are.
        rows: usize,
    },
    /// Two columns hold the same component.
    #[error("component `{0}` has two columns")]
    Twice(ComponentId),
    /// An entity is listed twice.
    #[error("entity {0} is listed twice")]
    Entity(EntityId),
}

impl OwnedChunk {
    /// Puts ids and columns together, checked.
    ///
    /// # Errors
    /// [`ChunkError`] if lengths differ, or a component or entity occurs twice.
    pub fn new(ids: Vec<EntityId>, columns: Vec<ErasedVec>) -> Result<Self, ChunkError> {
        let mut seen = AHashSet::with_capacity(ids.len());
        match ids.iter().find(|&&id| !seen.insert(id)) {
            Some(&id) => Err(ChunkError::Entity(id)),
            None => Self::with_unchecked_ids(ids, columns),
        }
    }

    /// As [`OwnedChunk::new`], for ids in ascending order, which costs no memory to
    /// check.
    ///
    /// # Errors
    /// As there; an id that does not follow the one before counts as listed twice.
    pub fn ascending(ids: Vec<EntityId>, columns: Vec<ErasedVec>) -> Result<Self, ChunkError> {
        match ids.windows(2).find(|pair| pair[0] >= pair[1]) {
            Some(pair) => Err(ChunkError::Entity(pair[1])),
            None => Self::with_unchecked_ids(ids, columns),
        }
    }

    /// As [`OwnedChunk::new`], for ids that are checked elsewhere.
    pub(crate) fn with_unchecked_ids(
        ids: Vec<EntityId>,
        mut columns: Vec<ErasedVec>,
    ) -> Result<Self, ChunkError> {
        columns.sort_by_key(ErasedVec::id);
        for pair in columns.windows(2) {
            if pair[0].id() == pair[1].id() {
                return Err(ChunkError::Twice(pair[0].id()));
            }
        }
        match columns.iter().find(|column| column.len() != ids.len()) {
            Some(column) => Err(ChunkError::Length {
                component: column.id(),
                len: column.len(),
                rows: ids.len(),
            }),
            None => Ok(Self { ids, columns }),
        }
    }

    /// Returns the entities.
    pub fn ids(&self) -> &[EntityId] {
        &self.ids
    }

    /// Returns how many entities there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Returns the columns in ascending order of component id.
    pub fn columns(&self) -> &[ErasedVec] {
        &self.columns
    }

    /// Returns the values of one component.
    pub fn column(&self, id: ComponentId) -> Option<ErasedSlice<'_>> {
        let at = self.columns.binary_search_by_key(&id, ErasedVec::id).ok()?;
        Some(self.columns[at].as_slice())
    }

    /// Returns the components that the entities have.
    pub fn components(&self) -> ComponentSet {
        self.columns.iter().map(ErasedVec::id).collect()
    }

    /// Gives ids and columns up.
    pub fn into_parts(self) -> (Vec<EntityId>, Vec<ErasedVec>) {
        (self.ids, self.columns)
    }
}
