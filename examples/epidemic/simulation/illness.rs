//! The course of the illness, at home, away and on board.

use ecs::prelude::*;

use super::components::{Exposed, Infectious, Recovered};
use super::exchange::Exchange;
use super::state::{Now, Stage};
use crate::draws::DrawName;
use crate::purpose::Purpose;

/// People who are looked at in one piece of work.
const PIECE: usize = 8_192;

/// Lets those infect others whose latent time is over.
pub(super) fn become_infectious(
    now: Res<Now>,
    stage: Res<Stage>,
    mut exposed: Query<(EntityId, &Exposed)>,
    mut commands: Commands,
) {
    let (tick, draws, rules) = (now.0, stage.draws, stage.scenario.rules);
    let due = exposed.par_map_chunks_of(PIECE, |people| {
        let mut due = Exchange::<Exposed, Infectious>::new();
        people.for_each(|(entity, exposed)| {
            if exposed.until <= tick {
                let name =
                    DrawName { entity: entity.to_bits(), tick, purpose: Purpose::InfectiousTime };
                let until = tick + rules.infectious_ticks(draws.exponential(name));
                due.push(entity, Infectious { until });
            }
        });
        due
    });
    due.into_iter().collect::<Exchange<_, _>>().record(&mut commands);
}

/// Lets those recover whose infectious time is over.
pub(super) fn recover(
    now: Res<Now>,
    mut infectious: Query<(EntityId, &Infectious)>,
    mut commands: Commands,
) {
    let tick = now.0;
    let due = infectious.par_map_chunks_of(PIECE, |people| {
        let mut due = Exchange::<Infectious, Recovered>::new();
        people.for_each(|(entity, infectious)| {
            if infectious.until <= tick {
                due.push(entity, Recovered);
            }
        });
        due
    });
    due.into_iter().collect::<Exchange<_, _>>().record(&mut commands);
}
