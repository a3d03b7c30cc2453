//! Where the entities of a list are, put in order.

use std::sync::atomic::{AtomicBool, Ordering};

use ecs_core::EntityId;
use ecs_storage_api::{Location, TableId, Workers};
use parking_lot::Mutex;

use super::Rows;

/// Entities that are looked up in one piece of work.
const LOOKED_UP: usize = 512;

/// Where the entities of a list are, by table and row.
#[derive(Debug)]
pub(crate) struct Scattered {
    /// Ascending, none twice.
    places: Vec<Place>,
    /// Which of the list each is; empty if they ascend in the list.
    turns: Vec<u32>,
}

impl Scattered {
    /// Looks where entities are.
    ///
    /// # Errors
    /// Nothing, if one is dead or listed twice.
    pub(crate) fn of(rows: &Rows, entities: &[EntityId], workers: &dyn Workers) -> Option<Self> {
        let mut places = vec![Place::default(); entities.len()];
        let pieces = places.chunks_mut(LOOKED_UP).zip(entities.chunks(LOOKED_UP));
        let (pieces, all_live) = (Mutex::new(pieces), AtomicBool::new(true));
        let work = || {
            let next = || pieces.lock().next();
            while let Some((places, entities)) = next() {
                for (place, &entity) in places.iter_mut().zip(entities) {
                    match rows.locate(entity) {
                        Some(at) => *place = Place::new(at),
                        // Relaxed: it is read when all have returned.
                        None => all_live.store(false, Ordering::Relaxed),
                    }
                }
            }
        };
        if entities.len() > LOOKED_UP {
            workers.work(entities.len().div_ceil(LOOKED_UP), &work);
        }
        // Whatever the helpers have left.
        work();
        if !all_live.into_inner() {
            return None;
        }
        let ascend = |places: &[Place]| places.windows(2).all(|pair| pair[0] < pair[1]);
        if ascend(&places) {
            return Some(Self { places, turns: Vec::new() });
        }
        let turns = sort(&mut places)?;
        Some(Self { places, turns })
    }

    /// Returns how many entities are in the list.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns the places of each table, and their turns.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&[Place], Turns<'_>)> {
        let mut first = 0;
        self.places.chunk_by(|a, b| a.table() == b.table()).map(move |places| {
            let start = first;
            first += places.len();
            let turns = match &self.turns[..] {
                [] => Turns::From(start),
                turns if places.len() == turns.len() => Turns::All(turns),
                turns => Turns::Of(&turns[start..first]),
            };
            (places, turns)
        })
    }

    /// Returns the tables and how many of the entities are in each, in the order
    /// of [`Rows::scatter`]'s courses.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (TableId, usize)> {
        self.groups().map(|(places, _)| (places[0].table(), places.len()))
    }
}

/// Which of the list some places are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turns<'a> {
    /// Those from one on.
    From(usize),
    Of(&'a [u32]),
    /// As before, of a list whose entities are all in one table, or of a part of them: of
    /// all of them, each number below their count is there once.
    All(&'a [u32]),
}

impl Turns<'_> {
    /// Returns those of the places from the n-th on, of which there are `len`.
    pub(super) fn part(self, nth: usize, len: usize) -> Self {
        match self {
            Self::From(first) => Self::From(first + nth),
            Self::Of(turns) => Self::Of(&turns[nth..nth + len]),
            Self::All(turns) => Self::All(&turns[nth..nth + len]),
        }
    }

    /// Returns that of the n-th place.
    pub(super) fn get(self, nth: usize) -> usize {
        match self {
            Self::From(first) => first + nth,
            Self::Of(turns) | Self::All(turns) => turns[nth] as usize,
        }
    }
}

/// Table and row as one number: sorting asks a single question of two places, whose answer
/// nobody has to guess.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

impl Place {
    pub(super) fn new(at: Location) -> Self {
        Self(u64::from(at.table().0) << u32::BITS | at.row() as u64)
    }

    pub(super) fn table(self) -> TableId {
        TableId((self.0 >> u32::BITS) as u32)
    }

    pub(super) fn row(self) -> usize {
        self.0 as u32 as usize
    }
}

