//! The course of the illness, at home, away and on board.

use ecs::prelude::*;

use super::components::{Exposed, Infectious, Recovered};
use super::exchange::Exchange;
use super::state::{Now, Stage};
use crate::draws::DrawName;
use crate::purpose::Purpose;

/// Lets those infect others whose latent time is over.
pub(super) fn become_infectious(
    now: Res<Now>,
    stage: Res<Stage>,
    mut exposed: Query<(EntityId, &Exposed)>,
    mut commands: Commands,
) {
    let (tick, draws, rules) = (now.0, stage.draws, stage.scenario.rules);
    let mut due = Exchange::<Exposed, Infectious>::new();
    exposed.for_each(|(entity, exposed)| {
        if exposed.until <= tick {
            let name =
                DrawName { entity: entity.to_bits(), tick, purpose: Purpose::InfectiousTime };
            let until = tick + rules.infectious_ticks(draws.exponential(name));
            due.push(entity, Infectious { until });
        }
    });
    due.record(&mut commands);
}

/// Lets those recover whose infectious time is over.
pub(super) fn recover(
    now: Res<Now>,
    mut infectious: Query<(EntityId, &Infectious)>,
    mut commands: Commands,
) {
    let tick = now.0;
    let mut due = Exchange::<Infectious, Recovered>::new();
    infectious.for_each(|(entity, infectious)| {
        if infectious.until <= tick {
            due.push(entity, Recovered);
        }
    });
    due.record(&mut commands);
}
