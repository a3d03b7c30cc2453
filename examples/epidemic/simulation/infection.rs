//! Infection, by city.

use ecs::prelude::*;

use super::components::{Exposed, InFlight, Infectious, Place, Susceptible};
use super::exchange::Exchange;
use super::state::{Course, Now, Places, Stage};
use super::turns::AtRisk;
use crate::draws::DrawName;
use crate::hazard::Hazard;
use crate::input::cities::CityIndex;
use crate::purpose::Purpose;
use crate::queues::Turn;

/// People whose infection is one piece of work.
const PIECE: usize = 64;

/// People who are counted in one piece of work.
const COUNTED: usize = 16_384;

/// Counts the infectious by city, and adds the hazard of the tick.
pub(super) fn expose_cities(
    stage: Res<Stage>,
    places: Res<Places>,
    mut hazard: ResMut<Hazard>,
    mut infectious: Query<&Place, (With<Infectious>, Without<InFlight>)>,
) {
    let rules = stage.scenario.rules;
    let cities = stage.cities.len();
    let counts = infectious.par_map_chunks_of(COUNTED, |people| {
        let mut by_city = vec![0u32; cities];
        people.for_each(|place| by_city[usize::from(place.0)] += 1);
        by_city
    });
    let mut by_city = vec![0u32; cities];
    for count in counts {
        by_city.iter_mut().zip(count).for_each(|(sum, count)| *sum += count);
    }
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
#[expect(clippy::too_many_arguments, reason = "a system names all that it reads and writes")]
pub(super) fn infect(
    now: Res<Now>,
    stage: Res<Stage>,
    hazard: Res<Hazard>,
    places: Res<Places>,
    mut at_risk: ResMut<AtRisk>,
    mut course: ResMut<Course>,
    susceptible: Query<(&Susceptible, &Place), Without<InFlight>>,
    mut commands: Commands,
) {
    let (tick, draws, rules) = (now.0, stage.draws, stage.scenario.rules);
    let susceptible = susceptible.view();
    let is_here = |city: usize, turn: Turn<EntityId>| {
        susceptible.get(turn.id).is_some_and(|(threshold, place)| {
            usize::from(place.0) == city && threshold.0 == turn.level
        })
    };
    let infect = |&(city, turn): &(usize, Turn<EntityId>)| {
        is_here(city, turn).then(|| {
            let name = DrawName { entity: turn.id.to_bits(), tick, purpose: Purpose::LatentTime };
            let until = tick + 1 + rules.latent_ticks(draws.exponential(name));
            (turn.id, Exposed { until })
        })
    };
    let overcome = at_risk.take_overcome(hazard.sums());
    let mut infected = Exchange::<Susceptible, Exposed>::new();
    let exposed = par_map(overcome.chunks(PIECE), 1, |overcome| {
        let mut exposed = Vec::with_capacity(overcome.len());
        exposed.extend(overcome.iter().filter_map(infect));
        exposed
    });
    exposed.into_iter().flatten().for_each(|(person, exposed)| infected.push(person, exposed));
    course.infected += u64::from(infected.len());
    course.infected_today += infected.len();
    infected.record(&mut commands);
    if rules.calendar.ends_day(tick) {
        at_risk.tidy(&places, is_here);
    }
}
