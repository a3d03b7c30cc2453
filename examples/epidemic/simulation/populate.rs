//! The entities of a new run.

use ecs::Storage;
use ecs::prelude::*;

use super::components::{
    Airport, City, Clock, Departures, Exposed, FirstCase, Flight, Home, Place, Susceptible,
};
use super::state::{Course, Places};
use crate::draws::{DrawName, Draws};
use crate::purpose::Purpose;
use crate::scenario::Scenario;

/// Makes cities, airports, flights and people, with the draws that each person
/// begins with.
pub(super) fn populate<S: Storage>(world: &mut World<S>, scenario: &Scenario) {
    let input = &scenario.input;
    world.spawn_batch((0..input.cities.len()).map(|row| City(row as u16)));
    world.spawn_batch((0..input.airports.len()).map(|row| (Airport(row as u16), Departures(0))));
    world.spawn_batch((0..input.flights().len()).map(|row| Flight(row as u32)));
    settle(world, scenario);
    draw_beginnings(world, scenario);
    expose_first_cases(world, scenario);
}

fn settle<S: Storage>(world: &mut World<S>, scenario: &Scenario) {
    let catchments = &scenario.catchments;
    let person =
        |city: u16| (Home { city, airport: Home::OUT_OF_REACH }, Place(city), Susceptible(0.0));
    // People with an airport and people without one are of two archetypes: one
    // batch each leaves the rows of a city side by side.
    let of = |flies: bool| {
        let cities = scenario.settlement.people();
        let cities =
            cities.filter(move |(city, _)| (catchments.airports_of(*city).total() > 0) == flies);
        cities.flat_map(|(city, people)| (0..people).map(move |_| city.0))
    };
    world.spawn_batch(of(true).map(|city| (person(city), Clock(0.0))).collect::<Vec<_>>());
    world.spawn_batch(of(false).map(person).collect::<Vec<_>>());
}

fn draw_beginnings<S: Storage>(world: &mut World<S>, scenario: &Scenario) {
    let draws = Draws::new(scenario.parameters.seed);
    let name = |entity: EntityId, purpose| DrawName { entity: entity.to_bits(), tick: 0, purpose };
    world.query_mut::<(EntityId, &mut Susceptible)>().par_for_each(|(entity, susceptible)| {
        susceptible.0 = draws.exponential(name(entity, Purpose::Resistance));
    });
    world.query_mut::<(EntityId, &mut Home, &mut Clock)>().par_for_each(|(entity, home, clock)| {
        let airports = scenario.catchments.airports_of(crate::input::cities::CityIndex(home.city));
        let drawn = draws.weighted(&airports.running_sums, name(entity, Purpose::HomeAirport));
        home.airport = airports.members[drawn].0;
        clock.0 = draws.exponential(name(entity, Purpose::DepartureClock));
    });
    let mut places = world.remove_resource::<Places>().expect("every world has places");
    for home in world.query::<&Home>() {
        places.arrive(home.city);
        if home.airport != Home::OUT_OF_REACH {
            places.come_home(home.airport);
        }
    }
    world.insert_resource(places);
}

fn expose_first_cases<S: Storage>(world: &mut World<S>, scenario: &Scenario) {
    let draws = Draws::new(scenario.parameters.seed);
    let name = |entity: EntityId, purpose| DrawName { entity: entity.to_bits(), tick: 0, purpose };
    let city = scenario.first_city;
    let there = world.query_filtered::<(EntityId, &Place), With<Susceptible>>();
    let mut drawn: Vec<_> = there
        .iter()
        .filter(|(_, place)| place.0 == city.0)
        .map(|(entity, _)| (draws.bits(name(entity, Purpose::FirstCase)), entity))
        .collect();
    drop(there);
    drawn.sort_unstable();
    drawn.truncate(scenario.parameters.first_cases as usize);
    for &(_, entity) in &drawn {
        let until =
            scenario.rules.latent_ticks(draws.exponential(name(entity, Purpose::LatentTime)));
        world.remove::<Susceptible>(entity).expect("the person lives");
        world.insert(entity, Exposed { until }).expect("the person lives");
    }
    if drawn.is_empty() {
        return;
    }
    world.resource_mut::<Places>().expect("every world has places").note_case(city.0, 1);
    world.resource_mut::<Course>().expect("every world has a course").infected = drawn.len() as u64;
    let entity = {
        let cities = world.query::<(EntityId, &City)>();
        cities.iter().find(|(_, row)| row.0 == city.0).map(|(entity, _)| entity)
    };
    world.insert(entity.expect("every city is an entity"), FirstCase(1)).expect("the city lives");
}
