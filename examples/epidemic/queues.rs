//! Whose turn comes first, at each of several places.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use ecs::par_map;
use rayon::prelude::*;

/// Places whose queues are one piece of work.
const PIECE: usize = 256;

/// More than most of them have people whose turn comes at once.
const MANY: usize = 64;

/// Keeps a queue at each of several places: the lowest level first, ties by id.
///
/// Who is next is a matter of levels and ids alone, never of the order in which people
/// came.
///
/// # Complexity
/// Making the queues is O(n log n). Taking the first is O(1) among those who were there from
/// the beginning, and O(log n) among the n of the place who came since; adding somebody is
/// O(1) on average.
#[derive(Clone, Debug)]
pub struct Queues<Id> {
    /// By place: the level of the first, or infinity where there is nobody. Apart from
    /// the queues, so that asking every place whose turn it is reads one small array.
    next: Vec<f64>,
    queues: Vec<Queue<Id>>,
}

/// The queue of one place, which can change while others do.
#[derive(Debug)]
pub struct QueueMut<'a, Id> {
    next: &'a mut f64,
    queue: &'a mut Queue<Id>,
}

/// Somebody in a queue.
#[derive(Clone, Copy, Debug)]
pub struct Turn<Id> {
    /// What decides when the turn comes.
    pub level: f64,
    /// Whose turn it is.
    pub id: Id,
}

/// The queue of a place. A million people in heaps would be taken out with a cache miss a
/// level of the heap, so who is there from the beginning is sorted instead.
#[derive(Clone, Debug)]
struct Queue<Id> {
    /// From the beginning, the first at the end.
    sorted: Vec<Turn<Id>>,
    /// Since then.
    late: BinaryHeap<Reverse<Turn<Id>>>,
}

impl<Id: Copy + Ord + Send> Queues<Id> {
    /// Makes a queue for each of `places`, with everybody in line.
    ///
    /// # Panics
    /// When somebody is at a place beyond them.
    #[must_use]
    pub fn new(places: usize, people: impl IntoIterator<Item = (usize, Turn<Id>)>) -> Self {
        let mut turns = vec![Vec::new(); places];
        for (place, turn) in people {
            turns[place].push(turn);
        }
        let queues: Vec<_> = turns.into_par_iter().map(Queue::new).collect();
        Self { next: queues.iter().map(Queue::next).collect(), queues }
    }

    /// Puts somebody in a place's queue.
    pub fn push(&mut self, place: usize, turn: Turn<Id>) {
        self.queues[place].late.push(Reverse(turn));
        self.next[place] = self.queues[place].next();
    }

    /// Takes the first of a place out of its queue.
    pub fn pop(&mut self, place: usize) -> Option<Turn<Id>> {
        self.at(place).pop()
    }

    /// The queue of a place.
    pub fn at(&mut self, place: usize) -> QueueMut<'_, Id> {
        QueueMut { next: &mut self.next[place], queue: &mut self.queues[place] }
    }

    /// The queues of all places.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = QueueMut<'_, Id>> {
        let queues = self.next.iter_mut().zip(&mut self.queues);
        queues.map(|(next, queue)| QueueMut { next, queue })
    }

    /// Takes everybody out whose level is below the limit of the place, on several
    /// threads: place by place, the first first.
    pub fn take_below(&mut self, limits: &[f64]) -> Vec<(usize, Turn<Id>)> {
        let queues = self.next.chunks_mut(PIECE).zip(self.queues.chunks_mut(PIECE));
        let pieces = queues.zip(limits.chunks(PIECE)).zip((0..).step_by(PIECE));
        let below = par_map(pieces, 1, |(((next, queues), limits), first)| {
            let mut below = Vec::with_capacity(MANY);
            for (place, ((next, queue), &limit)) in
                (first..).zip(next.iter_mut().zip(queues).zip(limits))
            {
                while *next < limit
                    && let Some(turn) = queue.pop()
                {
                    *next = queue.next();
                    below.push((place, turn));
                }
            }
            below
        });
        below.concat()
    }

    /// Counts those who are in a place's queue.
    #[must_use]
    pub fn len(&self, place: usize) -> usize {
        self.queues[place].len()
    }

    /// Keeps those in a place's queue who are to stay, each turn once.
    ///
    /// # Complexity
    /// O(n log n) for a queue of n.
    pub fn retain(&mut self, place: usize, stays: impl Fn(Turn<Id>) -> bool) {
        let Queue { sorted: turns, late } = &mut self.queues[place];
        turns.extend(late.drain().map(|Reverse(turn)| turn));
        turns.retain(|&turn| stays(turn));
        self.queues[place] = Queue::new(std::mem::take(turns));
        self.next[place] = self.queues[place].next();
    }
}

impl<Id: Copy + Ord> QueueMut<'_, Id> {
    /// Takes the first out.
    pub fn pop(&mut self) -> Option<Turn<Id>> {
        let first = self.queue.pop();
        *self.next = self.queue.next();
        first
    }

    /// Counts those who are in the queue.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Tells whether nobody is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<Id: Copy + Ord> Queue<Id> {
    fn new(mut turns: Vec<Turn<Id>>) -> Self {
        turns.sort_unstable_by(|a, b| b.cmp(a));
        turns.dedup();
        Self { sorted: turns, late: BinaryHeap::new() }
    }

    fn len(&self) -> usize {
        self.sorted.len() + self.late.len()
    }

    /// The level of the first.
    fn next(&self) -> f64 {
        let sorted = self.sorted.last().map_or(f64::INFINITY, |turn| turn.level);
        let late = self.late.peek().map_or(f64::INFINITY, |Reverse(turn)| turn.level);
        sorted.min(late)
    }

    fn pop(&mut self) -> Option<Turn<Id>> {
        match (self.sorted.last(), self.late.peek()) {
            (Some(sorted), Some(Reverse(late))) if sorted < late => self.sorted.pop(),
            (_, Some(_)) => self.late.pop().map(|Reverse(turn)| turn),
            (_, None) => self.sorted.pop(),
        }
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
    fn who_came_late_stands_where_the_level_says() {
        let mut queues = Queues::new(1, [1, 3, 5].map(|id| (0, turn(id.into(), id))));
        [4, 0, 6, 2].into_iter().for_each(|id| queues.push(0, turn(id.into(), id)));
        queues.push(0, turn(3.0, 2));
        assert_eq!(all(&mut queues, 0), [0, 1, 2, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn who_is_not_due_stays() {
        let mut queues = Queues::new(2, [(0, turn(1.0, 1)), (0, turn(2.0, 2))]);
        assert_eq!(queues.take_below(&[2.0, 2.0]), [(0, turn(1.0, 1))]);
        assert_eq!(queues.take_below(&[2.0, 2.0]), []);
        queues.push(1, turn(1.5, 3));
        queues.push(1, turn(0.5, 4));
        assert_eq!(queues.take_below(&[1.0, 2.0]), [(1, turn(0.5, 4)), (1, turn(1.5, 3))]);
        assert_eq!((queues.len(0), queues.len(1)), (1, 0));
    }

    #[test]
    fn a_queue_can_be_tidied() {
        let people = [turn(3.0, 3), turn(1.0, 1), turn(2.0, 2), turn(3.0, 3), turn(4.0, 3)];
        let mut queues = Queues::new(1, people.map(|turn| (0, turn)));
        queues.retain(0, |turn| turn.id != 1);
        assert_eq!(all(&mut queues, 0), [2, 3, 3]);
    }
}
