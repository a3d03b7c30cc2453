//! Whose turn is next: what follows from the people, and is not saved.

use ecs::Storage;
use ecs::prelude::*;

use super::components::{Clock, Home};
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
