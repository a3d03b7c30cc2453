//! What batches together do to entities.
//!
//! Batches tell of each list in turn what its entities lost and got. Of an entity that is
//! in several the last word counts, component by component. So first it is found out what
//! that is, without a look at the replica, and then each entity is looked up once: what it
//! had is compared and replaced at the same time, since both wait for the same memory.

use ahash::AHashMap;
use bytemuck::{Pod, Zeroable};
use ecs_core::{ComponentId, EntityId};

use super::Sets;
use super::places::Places;
use crate::bits::numbers;
use crate::changes::Batches;
use crate::directory::prefetch;
use crate::snapshot::capture::{Captured, RowCapture};
use crate::snapshot::value::append_value;

/// Memory is asked for what is known of an entity when so many come before it.
const AHEAD: usize = 12;

/// What is known of entities while the last word about each is looked for. It is kept
/// between captures, since it takes longer to make room for it than to use it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By index, the number of an entity and 1; 0 for those that batches are not about.
    numbers: Vec<u32>,
    /// By number.
    ids: Vec<EntityId>,
    /// By number, in rows.
    words: Vec<Line>,
}

/// What the cache takes at once.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl Known {
    /// Returns the number of an entity that batches are about.
    #[inline]
    fn number(&self, id: EntityId) -> Option<usize> {
        // One of another shard may have the same index.
        self.number_of_index(id).filter(|number| self.ids[*number] == id)
    }

    /// Returns the number of whoever has an id's index.
    #[inline]
    fn number_of_index(&self, id: EntityId) -> Option<usize> {
        let number = *self.numbers.get(id.index() as usize)?;
        (number as usize).checked_sub(1)
    }

    /// Returns the number of an entity, a new one if it has none.
    #[inline]
    fn number_or_new(&mut self, id: EntityId, layout: &Layout) -> usize {
        let index = id.index() as usize;
        if index >= self.numbers.len() {
            self.numbers.resize((index + 1).next_power_of_two(), 0);
        }
        let number = &mut self.numbers[index];
        if *number == 0 {
            self.ids.push(id);
            *number = self.ids.len() as u32;
            let lines = (self.ids.len() * layout.stride).div_ceil(size_of::<Line>());
            if self.words.len() < lines {
                self.words.resize(lines.next_power_of_two(), Line::zeroed());
            }
            let number = *number as usize - 1;
            self.masks(number, layout).fill(0);
            return number;
        }
        *number as usize - 1
    }

    /// Asks memory for the number of an entity.
    #[inline]
    fn ask_for_number(&self, id: EntityId) {
        prefetch(self.numbers.as_ptr().wrapping_add(id.index() as usize));
    }

    /// Asks memory for what is known of an entity.
    #[inline]
    fn ask_for_row(&self, number: usize, layout: &Layout) {
        prefetch(self.words.as_ptr().cast::<u8>().wrapping_add(number * layout.stride));
    }

    #[inline]
    fn row(&self, number: usize, layout: &Layout) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[number * layout.stride..][..layout.stride]
    }

    #[inline]
    fn row_mut(&mut self, number: usize, layout: &Layout) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[number * layout.stride..][..layout.stride]
    }

    /// Returns which components came to an entity, and which it lost, a bit each.
    #[inline]
    fn masks(&mut self, number: usize, layout: &Layout) -> &mut [u32; 2] {
        let row = self.row_mut(number, layout);
        &mut bytemuck::cast_slice_mut::<_, [u32; 2]>(&mut row[..VALUES])[0]
    }

    /// Writes values of `N` bytes to the rows of some entities: of each its place among the
    /// values, and its number.
    fn put<const N: usize>(
        &mut self,
        at: usize,
        values: &[u8],
        entities: &[(usize, usize)],
        layout: &Layout,
    ) {
        let (values, _) = values.as_chunks::<N>();
        let words = bytemuck::cast_slice_mut::<_, u8>(&mut self.words);
        for &(n, number) in entities {
            let start = number * layout.stride + at;
            words[start..start + N].copy_from_slice(&values[n]);
        }
    }

    /// Returns the entities in the order of their indices, and their numbers, and forgets
    /// which they were.
    fn take(&mut self) -> (Vec<EntityId>, Vec<u32>) {
        let last = self.ids.iter().map(|id| id.index()).max().map_or(0, |last| last as usize + 1);
        let mut words = vec![0u64; last.div_ceil(64)];
        for id in &self.ids {
            words[id.index() as usize / 64] |= 1 << (id.index() % 64);
        }
        let take = |index: u32| std::mem::take(&mut self.numbers[index as usize]) - 1;
        let order: Vec<u32> = numbers(&words).map(take).collect();
        let ids = order.iter().map(|number| self.ids[*number as usize]).collect();
        self.ids.clear();
        (ids, order)
    }
}

