//! What somebody far away holds, by entity: to tell what has really changed of all
//! that a [capture](RowCapture) brings.

mod comparison;
mod different;
mod net;
mod page;
mod places;

use ahash::AHashMap;
use ecs_core::{AllocatorState, CodecError, ComponentId};

use self::comparison::Comparison;
use self::net::{Known, Net};
use self::page::Page;
use self::places::Places;
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
/// let changes = replica.follow(&all)?;
/// // Somebody is told of them. Some time later:
/// let some = RowCapture::of(store, Some(all.moment()))?;
/// let changes = replica.follow(&some)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Replica {
    allocator: AllocatorState,
    sets: Sets,
    places: Places,
    known: Known,
    /// Whether all values are kept; else those of pages that captures brought values of
    /// beside lists.
    keeps_values: bool,
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
        let places = Places::new(allocator.shard);
        let (sets, known) = Default::default();
        let mut replica = Self { allocator, sets, places, known, keeps_values: true };
        replica.take_in(&RowCapture::of_image(image)?);
        Ok(replica)
    }

    /// Returns which ids come next.
    pub fn allocator(&self) -> &AllocatorState {
        &self.allocator
    }

    /// Forgets all values, and takes no more memory for those that lists bring, nor for those
    /// of a capture of everything: what they bring to an entity is told of from now on though
    /// it may be the same. Who is there and has what stays known. Values that come otherwise,
    /// with pages that were written and entities that were touched one by one, are kept, and
    /// compared from the second time on; and where there is room for them, those that lists
    /// bring to entities beside.
    ///
    /// For somebody who takes a value that is the same as easily as it is found out.
    pub fn forget_values(&mut self) {
        self.keeps_values = false;
        self.places.forget_values();
    }

    /// Tells whether all values are known.
    pub fn has_values(&self) -> bool {
        self.keeps_values
    }

    /// Tells whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.places.entities().next().is_none()
    }

    /// Takes over what a capture brings of all that may be different, and returns which
    /// rows are. A value is, if its encoded bytes are, or if the one before is
    /// [not known](Self::forget_values).
    ///
    /// # Errors
    /// [`CodecError`] if a value can't be decoded, which of a store does not happen. Then
    /// nothing was taken over.
    ///
    /// # Complexity
    /// O(rows of the capture), O(free ids), and O(n log n) for n that are different;
    /// O(rows) if it is of everything.
    pub fn follow(&mut self, capture: &RowCapture) -> Result<RowChanges, CodecError> {
        let mut known = std::mem::take(&mut self.known);
        let net = Net::of(capture, &mut known);
        let changes = Comparison::new(self, capture, &net).finish();
        let different = changes
            .is_ok()
            .then(|| net.take_in(&mut self.places, &mut self.sets, self.keeps_values));
        self.known = known;
        let mut changes = changes?;
        if let Some(different) = different {
            different.add_to(capture.batches.components(), &mut changes);
        }
        self.take_in(capture);
        Ok(changes)
    }

    /// Takes over what a capture brings beside batches.
    fn take_in(&mut self, capture: &RowCapture) {
        self.allocator.clone_from(&capture.allocator);
        if capture.is_whole {
            self.places = Places::new(self.allocator.shard);
        }
        capture.ended.iter().for_each(|id| self.places.end(*id));
        let keeps_values = self.keeps_values || !capture.is_whole;
        for rows in &capture.entities {
            let set = self.sets.number_or_new(&rows.components);
            let places = &mut self.places;
            places.for_each_run_or_new(&rows.ids, |page, run, in_page| {
                let there = rows.ids[run.clone()].iter().zip(in_page);
                there.for_each(|(id, to)| page.begin(*to as usize, *id, set));
                if keeps_values {
                    put(rows, page, run.start, in_page);
                }
            });
        }
        for rows in &capture.written {
            self.places.for_each_run_or_new(&rows.ids, |page, run, in_page| {
                put(rows, page, run.start, in_page);
            });
        }
    }
}

/// Writes values of rows that follow each other to those of a page.
fn put(rows: &Captured, page: &mut Page, start: usize, in_page: &[u32]) {
    page.make_room(&rows.components);
    for (component, column) in rows.components.iter().zip(&rows.columns) {
        page.put(*component, column, start, in_page);
    }
}
