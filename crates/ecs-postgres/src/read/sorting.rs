//! Columns of all entities, sorted into chunks by what entities have.

use ahash::AHashMap;
use ecs_core::{ComponentId, EntityId, ErasedVec};
use ecs_storage_api::{OwnedChunk, RemoteError};

use crate::error::nonsense;
use crate::rows::signed;

/// All values of a component, in the order of signed ids.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) component: ComponentId,
    pub(super) ids: Vec<EntityId>,
    /// The values in their persistent form.
    pub(super) bytes: Vec<u8>,
    /// Where each of them ends.
    pub(super) ends: Vec<usize>,
}

impl Column {
    pub(super) fn new(component: ComponentId) -> Self {
        Self { component, ids: Vec::new(), bytes: Vec::new(), ends: Vec::new() }
    }
}

/// Entities while they are sorted by what they have.
#[derive(Debug)]
pub(super) struct Sorting {
    /// In the order of signed ids.
    ids: Vec<EntityId>,
    /// The set of each entity.
    set: Vec<u32>,
    /// How many sets there are; that of number 0 is empty.
    sets: u32,
    /// The set that another becomes with one column more.
    next: AHashMap<(u32, usize), u32>,
    columns: Vec<Column>,
    /// The entity of each row of each column.
    places: Vec<Vec<u32>>,
}

impl Sorting {
    pub(super) fn new(ids: Vec<EntityId>) -> Self {
        let set = vec![0; ids.len()];
        let (columns, places) = (Vec::new(), Vec::new());
        Self { ids, set, sets: 1, next: AHashMap::new(), columns, places }
    }

    /// Adds the values of a component.
    ///
    /// # Errors
    /// If an entity has it that does not live.
    pub(super) fn add(&mut self, column: Column) -> Result<(), RemoteError> {
        let number = self.columns.len();
        let mut places = Vec::with_capacity(column.ids.len());
        let mut place = 0;
        for entity in &column.ids {
            while self.ids.get(place).is_some_and(|at| signed(*at) < signed(*entity)) {
                place += 1;
            }
            if self.ids.get(place) != Some(entity) {
                let component = column.component;
                return Err(nonsense(format!("{entity} is dead and has component `{component}`")));
            }
            let set = &mut self.set[place];
            *set = *self.next.entry((*set, number)).or_insert_with(|| {
                self.sets += 1;
                self.sets - 1
            });
            places.push(place as u32);
            place += 1;
        }
        self.columns.push(column);
        self.places.push(places);
        Ok(())
    }

    /// Returns a chunk for each set that some entity has.
    pub(super) fn into_chunks(self) -> Result<Vec<OwnedChunk>, RemoteError> {
        let mut ids = vec![Vec::new(); self.sets as usize];
        // By the ids' own order: those that are negative numbers are the greatest.
        let negative = self.ids.partition_point(|id| signed(*id) < 0);
        let (negative, positive) = (0..negative, negative..self.ids.len());
        for place in positive.chain(negative) {
            ids[self.set[place] as usize].push(self.ids[place]);
        }
        let mut values: Vec<Vec<ErasedVec>> = ids.iter().map(|_| Vec::new()).collect();
        for (column, places) in self.columns.into_iter().zip(self.places) {
            let mut bytes: AHashMap<u32, Vec<u8>> = AHashMap::new();
            let negative = column.ids.partition_point(|id| signed(*id) < 0);
            for row in (negative..places.len()).chain(0..negative) {
                let start = if row == 0 { 0 } else { column.ends[row - 1] };
                let into = bytes.entry(self.set[places[row] as usize]).or_default();
                into.extend_from_slice(&column.bytes[start..column.ends[row]]);
            }
            for (set, bytes) in bytes {
                let rows = ids[set as usize].len();
                let mut rest = &*bytes;
                let decoded = ErasedVec::decode(column.component.info(), &mut rest, rows)?;
                if !rest.is_empty() {
                    let component = column.component;
                    return Err(nonsense(format!("`{component}` has more bytes than values")));
                }
                values[set as usize].push(decoded);
            }
        }
        let chunks = ids.into_iter().zip(values).filter(|(ids, _)| !ids.is_empty());
        let chunks = chunks.map(|(ids, values)| OwnedChunk::ascending(ids, values));
        chunks.collect::<Result<_, _>>().map_err(|error| nonsense(error.to_string()))
    }
}
