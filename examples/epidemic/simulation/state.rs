//! What belongs to no entity: the course of the run, counts by place, and the
//! stage, which is derived and not saved.

use std::collections::BTreeMap;
use std::sync::Arc;

use ecs::Storage;
use ecs::prelude::*;
use serde::{Deserialize, Serialize};

use super::components::{Airport, City, Departures, Flight};
use crate::departure_board::DepartureBoard;
use crate::draws::Draws;
use crate::hazard::Hazard;
use crate::input::airports::AirportIndex;
use crate::input::cities::CityIndex;
use crate::outputs::series::DayCounts;
use crate::parameters::Parameters;
use crate::scenario::Scenario;

/// The tick that is being simulated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now(pub u32);

/// Everything that stays as it is, with the entities by row of their file.
#[derive(Debug)]
pub(super) struct Stage {
    pub scenario: Arc<Scenario>,
    pub draws: Draws,
    pub cities: Vec<EntityId>,
    pub airports: Vec<EntityId>,
    pub flights: Vec<EntityId>,
}

impl Stage {
    /// Finds the entities of the files' rows.
    pub(super) fn of<S: Storage>(world: &World<S>, scenario: Arc<Scenario>) -> Self {
        fn by_row<D>(
            rows: impl Iterator<Item = (EntityId, D)>,
            row: impl Fn(D) -> usize,
        ) -> Vec<EntityId> {
            let mut all: Vec<_> = rows.map(|(entity, data)| (row(data), entity)).collect();
            all.sort_unstable();
            all.into_iter().map(|(_, entity)| entity).collect()
        }
        Self {
            draws: Draws::new(scenario.parameters.seed),
            cities: by_row(world.query::<(EntityId, &City)>().iter(), |city| city.0.into()),
            airports: by_row(world.query::<(EntityId, &Airport)>().iter(), |airport| {
                airport.0.into()
            }),
            flights: by_row(world.query::<(EntityId, &Flight)>().iter(), |flight| {
                flight.0 as usize
            }),
            scenario,
        }
    }
}

/// How far the run is, and what it counted on the way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Course {
    /// Ticks since the first start.
    pub tick: u32,
    pub passengers: u64,
    pub infected: u64,
    pub infected_today: u32,
    pub archetype_moves: u64,
    pub conserved: bool,
    pub series: Vec<DayCounts>,
}

/// How many people are where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Places {
    /// By city: people who are there.
    present: Vec<u32>,
    /// By airport: people at home who fly from there.
    at_home: Vec<u32>,
    /// By city: the day of the first case.
    first_days: Vec<Option<u32>>,
}

impl Places {
    fn new(cities: usize, airports: usize) -> Self {
        Self {
            present: vec![0; cities],
            at_home: vec![0; airports],
            first_days: vec![None; cities],
        }
    }

    /// Counts a person who arrives in a city.
    pub(super) fn arrive(&mut self, city: u16) {
        self.present[usize::from(city)] += 1;
    }

    /// Counts a person who leaves a city.
    pub(super) fn leave(&mut self, city: u16) {
        self.present[usize::from(city)] -= 1;
    }

    /// Counts a person who comes home to an airport's catchment.
    pub(super) fn come_home(&mut self, airport: u16) {
        self.at_home[usize::from(airport)] += 1;
    }

    /// Counts a person who leaves home from an airport.
    pub(super) fn leave_home(&mut self, airport: AirportIndex) {
        self.at_home[airport.index()] -= 1;
    }

    pub(super) fn present(&self, city: CityIndex) -> u32 {
        self.present[city.index()]
    }

    /// How many people are in each city.
    pub(super) fn by_city(&self) -> &[u32] {
        &self.present
    }

    /// Notes a case; tells whether it is the city's first.
    pub(super) fn note_case(&mut self, city: u16, day: u32) -> bool {
        let first = &mut self.first_days[usize::from(city)];
        let is_first = first.is_none();
        first.get_or_insert(day);
        is_first
    }

    /// Adds up the people who are somewhere.
    pub(super) fn people(&self) -> u64 {
        self.present.iter().map(|&people| u64::from(people)).sum()
    }
}

/// Asks for the resources that a checkpoint holds.
pub(super) fn register<S: Storage>(world: &mut World<S>) {
    world.save_resource::<Parameters>("epidemic::Parameters");
    world.save_resource::<Course>("epidemic::Course");
    world.save_resource::<Places>("epidemic::Places");
    world.save_resource::<Hazard>("epidemic::Hazard");
    world.save_resource::<DepartureBoard>("epidemic::DepartureBoard");
}

/// Puts the resources of a new run in.
pub(super) fn insert<S: Storage>(world: &mut World<S>, scenario: &Scenario) {
    let (cities, airports) = (scenario.input.cities.len(), scenario.input.airports.len());
    world.insert_resource(scenario.parameters.clone());
    world.insert_resource(Course { conserved: true, ..Course::default() });
    world.insert_resource(Places::new(cities, airports));
    world.insert_resource(Hazard::new(cities));
    world.insert_resource(DepartureBoard::new(airports));
}

/// What a run has counted.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// People who boarded a flight.
    pub passengers: u64,
    /// People who were ever infected, the first cases included.
    pub infected: u64,
    /// How often an entity changed its archetype.
    pub archetype_moves: u64,
    /// Whether the people added up in every tick.
    pub conserved: bool,
    /// By city: the day of the first case.
    pub first_days: Vec<Option<u32>>,
    /// Flights that left in the first seven days, by the code of the airport.
    pub departures: BTreeMap<String, u64>,
}

pub(super) fn statistics<S: Storage>(world: &World<S>, scenario: &Scenario) -> Statistics {
    let course = world.resource::<Course>().expect("every world has a course");
    let places = world.resource::<Places>().expect("every world has places");
    let departures = world
        .query::<(&Airport, &Departures)>()
        .into_iter()
        .filter(|(_, departures)| departures.0 > 0);
    let departures = departures.map(|(airport, departures)| {
        let code = scenario.input.airports[usize::from(airport.0)].iata.to_string();
        (code, u64::from(departures.0))
    });
    Statistics {
        passengers: course.passengers,
        infected: course.infected,
        archetype_moves: course.archetype_moves,
        conserved: course.conserved,
        first_days: places.first_days.clone(),
        departures: departures.collect(),
    }
}
