//! What somebody far away holds, by entity: to tell what has really changed of all
//! that a [capture](RowCapture) brings.

mod comparison;
mod page;

use ahash::AHashMap;
use ecs_core::{AllocatorState, CodecError, ComponentId, EntityId};

use self::comparison::Comparison;
use self::page::Page;
use super::capture::{Captured, RowCapture};
use super::image::StorageImage;
use super::row_changes::RowChanges;

/// The persistent values of a store, by entity, as somebody has them who is told of
/// changes: an archive, or a client.
///
/// # Example
/// ```
/// use ecs_core::EntityAllocator;
/// use ecs_storage_api::snapshot::{Replica, RowCapture};
/// use ecs_storage_api::{Storage, StorageImage};
///
/// # fn follow(store: &mut dyn Storage) -> Result<(), Box<dyn std::error::Error>> {
/// let nothing = StorageImage::new(EntityAllocator::new(0).state(), Vec::new())?;
/// let mut replica = Replica::of_image(&nothing)?;
/// let all = RowCapture::of(store, None)?;
/// let changes = replica.changes(&all)?;
/// // Somebody is told of them; when that is done:
/// replica.take_in(&all);
/// // Some time later:
/// let some = RowCapture::of(store, Some(all.moment()))?;
/// let changes = replica.changes(&some)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Replica {
    allocator: AllocatorState,
    sets: Sets,
    pages: AHashMap<u64, Page>,
}

/// Sets of components, numbered.
#[derive(Debug, Default)]
struct Sets {
    all: Vec<Box<[ComponentId]>>,
    numbers: AHashMap<Box<[ComponentId]>, u32>,
}

impl Sets {
    fn number(&self, components: &[ComponentId]) -> Option<u32> {
        self.numbers.get(components).copied()
    }

    fn number_or_new(&mut self, components: &[ComponentId]) -> u32 {
        if let Some(number) = self.number(components) {
            return number;
        }
        let number = self.all.len() as u32;
        self.all.push(components.into());
        self.numbers.insert(components.into(), number);
        number
    }
}

/// Where the values of an entity are: a page, and a row in it.
///
/// Ids of the home shard are one at a time to an index, whatever their generation; of
/// others each has a place of its own.
#[inline]
fn place(home: u16, id: EntityId) -> (u64, usize) {
    let high = match id.shard() == home {
        true => 0,
        // Never that of a home id: no id has the shard and the generation 0 at once
        // with those bits that are added here.
        false => u64::from(id.high()) | 1 << 32,
    };
    let index = id.index() as usize;
    (high << 22 | (index / page::ROWS) as u64, index % page::ROWS)
}

impl Replica {
    /// Makes one that holds what an image does.
    ///
    /// # Errors
    /// [`CodecError`] if a value refuses to be encoded.
    ///
    /// # Complexity
    /// O(values).
    pub fn of_image(image: &StorageImage) -> Result<Self, CodecError> {
        let allocator = image.allocator().clone();
        let mut replica = Self { allocator, sets: Sets::default(), pages: AHashMap::new() };
        replica.take_in(&RowCapture::of_image(image)?);
        Ok(replica)
    }

    /// Returns which ids come next.
    pub fn allocator(&self) -> &AllocatorState {
        &self.allocator
    }

    /// Finds out which rows are different from those that it holds, by a capture of all
    /// that may be. A value is, if its encoded bytes are.
    ///
    /// # Errors
    /// [`CodecError`] if a value can't be decoded, which of a store does not happen.
    ///
    /// # Complexity
    /// O(rows of the capture), and O(n log n) for n that are different; O(rows) if it is
    /// of everything.
    pub fn changes(&self, capture: &RowCapture) -> Result<RowChanges, CodecError> {
        Comparison::new(self, capture).finish()
    }

    /// Takes over what a capture brings.
    ///
    /// # Complexity
    /// O(rows of the capture), or O(rows) if it is of everything.
    pub fn take_in(&mut self, capture: &RowCapture) {
        if capture.is_whole {
            self.pages.clear();
        }
        self.allocator.clone_from(&capture.allocator);
        let home = self.allocator.shard;
        for id in &capture.ended {
            let (page, row) = place(home, *id);
            if let Some(page) = self.pages.get_mut(&page) {
                page.end(row);
            }
        }
        for rows in &capture.entities {
            let set = self.sets.number_or_new(&rows.components);
            self.put(rows, Some(set));
        }
        for rows in &capture.written {
            self.put(rows, None);
        }
    }

    /// Writes values, and whose they are if their components are all that they have.
    fn put(&mut self, rows: &Captured, set: Option<u32>) {
        let home = self.allocator.shard;
        let mut start = 0;
        // Entities that follow each other mostly share a page.
        for run in rows.ids.chunk_by(|a, b| place(home, *a).0 == place(home, *b).0) {
            let page = self.pages.entry(place(home, run[0]).0).or_default();
            let in_page = || (start..).zip(run).map(|(row, id)| (row, place(home, *id).1));
            if let Some(set) = set {
                in_page().zip(run).for_each(|((_, to), id)| page.begin(to, *id, set));
            }
            for (component, column) in rows.components.iter().zip(&rows.columns) {
                let values = page.column_mut(*component);
                in_page().for_each(|(row, to)| values.set(to, column.get(row)));
            }
            start += run.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_strangers_are_their_own() {
        let id = |shard, index, generation| EntityId::new(shard, index, generation).unwrap();
        assert_eq!(place(3, id(3, 5_000, 1)), place(3, id(3, 5_000, 9)));
        let places = [id(3, 7, 1), id(4, 7, 1), id(4, 7, 2), id(0, 7, 0)].map(|id| place(3, id));
        for (n, place) in places.iter().enumerate() {
            assert!(!places[..n].contains(place), "{places:?}");
        }
    }
}
