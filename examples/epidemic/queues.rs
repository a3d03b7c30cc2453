//! Whose turn comes first, at each of several places.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Keeps a queue at each of several places: the lowest level first, ties by id.
///
/// Who is next is a matter of levels and ids alone, never of the order in which people
/// came.
///
/// # Complexity
/// Making the queues is O(people); adding somebody is O(1) on average and taking the first
/// is O(log people of the place).
#[derive(Clone, Debug)]
pub struct Queues<Id>(Vec<BinaryHeap<Reverse<Turn<Id>>>>);

/// Somebody in a queue.
#[derive(Clone, Copy, Debug)]
pub struct Turn<Id> {
    /// What decides when the turn comes.
    pub level: f64,
    /// Whose turn it is.
    pub id: Id,
}

impl<Id: Copy + Ord> Queues<Id> {
    /// Makes a queue for each of `places`, with everybody in line.
    ///
    /// # Panics
    /// When somebody is at a place beyond them.
    #[must_use]
    pub fn new(places: usize, people: impl IntoIterator<Item = (usize, Turn<Id>)>) -> Self {
        let mut queues = vec![Vec::new(); places];
        for (place, turn) in people {
            queues[place].push(Reverse(turn));
        }
        Self(queues.into_iter().map(BinaryHeap::from).collect())
    }

    /// Puts somebody in a place's queue.
    pub fn push(&mut self, place: usize, turn: Turn<Id>) {
        self.0[place].push(Reverse(turn));
    }

    /// Takes the first of a place out of its queue.
    pub fn pop(&mut self, place: usize) -> Option<Turn<Id>> {
        self.0[place].pop().map(|Reverse(turn)| turn)
    }

    /// Takes the first of a place out of its queue, if the level is one whose turn is now.
    pub fn pop_if(&mut self, place: usize, is_due: impl FnOnce(f64) -> bool) -> Option<Turn<Id>> {
        let Reverse(first) = self.0[place].peek()?;
        if is_due(first.level) { self.pop(place) } else { None }
    }

    /// Counts those who are in a place's queue.
    #[must_use]
    pub fn len(&self, place: usize) -> usize {
        self.0[place].len()
    }

    /// Keeps those in a place's queue who are to stay, each turn once.
    ///
    /// # Complexity
    /// O(n log n) for a queue of n.
    pub fn retain(&mut self, place: usize, stays: impl Fn(Turn<Id>) -> bool) {
        let mut turns = std::mem::take(&mut self.0[place]).into_vec();
        turns.retain(|&Reverse(turn)| stays(turn));
        turns.sort_unstable();
        turns.dedup();
        self.0[place] = turns.into();
    }
}

impl<Id: Ord> Ord for Turn<Id> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.level.total_cmp(&other.level).then_with(|| self.id.cmp(&other.id))
    }
}

impl<Id: Ord> PartialOrd for Turn<Id> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<Id: Ord> PartialEq for Turn<Id> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<Id: Ord> Eq for Turn<Id> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(level: f64, id: u32) -> Turn<u32> {
        Turn { level, id }
    }

    /// Takes everybody out of a queue.
    fn all(queues: &mut Queues<u32>, place: usize) -> Vec<u32> {
        std::iter::from_fn(|| queues.pop(place)).map(|turn| turn.id).collect()
    }

    #[test]
    fn the_lowest_level_is_first_and_ties_go_by_id() {
        let people = [turn(0.5, 7), turn(0.25, 9), turn(0.5, 3), turn(4.0, 1)];
        let mut forward = Queues::new(2, people.map(|turn| (1, turn)));
        let mut backward = Queues::new(2, []);
        people.into_iter().rev().for_each(|turn| backward.push(1, turn));
        assert_eq!((forward.len(0), forward.len(1), backward.len(1)), (0, 4, 4));
        assert_eq!(all(&mut forward, 1), [9, 3, 7, 1]);
        assert_eq!(all(&mut backward, 1), [9, 3, 7, 1]);
        assert_eq!(forward.pop(0), None);
    }

    #[test]
    fn who_is_not_due_stays() {
        let mut queues = Queues::new(1, [(0, turn(1.0, 1)), (0, turn(2.0, 2))]);
        let due = |level: f64| level < 2.0;
        assert_eq!(queues.pop_if(0, due), Some(turn(1.0, 1)));
        assert_eq!((queues.pop_if(0, due), queues.len(0)), (None, 1));
    }

    #[test]
    fn a_queue_can_be_tidied() {
        let people = [turn(3.0, 3), turn(1.0, 1), turn(2.0, 2), turn(3.0, 3), turn(4.0, 3)];
        let mut queues = Queues::new(1, people.map(|turn| (0, turn)));
        queues.retain(0, |turn| turn.id != 1);
        assert_eq!(all(&mut queues, 0), [2, 3, 3]);
    }
}