/// Where a row of what is known of an entity has which value; first the components that
/// came, then those that it lost, a bit each.
struct Layout {
    /// By number of the component.
    places: Vec<usize>,
    stride: usize,
}

/// Where values begin.
const VALUES: usize = size_of::<[u32; 2]>();

impl Layout {
    fn of(batches: &Batches) -> Self {
        let mut end = VALUES;
        let place = |component: &ComponentId| {
            let place = end;
            end += if batches.has_values_of(*component) { component.info().stride() } else { 0 };
            place
        };
        let places = batches.components().iter().map(place).collect();
        // So that a row lies in as few lines as it can.
        let stride = match end {
            ..=64 => end.next_power_of_two(),
            _ => end.next_multiple_of(size_of::<Line>()),
        };
        Self { places, stride }
    }
}

/// The last word of batches about each entity, and of pages that were written since.
pub(super) struct Net<'a> {
    known: &'a mut Known,
    capture: &'a RowCapture,
    layout: Layout,
}

/// What is found to be different, by component.
#[derive(Debug, Default)]
pub(super) struct Different {
    pub(super) updated: Vec<Column>,
    pub(super) inserted: Vec<Column>,
    pub(super) removed: Vec<Vec<EntityId>>,
}

/// Values of a component that is plain bytes.
#[derive(Debug, Default, Clone)]
pub(super) struct Column {
    pub(super) ids: Vec<EntityId>,
    pub(super) bytes: Vec<u8>,
}

impl Different {
    fn new(components: usize) -> Self {
        Self {
            updated: vec![Column::default(); components],
            inserted: vec![Column::default(); components],
            removed: vec![Vec::new(); components],
        }
    }
}

impl Column {
    #[inline]
    fn push(&mut self, id: EntityId, value: &[u8]) {
        self.ids.push(id);
        append_value(value, &mut self.bytes);
    }
}

/// What becomes of a set of components.
#[derive(Debug, Clone, Copy)]
struct Transition {
    /// The other set.
    to: u32,
    /// A bit for each component that is in the first.
    had: u32,
}

/// Returns the numbers of the bits that are set.
fn bits(word: u32) -> impl Iterator<Item = usize> {
    let rest = |bits: &u32| Some(bits & (bits - 1)).filter(|bits| *bits != 0);
    let first = Some(word).filter(|bits| *bits != 0);
    std::iter::successors(first, rest).map(|bits| bits.trailing_zeros() as usize)
}

impl<'a> Net<'a> {
    /// Finds out what becomes of each entity of which the batches of a capture tell all.
    pub(super) fn of(capture: &'a RowCapture, known: &'a mut Known) -> Self {
        let layout = Layout::of(&capture.batches);
        let mut net = Self { known, capture, layout };
        net.take_batches();
        for rows in &capture.written {
            net.take_written(rows);
        }
        net
    }

    fn take_batches(&mut self) {
        let Self { known, capture, layout } = self;
        let batches = &capture.batches;
        let mut entities = Vec::new();
        for batch in batches.iter() {
            let came = batch.came.iter().fold(0, |bits, (number, _)| bits | 1 << number);
            entities.clear();
            for (n, id) in batch.ids.iter().enumerate() {
                if let Some(later) = batch.ids.get(n + 2 * AHEAD) {
                    known.ask_for_number(*later);
                }
                if let Some(number) =
                    batch.ids.get(n + AHEAD).and_then(|id| known.number_of_index(*id))
                {
                    known.ask_for_row(number, layout);
                }
                if capture.has_all_of(*id) {
                    continue;
                }
                let number = known.number_or_new(*id, layout);
                let [had_come, were_lost] = known.masks(number, layout);
                *had_come = *had_come & !batch.lost | came;
                *were_lost = *were_lost & !came | batch.lost;
                entities.push((n, number));
            }
            for &(component, start) in batch.came {
                let at = layout.places[component as usize];
                let stride = batches.components()[component as usize].info().stride();
                let values = &batches.bytes()[start..start + batch.ids.len() * stride];
                match stride {
                    0 => {}
                    2 => known.put::<2>(at, values, &entities, layout),
                    4 => known.put::<4>(at, values, &entities, layout),
                    8 => known.put::<8>(at, values, &entities, layout),
                    _ => entities.iter().for_each(|&(n, number)| {
                        let value = &values[n * stride..(n + 1) * stride];
                        known.row_mut(number, layout)[at..at + stride].copy_from_slice(value);
                    }),
                }
            }
        }
    }

