//! Landing: who does, and what follows for the queues and the counts.
//!
//! Who lands is found in pieces, on all threads. The queues of the susceptible,
//! those of the people at home, and the counts are different resources, so what
//! follows for each is a system of its own, and they run side by side.

use ecs::prelude::*;

use super::components::{
    Clock, Exposed, FirstCase, Home, InFlight, Infectious, Place, Susceptible, Visiting,
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

/// People on board who are looked at in one piece of work.
const PIECE: usize = 1_024;

/// Those who land in this tick.
#[derive(Debug, Default)]
pub(super) struct Landed(Vec<Landing>);

#[derive(Debug)]
struct Landing {
    person: EntityId,
    city: u16,
    /// That of the susceptible.
    threshold: Option<f64>,
    is_case: bool,
    then: Then,
}

/// What a person does who has landed.
#[derive(Debug)]
enum Then {
    Visit(Visiting),
    BeHome { airport: u16, clock: f64 },
}

/// Who lands: flight, place, home, and the state of health.
type Traveller<'a> = (
    EntityId,
    &'a InFlight,
    &'a Place,
    &'a Home,
    Option<&'a Susceptible>,
    Has<Exposed>,
    Has<Infectious>,
);

/// Lets travellers whose flight is over be where they flew to.
pub(super) fn land(
    now: Res<Now>,
    stage: Res<Stage>,
    hazard: Res<Hazard>,
    board: Res<DepartureBoard>,
    mut landed: ResMut<Landed>,
    mut flying: Query<Traveller<'_>>,
    mut commands: Commands,
) {
    let (tick, draws, rules) = (now.0, stage.draws, stage.scenario.rules);
    let pieces = flying.par_map_chunks_of(PIECE, |people| {
        let mut landed = Vec::new();
        people.for_each(|(person, flight, place, home, susceptible, exposed, infectious)| {
            if flight.until > tick {
                return;
            }
            let threshold =
                susceptible.map(|resistance| hazard.threshold(CityIndex(place.0), resistance.0));
            let draw =
                |purpose| draws.exponential(DrawName { entity: person.to_bits(), tick, purpose });
            let then = if flight.way_back > 0 {
                let until = tick + rules.stay_ticks(draw(Purpose::Stay));
                Then::Visit(Visiting { until, way_back: flight.way_back })
            } else {
                let draw = draw(Purpose::DepartureClock);
                let clock = board.clock(AirportIndex(home.airport), draw);
                Then::BeHome { airport: home.airport, clock }
            };
            let is_case = exposed || infectious;
            landed.push(Landing { person, city: place.0, threshold, is_case, then });
        });
        landed
    });
    landed.0.clear();
    landed.0.extend(pieces.into_iter().flatten());
    let mut visiting = Exchange::<InFlight, Visiting>::new();
    let mut visiting_well = Exchange::<InFlight, (Visiting, Susceptible)>::new();
    let mut home_again = Exchange::<InFlight, Clock>::new();
    let mut home_again_well = Exchange::<InFlight, (Clock, Susceptible)>::new();
    for &Landing { person, threshold, ref then, .. } in &landed.0 {
        match (then, threshold.map(Susceptible)) {
            (&Then::Visit(visit), None) => visiting.push(person, visit),
            (&Then::Visit(visit), Some(well)) => visiting_well.push(person, (visit, well)),
            (&Then::BeHome { clock, .. }, None) => home_again.push(person, Clock(clock)),
            (&Then::BeHome { clock, .. }, Some(well)) => {
                home_again_well.push(person, (Clock(clock), well));
            }
        }
    }
    visiting.record(&mut commands);
    visiting_well.record(&mut commands);
    home_again.record(&mut commands);
    home_again_well.record(&mut commands);
}

/// Lets the susceptible who have landed stand in the queue of the city.
pub(super) fn be_at_risk(landed: Res<Landed>, mut at_risk: ResMut<AtRisk>) {
    for landing in &landed.0 {
        if let Some(threshold) = landing.threshold {
            at_risk.arrive(landing.city, threshold, landing.person);
        }
    }
}

/// Lets those who are home again stand in the queue of their airport.
pub(super) fn wait_at_home(landed: Res<Landed>, mut at_home: ResMut<AtHome>) {
    for landing in &landed.0 {
        if let Then::BeHome { airport, clock } = landing.then {
            at_home.0.push(airport.into(), Turn { level: clock, id: landing.person });
        }
    }
}

/// Counts those who have landed, and notes which of them are a city's first case.
pub(super) fn count_landed(
    now: Res<Now>,
    stage: Res<Stage>,
    landed: Res<Landed>,
    mut places: ResMut<Places>,
    mut course: ResMut<Course>,
    mut commands: Commands,
) {
    let day = stage.scenario.rules.calendar.day_of(now.0);
    for landing in &landed.0 {
        if landing.is_case && places.note_case(landing.city, day) {
            commands.insert(stage.cities[usize::from(landing.city)], FirstCase(day));
            course.archetype_moves += 1;
        }
        places.arrive(landing.city);
        if let Then::BeHome { airport, .. } = landing.then {
            places.come_home(airport);
        }
    }
}
