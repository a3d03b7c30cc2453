//! Who leaves, chosen by everybody's own draw.

use serde::{Deserialize, Serialize};

use crate::input::airports::AirportIndex;
use crate::queues::{QueueMut, Queues};

/// Chooses the travellers of a tick among the people at home.
///
/// # The construction
///
/// Everybody at home in an airport's catchment holds a *clock*: the airport's *level* when
/// it came home (0 at the start) plus a draw of its own from the exponential distribution
/// of mean 1. When `n` people are to leave, the `n` with the smallest clocks do, ties by id,
/// and the level rises to the largest clock taken.
///
/// That is a uniform sample without replacement, whatever happened before. Claim: given
/// the past, the clocks of those at home are the level plus independent exponentials of
/// mean 1. It holds at the start, and for who comes home later, by construction. If it
/// holds before a departure, then the order of the clocks is a uniform permutation,
/// independent of the sorted values (the draws are exchangeable), so every set of `n` is
/// equally likely to go first. Those who stay have clocks above the new level,
/// and by the memorylessness of the exponential what they exceed it by is again
/// independent, exponential and of mean 1, whatever the level and whoever left. So
/// the claim holds after the departure. Others leave only by travelling, and illness
/// changes no clock.
///
/// So each person makes one draw a trip, and those at home stand in [`Queues`] by their
/// clocks, one an airport: a departure takes the first, and costs nothing for those who
/// stay. No position in an iteration and no number of threads has a say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DepartureBoard {
    levels: Vec<f64>,
}

impl DepartureBoard {
    /// Makes a board for this many airports.
    #[must_use]
    pub fn new(airports: usize) -> Self {
        Self { levels: vec![0.0; airports] }
    }

    /// Sets the clock of a person who comes home, given its draw from the exponential
    /// distribution of mean 1.
    #[must_use]
    pub fn clock(&self, airport: AirportIndex, draw: f64) -> f64 {
        self.levels[airport.index()] + draw
    }

    /// Lets the next person leave from an airport; `None` when nobody is at home.
    ///
    /// `at_home` holds, an airport, the clocks of those at home.
    pub fn next_to_leave<Id: Copy + Ord + Send>(
        &mut self,
        at_home: &mut Queues<Id>,
        airport: AirportIndex,
    ) -> Option<Id> {
        let level = &mut self.levels[airport.index()];
        Gate { level, at_home: at_home.at(airport.index()) }.next_to_leave()
    }

    /// The gates of all airports.
    pub fn gates<'a, Id: Copy + Ord + Send>(
        &'a mut self,
        at_home: &'a mut Queues<Id>,
    ) -> impl Iterator<Item = Gate<'a, Id>> {
        let airports = self.levels.iter_mut().zip(at_home.iter_mut());
        airports.map(|(level, at_home)| Gate { level, at_home })
    }
}

/// Where those leave who live by one airport. No gate has a say at another, so all
/// may be open at the same time.
#[derive(Debug)]
pub struct Gate<'a, Id> {
    level: &'a mut f64,
    at_home: QueueMut<'a, Id>,
}

impl<Id: Copy + Ord> Gate<'_, Id> {
    /// Counts those at home.
    #[must_use]
    pub fn at_home(&self) -> usize {
        self.at_home.len()
    }

    /// Lets the next person leave; `None` when nobody is at home.
    pub fn next_to_leave(&mut self) -> Option<Id> {
        let first = self.at_home.pop()?;
        *self.level = first.level;
        Some(first.id)
    }
}

#[cfg(test)]
mod tests;
