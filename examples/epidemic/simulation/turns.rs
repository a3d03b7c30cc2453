//! Whose turn is next: what follows from the people, and is not saved.

use ecs::Storage;
use ecs::prelude::*;

use super::components::{Clock, Home, InFlight, Place, Susceptible};
use super::state::Stage;
use crate::queues::{Queues, Turn};

/// Those at home who have an airport: by airport, in the order of their clocks.
#[derive(Debug)]
pub(super) struct AtHome(pub Queues<EntityId>);

impl AtHome {
    pub(super) fn of<S: Storage>(world: &World<S>, stage: &Stage) -> Self {
        let people = world.query::<(EntityId, &Home, &Clock)>();
        let turns = people
            .iter()
            .map(|(id, home, clock)| (usize::from(home.airport), Turn { level: clock.0, id }));
        Self(Queues::new(stage.airports.len(), turns))
    }
}

/// The susceptible: by city, in the order of their thresholds.
///
/// Who leaves a city leaves the turn behind, and comes back with another. So a turn counts
/// only while somebody is in the city with its threshold, which is asked when it comes up.
#[derive(Debug)]
pub(super) struct AtRisk(Queues<EntityId>);

impl AtRisk {
    pub(super) fn of<S: Storage>(world: &World<S>, stage: &Stage) -> Self {
        let people = world.query_filtered::<(EntityId, &Susceptible, &Place), Without<InFlight>>();
        let turns = people
            .iter()
            .map(|(id, threshold, place)| (usize::from(place.0), Turn { level: threshold.0, id }));
        Self(Queues::new(stage.cities.len(), turns))
    }

    /// Notes a susceptible person who arrives in a city.
    pub(super) fn arrive(&mut self, city: u16, threshold: f64, id: EntityId) {
        self.0.push(city.into(), Turn { level: threshold, id });
    }

    /// Takes those out whose threshold a city's sum exceeds, and gives each who is
    /// there to `infect`.
    pub(super) fn take_overcome(
        &mut self,
        city: usize,
        sum: f64,
        is_here: impl Fn(Turn<EntityId>) -> bool,
        mut infect: impl FnMut(EntityId),
    ) {
        let mut last = None;
        while let Some(turn) = self.0.pop_below(city, sum) {
            // Away and back without a change of the sum, somebody has the same turn twice.
            if last != Some(turn.id) && is_here(turn) {
                infect(turn.id);
                last = Some(turn.id);
            }
        }
    }

    /// Drops what was left behind in a city, once that is more than half.
    pub(super) fn tidy(
        &mut self,
        city: usize,
        present: u32,
        is_here: impl Fn(Turn<EntityId>) -> bool,
    ) {
        if self.0.len(city) > 2 * present as usize {
            self.0.retain(city, is_here);
        }
    }
}
