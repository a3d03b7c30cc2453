//! Departing: the flights of a tick, and who takes them.

use ecs::prelude::*;

use super::components::{Clock, Departures, InFlight, Place, Susceptible};
use super::exchange::Exchange;
use super::state::{Course, Now, Places, Stage};
use super::turns::AtHome;
use crate::departure_board::{DepartureBoard, Gate};
use crate::draws::DrawName;
use crate::hazard::Hazard;
use crate::input::airports::AirportIndex;
use crate::input::cities::CityIndex;
use crate::input::flights::FlightIndex;
use crate::purpose::Purpose;

/// Airports whose departures are one piece of work.
const PIECE: usize = 8;

/// More than most pieces have travellers.
const MANY: usize = 64;

/// A person who leaves, with the components that change on the way.
struct Traveller {
    person: EntityId,
    left: u16,
    flight: InFlight,
    place: Place,
    susceptible: Option<Susceptible>,
}

/// Counts the flights of the tick, chooses their passengers, and lets them leave.
///
/// Where the flights from an airport want more people than are at home there, the first in
/// the order of the file are filled first. So the flights of an airport go one after
/// another, and airports side by side.
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
    people: Query<(&Place, Option<&Susceptible>), With<Clock>>,
    mut commands: Commands,
) {
    let tick = now.0;
    count_departures(tick, &stage, &mut airports);
    let flights = by_origin(tick, &stage);
    let people = people.view();
    let leave = |person: EntityId, way: u32, to: CityIndex| {
        let (place, susceptible) = people.get(person).expect("who waits for a turn is at home");
        let left = |threshold: &Susceptible| {
            Susceptible(hazard.resistance_left(CityIndex(place.0), threshold.0))
        };
        Traveller {
            person,
            left: place.0,
            flight: InFlight { until: tick + way, way_back: way },
            place: Place(to.0),
            susceptible: susceptible.map(left),
        }
    };
    let gates = (0..).map(AirportIndex).zip(board.gates(&mut at_home.0)).zip(flights);
    let mut gates: Vec<_> = gates.filter(|(_, flights)| !flights.is_empty()).collect();
    let travellers = par_map(gates.chunks_mut(PIECE), 1, |gates| {
        // One list a piece: threads that make and give back many wait for each other.
        let mut travellers = Vec::with_capacity(MANY);
        for ((airport, gate), flights) in gates {
            for &flight in *flights {
                take_off(tick, &stage, flight, gate, |person, way, to| {
                    travellers.push((*airport, leave(person, way, to)));
                });
            }
        }
        travellers
    });
    let mut well = Exchange::<Clock, (InFlight, Place, Susceptible)>::new();
    let mut others = Exchange::<Clock, (InFlight, Place)>::new();
    for (airport, traveller) in travellers.into_iter().flatten() {
        let Traveller { person, left, flight, place, susceptible } = traveller;
        places.leave_home(airport);
        places.leave(left);
        course.passengers += 1;
        match susceptible {
            Some(susceptible) => well.push(person, (flight, place, susceptible)),
            None => others.push(person, (flight, place)),
        }
    }
    well.record(&mut commands);
    others.record(&mut commands);
}

/// Chooses the passengers of a flight; `leave` is given each of them, how many
/// ticks the flight takes, and the city to be visited.
fn take_off(
    tick: u32,
    stage: &Stage,
    flight: FlightIndex,
    gate: &mut Gate<'_, EntityId>,
    mut leave: impl FnMut(EntityId, u32, CityIndex),
) {
    let scenario = &stage.scenario;
    let leg = &scenario.input.flights()[flight.index()];
    let cities = scenario.catchments.cities_of(leg.destination);
    if gate.at_home() == 0 || cities.is_empty() {
        return;
    }
    let entity = stage.flights[flight.index()].to_bits();
    let name = DrawName { entity, tick, purpose: Purpose::Passengers };
    let wanted = stage.draws.poisson(&scenario.rules.passengers, name);
    let way = scenario.rules.flight_ticks(leg.distance_mi);
    for _ in 0..wanted {
        let Some(person) = gate.next_to_leave() else { return };
        let name = DrawName { entity: person.to_bits(), tick, purpose: Purpose::VisitedCity };
        leave(person, way, cities.members[stage.draws.weighted(&cities.running_sums, name)]);
    }
}

/// The tick's flights of each airport.
fn by_origin(tick: u32, stage: &Stage) -> Vec<&[FlightIndex]> {
    let (timetable, input) = (&stage.scenario.timetable, &stage.scenario.input);
    let origin = |flight: &FlightIndex| input.flights()[flight.index()].origin;
    let mut flights: Vec<&[FlightIndex]> = vec![&[]; stage.airports.len()];
    for departing in timetable.at(tick).chunk_by(|a, b| origin(a) == origin(b)) {
        flights[origin(&departing[0]).index()] = departing;
    }
    flights
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
