//! Who leaves, chosen by everybody's own draw.

use core::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::input::airports::AirportIndex;

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
/// So each person makes one draw a trip, and a tick costs one comparison a person: with the
/// *cutoff* of the person's airport. No position in an iteration and no number of threads
/// has a say.
///
/// # Cutoffs
///
/// Finding the `n` smallest of `m` clocks would need all `m`. But the number of clocks
/// below `level + x` is binomial with probability `1 - exp(-x)`, so a cutoff below which a
/// few more than `n` are expected makes a short list that almost surely holds the `n`
/// smallest. When it is too short, the list is made again with a higher cutoff. The
/// choice is the same with any cutoff.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DepartureBoard {
    levels: Vec<f64>,
}

/// Somebody whose clock is below the cutoff.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate<Id> {
    /// The airport that the person flies from.
    pub airport: AirportIndex,
    /// The person's clock.
    pub clock: f64,
    /// Who it is.
    pub id: Id,
}

/// How many are to leave from an airport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The airport.
    pub airport: AirportIndex,
    /// How many leave.
    pub travellers: u32,
    /// How many are at home, at least as many.
    pub at_home: u32,
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

    /// Chooses who leaves: for each demand its travellers, by rising clock.
    ///
    /// `scan` is given the cutoff of every airport, and appends everybody at home whose
    /// clock is below it, in any order. It is called again, for the airports concerned, in
    /// the rare case that a cutoff was too low. An airport has at most one demand.
    ///
    /// # Complexity
    /// One scan, and sorting about `n + 5 sqrt(n) + 8` candidates an airport. No scan when
    /// nobody is to leave.
    ///
    /// # Panics
    /// When a scan without a cutoff finds fewer people than a demand takes: then `at_home`
    /// was wrong.
    pub fn choose<Id: Copy + Ord>(
        &mut self,
        demands: &[Demand],
        mut scan: impl FnMut(&[f64], &mut Vec<Candidate<Id>>),
    ) -> Vec<Vec<Id>> {
        let mut chosen = vec![Vec::new(); demands.len()];
        let mut open: Vec<usize> =
            (0..demands.len()).filter(|&place| demands[place].travellers > 0).collect();
        let mut candidates = Vec::new();
        let mut slack = 1.0;
        while !open.is_empty() {
            let mut cutoffs = vec![f64::NEG_INFINITY; self.levels.len()];
            for &place in &open {
                cutoffs[demands[place].airport.index()] = self.cutoff(demands[place], slack);
            }
            candidates.clear();
            scan(&cutoffs, &mut candidates);
            candidates.sort_unstable_by(by_airport_and_clock);
            open.retain(|&place| {
                let Demand { airport, travellers, .. } = demands[place];
                let list = of_airport(&candidates, airport);
                let Some(taken) = list.get(..travellers as usize) else {
                    let is_whole = cutoffs[airport.index()] == f64::INFINITY;
                    assert!(!is_whole, "{:?} finds {} at home", demands[place], list.len());
                    return true;
                };
                self.levels[airport.index()] = taken[taken.len() - 1].clock;
                chosen[place] = taken.iter().map(|candidate| candidate.id).collect();
                false
            });
            slack *= 4.0;
        }
        chosen
    }

    /// Finds a clock below which at least the demanded are very probably found.
    fn cutoff(&self, demand: Demand, slack: f64) -> f64 {
        let wanted = f64::from(demand.travellers);
        // The spread of a binomial number is below the root of its mean.
        let listed = wanted + slack * (5.0 * wanted.sqrt() + 8.0);
        let share = listed / f64::from(demand.at_home);
        if share >= 1.0 {
            return f64::INFINITY;
        }
        self.levels[demand.airport.index()] - libm::log1p(-share)
    }
}

fn by_airport_and_clock<Id: Ord>(a: &Candidate<Id>, b: &Candidate<Id>) -> Ordering {
    let by_clock = a.clock.total_cmp(&b.clock);
    a.airport.cmp(&b.airport).then(by_clock).then_with(|| a.id.cmp(&b.id))
}

/// The part of sorted candidates that belongs to an airport.
fn of_airport<Id>(candidates: &[Candidate<Id>], airport: AirportIndex) -> &[Candidate<Id>] {
    let start = candidates.partition_point(|candidate| candidate.airport < airport);
    let end = candidates.partition_point(|candidate| candidate.airport <= airport);
    &candidates[start..end]
}

#[cfg(test)]
mod tests;
