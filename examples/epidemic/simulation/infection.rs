//! Infection, by city.

use ecs::CommandQueue;
use ecs::prelude::*;

use super::components::{Exposed, InFlight, Infectious, Place, Susceptible};
use super::state::{Course, Now, Places, Stage};
use crate::draws::DrawName;
use crate::hazard::{Hazard, overcomes};
use crate::input::cities::CityIndex;
use crate::purpose::Purpose;

/// Counts the infectious by city, and adds the hazard of the tick.
pub(super) fn expose_cities(
    stage: Res<Stage>,
    places: Res<Places>,
    mut hazard: ResMut<Hazard>,
    mut infectious: Query<&Place, (With<Infectious>, Without<InFlight>)>,
) {
    let rules = stage.scenario.rules;
    let mut by_city = vec![0u32; stage.cities.len()];
    infectious.for_each(|place| by_city[usize::from(place.0)] += 1);
    for (city, &infectious) in by_city.iter().enumerate() {
        let city = CityIndex::at(city);
        hazard.expose(
            city,
            infectious,
            places.present(city),
            rules.beta,
            rules.calendar.tick_days(),
        );
    }
}

/// Infects those whose resistance is overcome; they are exposed from the next
/// tick on.
pub(super) fn infect(
    now: Res<Now>,
    stage: Res<Stage>,
    hazard: Res<Hazard>,
    mut course: ResMut<Course>,
    mut susceptible: Query<(EntityId, &Susceptible, &Place), Without<InFlight>>,
    mut commands: Commands,
) {
    let (tick, draws, rules) = (now.0, stage.draws, stage.scenario.rules);
    let sums = hazard.sums();
    let mut overcome = CommandQueue::new();
    susceptible.par_for_each_with(
        &mut Commands::new(&mut overcome),
        |commands, (entity, threshold, place)| {
            if overcomes(sums[usize::from(place.0)], threshold.0) {
                let name =
                    DrawName { entity: entity.to_bits(), tick, purpose: Purpose::LatentTime };
                let until = tick + 1 + rules.latent_ticks(draws.exponential(name));
                commands.remove::<Susceptible>(entity);
                commands.insert(entity, Exposed { until });
            }
        },
    );
    let infected = overcome.len() as u32 / 2;
    course.infected += u64::from(infected);
    course.infected_today += infected;
    commands.append(overcome);
}
