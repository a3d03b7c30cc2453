//! Whose turn is next: what follows from the people, and is not saved.

use ecs::Storage;
use ecs::prelude::*;

use super::components::{Clock, Home, InFlight, Place, Susceptible};
use super::state::{Places, Stage};
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

    /// Takes the turns out whose threshold the city's sum exceeds, by city.
    pub(super) fn take_overcome(&mut self, sums: &[f64]) -> Vec<(usize, Turn<EntityId>)> {
        let mut overcome = self.0.take_below(sums);
        // Away and back without a change of the sum, somebody has the same turn twice.
        overcome.dedup();
        overcome
    }

    /// Drops what was left behind in each city where that is more than half.
    pub(super) fn tidy(
        &mut self,
        places: &Places,
        is_here: impl Fn(usize, Turn<EntityId>) -> bool,
    ) {
        for (city, &present) in places.by_city().iter().enumerate() {
            if self.0.len(city) > 2 * present as usize {
                self.0.retain(city, |turn| is_here(city, turn));
            }
        }
    }
}
