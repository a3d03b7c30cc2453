//! The course of the illness, at home, away and on board.

use ecs::prelude::*;

use super::components::{Exposed, Infectious, Recovered};
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
    exposed.par_for_each_with(&mut commands, |commands, (entity, exposed)| {
        if exposed.until <= tick {
            let name =
                DrawName { entity: entity.to_bits(), tick, purpose: Purpose::InfectiousTime };
            commands.remove::<Exposed>(entity);
            commands.insert(
                entity,
                Infectious { until: tick + rules.infectious_ticks(draws.exponential(name)) },
            );
        }
    });
}

/// Lets those recover whose infectious time is over.
pub(super) fn recover(
    now: Res<Now>,
    mut infectious: Query<(EntityId, &Infectious)>,
    mut commands: Commands,
) {
    let tick = now.0;
    infectious.par_for_each_with(&mut commands, |commands, (entity, infectious)| {
        if infectious.until <= tick {
            commands.remove::<Infectious>(entity);
            commands.insert(entity, Recovered);
        }
    });
}