    /// Takes values of pages over that were written: nothing came to them later.
    fn take_written(&mut self, rows: &Captured) {
        let Some(component) = self.component(rows.components[0]) else { return };
        let at = self.layout.places[component];
        for (row, id) in rows.ids.iter().enumerate() {
            let Some(number) = self.known.number(*id) else { continue };
            let [came, lost] = self.known.masks(number, &self.layout);
            *came |= 1 << component;
            *lost &= !(1 << component);
            let value = rows.columns[0].get(row);
            let there = &mut self.known.row_mut(number, &self.layout)[at..at + value.len()];
            there.copy_from_slice(value);
        }
    }

    /// Returns the number of a component whose values batches may tell of.
    fn component(&self, component: ComponentId) -> Option<usize> {
        let batches = &self.capture.batches;
        let number = batches.components().iter().position(|known| *known == component)?;
        batches.has_values_of(component).then_some(number)
    }

    /// Tells whether it is here that it is told which value of a component an entity has.
    pub(super) fn tells_of(&self, component: ComponentId) -> impl Fn(EntityId) -> bool + '_ {
        let is_told = self.component(component).is_some();
        move |id| is_told && self.known.number(id).is_some()
    }

    /// Compares what comes to entities with what a replica has, which takes it over: all
    /// values, or those of components that their pages have values of already.
    pub(super) fn take_in(
        self,
        places: &mut Places,
        sets: &mut Sets,
        keeps_values: bool,
    ) -> Different {
        let batches = &self.capture.batches;
        let components = batches.components();
        let mut different = Different::new(components.len());
        let values = components.iter().copied().filter(|id| batches.has_values_of(*id));
        let values: Vec<_> = values.collect();
        let mut transitions = Transitions { components, sets, known: AHashMap::new(), last: None };
        let sizes = components.iter().map(|id| id.info().stride());
        let places_of: Vec<_> = self.layout.places.iter().copied().zip(sizes).collect();
        let (ids, order) = self.known.take();
        places.for_each_run_or_new(&ids, |page, run, in_page| {
            if keeps_values {
                page.make_room(&values);
            }
            let fields: Vec<_> = components.iter().map(|id| page.field(*id)).collect();
            let order = &order[run.clone()];
            for (n, (&id, &there)) in ids[run].iter().zip(in_page).enumerate() {
                if let (Some(there), Some(number)) = (in_page.get(n + AHEAD), order.get(n + AHEAD))
                {
                    page.ask_for(&[*there]);
                    self.known.ask_for_row(*number as usize, &self.layout);
                }
                let Some((known, set)) = page.row(there as usize) else { continue };
                if known != id {
                    continue;
                }
                let [came, lost] = *self.known.masks(order[n] as usize, &self.layout);
                let Transition { to, had } = transitions.of(set, came, lost);
                if to != set {
                    page.begin(there as usize, id, to);
                }
                let new = self.known.row(order[n] as usize, &self.layout);
                for component in bits(came) {
                    let (place, size) = places_of[component];
                    let value = &new[place..place + size];
                    let known = fields[component];
                    let differs =
                        known.map_or(size != 0, |field| page.replace(field, there as usize, value));
                    if had >> component & 1 == 0 {
                        different.inserted[component].push(id, value);
                    } else if differs {
                        different.updated[component].push(id, value);
                    }
                }
                for component in bits(lost & had) {
                    different.removed[component].push(id);
                }
            }
        });
        different
    }
}

impl Drop for Net<'_> {
    fn drop(&mut self) {
        for id in self.known.ids.drain(..) {
            self.known.numbers[id.index() as usize] = 0;
        }
    }
}

/// What becomes of sets of components, as far as it was asked.
struct Transitions<'a> {
    components: &'a [ComponentId],
    sets: &'a mut Sets,
    known: AHashMap<(u32, u32, u32), Transition>,
    last: Option<((u32, u32, u32), Transition)>,
}

impl Transitions<'_> {
    #[inline]
    fn of(&mut self, set: u32, came: u32, lost: u32) -> Transition {
        let key = (set, came, lost);
        match self.last {
            Some((last, transition)) if last == key => transition,
            _ => {
                let known = self.known.get(&key).copied();
                let transition = known.unwrap_or_else(|| self.find(key));
                self.last = Some((key, transition));
                transition
            }
        }
    }

    #[cold]
    fn find(&mut self, (set, came, lost): (u32, u32, u32)) -> Transition {
        let before = &self.sets.all[set as usize];
        let is_there = |n: &usize| before.binary_search(&self.components[*n]).is_ok();
        let had = (0..self.components.len()).filter(is_there).fold(0, |bits, n| bits | 1 << n);
        let is_lost = |id: &ComponentId| bits(lost).any(|n| self.components[n] == *id);
        let mut after: Vec<_> = before.iter().copied().filter(|id| !is_lost(id)).collect();
        after.extend(bits(came & !had).map(|n| self.components[n]));
        after.sort_unstable();
        let transition = Transition { to: self.sets.number_or_new(&after), had };
        self.known.insert((set, came, lost), transition);
        transition
    }
}
