//! Landing, leaving for home, and departing.

use ecs::prelude::*;

use super::components::{
    Clock, Departures, Exposed, FirstCase, Home, InFlight, Infectious, Place, Susceptible, Visiting,
};
use super::exchange::Exchange;
use super::state::{Course, Now, Places, Stage};
use super::turns::{AtHome, AtRisk};
use crate::departure_board::DepartureBoard;
use crate::draws::DrawName;
use crate::hazard::Hazard;
use crate::input::airports::AirportIndex;
use crate::input::cities::CityIndex;
use crate::purpose::Purpose;
use crate::queues::Turn;

/// Who lands: flight, place, home, and the state of health.
type Landing<'a> = (
    EntityId,
    &'a InFlight,
    &'a Place,
    &'a Home,
    Option<&'a mut Susceptible>,
    Has<Exposed>,
    Has<Infectious>,
);

/// Lets travellers whose flight is over be where they flew to.
#[expect(clippy::too_many_arguments, reason = "a system names all that it reads and writes")]
pub(super) fn land(
    now: Res<Now>,
    stage: Res<Stage>,
    hazard: Res<Hazard>,
    board: Res<DepartureBoard>,
    mut at_home: ResMut<AtHome>,
    mut at_risk: ResMut<AtRisk>,
    mut places: ResMut<Places>,
    mut course: ResMut<Course>,
    mut flying: Query<Landing<'_>>,
    mut commands: Commands,
) {
    let (tick, rules) = (now.0, stage.scenario.rules);
    let mut visiting = Exchange::<InFlight, Visiting>::new();
    let mut home_again = Exchange::<InFlight, Clock>::new();
    flying.for_each(|(entity, flight, place, home, susceptible, exposed, infectious)| {
        if flight.until > tick {
            return;
        }
        if let Some(resistance) = susceptible {
            resistance.0 = hazard.threshold(CityIndex(place.0), resistance.0);
            at_risk.arrive(place.0, resistance.0, entity);
        }
        let day = rules.calendar.day_of(tick);
        if (exposed || infectious) && places.note_case(place.0, day) {
            commands.insert(stage.cities[usize::from(place.0)], FirstCase(day));
            course.archetype_moves += 1;
        }
        places.arrive(place.0);
        let draw =
            |purpose| stage.draws.exponential(DrawName { entity: entity.to_bits(), tick, purpose });
        if flight.way_back > 0 {
            let until = tick + rules.stay_ticks(draw(Purpose::Stay));
            visiting.push(entity, Visiting { until, way_back: flight.way_back });
        } else {
            places.come_home(home.airport);
            let clock = board.clock(AirportIndex(home.airport), draw(Purpose::DepartureClock));
            at_home.0.push(home.airport.into(), Turn { level: clock, id: entity });
            home_again.push(entity, Clock(clock));
        }
    });
    visiting.record(&mut commands);
    home_again.record(&mut commands);
}

/// Lets visitors whose stay is over fly home.
pub(super) fn leave_for_home(
    now: Res<Now>,
    hazard: Res<Hazard>,
    mut places: ResMut<Places>,
    mut visitors: Query<(EntityId, &Visiting, &mut Place, &Home, Option<&mut Susceptible>)>,
    mut commands: Commands,
) {
    let tick = now.0;
    let mut leaving = Exchange::<Visiting, InFlight>::new();
    visitors.for_each(|(entity, visit, place, home, susceptible)| {
        if visit.until > tick {
            return;
        }
        if let Some(threshold) = susceptible {
            threshold.0 = hazard.resistance_left(CityIndex(place.0), threshold.0);
        }
        places.leave(place.0);
        place.0 = home.city;
        leaving.push(entity, InFlight { until: tick + visit.way_back, way_back: 0 });
    });
    leaving.record(&mut commands);
}

/// Counts the flights of the tick, chooses their passengers, and lets them leave.
///
/// Where the flights from an airport want more people than are at home, the first in the
/// order of the file are filled first.
#[expect(clippy::too_many_arguments, reason = "a system names all that it reads and writes")]
pub(super) fn depart(
    now: Res<Now>,
    stage: Res<Stage>,
    hazard: Res<Hazard>,
    mut board: ResMut<DepartureBoard>,
    mut at_home: ResMut<AtHome>,
    mut places: ResMut<Places>,
    mut course: ResMut<Course>,
    mut airports: Query<&mut Departures>,
    mut travellers: Query<(&mut Place, Option<&mut Susceptible>), With<Clock>>,
    mut commands: Commands,
) {
    let (tick, scenario) = (now.0, &stage.scenario);
    count_departures(tick, &stage, &mut airports);
    let mut travellers = travellers.view_mut();
    let mut leaving = Exchange::<Clock, InFlight>::new();
    for &flight in scenario.timetable.at(tick) {
        let leg = &scenario.input.flights()[flight.index()];
        let cities = scenario.catchments.cities_of(leg.destination);
        let at_home_now = places.at_home(leg.origin);
        if at_home_now == 0 || cities.is_empty() {
            continue;
        }
        let entity = stage.flights[flight.index()].to_bits();
        let name = DrawName { entity, tick, purpose: Purpose::Passengers };
        let wanted = stage.draws.poisson(&scenario.rules.passengers, name);
        let passengers = wanted.min(at_home_now);
        places.leave_home(leg.origin, passengers);
        course.passengers += u64::from(passengers);
        let way = scenario.rules.flight_ticks(leg.distance_mi);
        for _ in 0..passengers {
            let entity = board.next_to_leave(&mut at_home.0, leg.origin);
            let entity = entity.expect("as many wait for their turn as are at home");
            let (place, susceptible) =
                travellers.get_mut(entity).expect("who waits for a turn is at home");
            if let Some(threshold) = susceptible {
                threshold.0 = hazard.resistance_left(CityIndex(place.0), threshold.0);
            }
            places.leave(place.0);
            let name = DrawName { entity: entity.to_bits(), tick, purpose: Purpose::VisitedCity };
            place.0 = cities.members[stage.draws.weighted(&cities.running_sums, name)].0;
            leaving.push(entity, InFlight { until: tick + way, way_back: way });
        }
    }
    leaving.record(&mut commands);
}

/// Counts the tick's departures, in the first seven days.
fn count_departures(tick: u32, stage: &Stage, airports: &mut Query<'_, &mut Departures>) {
    let scenario = &stage.scenario;
    if tick >= scenario.rules.calendar.ticks_per_week() {
        return;
    }
    let mut airports = airports.view_mut();
    for flight in scenario.timetable.at(tick) {
        let origin = scenario.input.flights()[flight.index()].origin;
        let departures = airports.get_mut(stage.airports[origin.index()]);
        departures.expect("every airport is an entity").0 += 1;
    }
}
