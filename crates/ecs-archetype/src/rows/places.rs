//! Where rows are, put in order.

use ecs_storage_api::{Location, TableId};

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
pub(super) fn sort(places: &mut [Place]) -> Option<Vec<u32>> {
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