/// Sorts places, and returns which of them each was; nothing, if one is there twice, or
/// there are none.
///
/// # Complexity
/// O(n), if they lie close together; else O(n log n).
fn sort(places: &mut [Place]) -> Option<Vec<u32>> {
    let (least, most) = (places.iter().min()?.0, places.iter().max()?.0);
    let words = (most - least) / u64::from(u64::BITS) + 1;
    if words <= places.len() as u64 {
        return rank(places, least, words as usize);
    }
    let bits = usize::BITS - places.len().leading_zeros();
    let turns = match bits <= most.leading_zeros() {
        true => sort_packed(places, bits),
        false => sort_apart(places),
    };
    places.windows(2).all(|pair| pair[0] < pair[1]).then_some(turns)
}

/// Sorts by a bit for each place from the least on, in so many words: as many as are set
/// before its own come before a place.
fn rank(places: &mut [Place], least: u64, words: usize) -> Option<Vec<u32>> {
    let at = |place: Place| {
        let n = place.0 - least;
        ((n / u64::from(u64::BITS)) as usize, 1 << (n % u64::from(u64::BITS)))
    };
    let mut set = vec![0u64; words];
    for (word, bit) in places.iter().map(|place| at(*place)) {
        if set[word] & bit != 0 {
            return None;
        }
        set[word] |= bit;
    }
    let mut before = Vec::with_capacity(words);
    let mut count = 0;
    for bits in &set {
        before.push(count);
        count += bits.count_ones();
    }
    let mut turns = vec![0; places.len()];
    for (turn, (word, bit)) in (0..).zip(places.iter().map(|place| at(*place))) {
        let rank = before[word] + (set[word] & (bit - 1)).count_ones();
        turns[rank as usize] = turn;
    }
    let mut sorted = places.iter_mut();
    for (first, mut bits) in (least..).step_by(u64::BITS as usize).zip(set) {
        while bits != 0 {
            let place = sorted.next().expect("a bit for each place");
            *place = Place(first + u64::from(bits.trailing_zeros()));
            bits &= bits - 1;
        }
    }
    Some(turns)
}

/// Sorts them with their turns, of so many bits, in one number: half as much to move, and
/// to compare.
fn sort_packed(places: &mut [Place], bits: u32) -> Vec<u32> {
    (0..).zip(&mut *places).for_each(|(turn, place)| place.0 = place.0 << bits | turn);
    places.sort_unstable();
    let turn = |place: &mut Place| {
        let turn = place.0 & ((1 << bits) - 1);
        place.0 >>= bits;
        turn as u32
    };
    places.iter_mut().map(turn).collect()
}

/// Sorts their turns, and then themselves.
fn sort_apart(places: &mut [Place]) -> Vec<u32> {
    let mut turns: Vec<u32> = (0..places.len() as u32).collect();
    turns.sort_unstable_by_key(|turn| places[*turn as usize]);
    places.sort_unstable();
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_sorted(known: &[Place]) {
        let mut places = known.to_vec();
        let mut turns = sort(&mut places).unwrap();
        assert!(places.is_sorted());
        let again: Vec<Place> = turns.iter().map(|turn| known[*turn as usize]).collect();
        assert_eq!(again, places);
        turns.sort_unstable();
        assert!((0..known.len() as u32).eq(turns), "each once");
    }

    fn is_refused(known: &[Place]) {
        let mut places = [known, &known[1..2]].concat();
        assert_eq!(sort(&mut places), None, "{known:?}");
    }

    #[test]
    fn places_are_sorted_with_their_turns() {
        // Close together; far from each other; in tables whose numbers leave no room.
        for (table, step) in [(0, 1), (3, 1), (3, 1000), (u64::from(u32::MAX), 1000)] {
            let place = |n: u64| Place(table << u32::BITS | (n * 37 % 101 * step));
            let known: Vec<Place> = (1..101).map(place).collect();
            is_sorted(&known);
            is_refused(&known);
        }
        let tables: Vec<Place> = (1..5).rev().map(|table| Place(table << u32::BITS | 7)).collect();
        is_sorted(&tables);
        is_refused(&tables);
        is_sorted(&tables[..1]);
    }
}
