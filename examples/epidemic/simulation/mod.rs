//! The simulation itself: entities, systems, and a checkpoint of both.
//!
//! `docs/guide/epidemic.md` has the rules; `systems.rs` has the order of a tick.

mod checkpoint;
mod components;
mod departure;
mod exchange;
mod illness;
mod infection;
mod kept;
mod landing;
mod leaving;
mod populate;
mod state;
mod systems;
mod turns;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ecs::prelude::*;
use ecs::{ArchetypeStorage, LocalStorage, Storage};

use crate::cli::Backend;
use crate::error::Error;
use crate::outputs::series::DayCounts;
use crate::parameters::Parameters;
use crate::scenario::Scenario;

pub use checkpoint::Checkpoint;
use components::{Exposed, InFlight, Infectious, Recovered, Susceptible};
use kept::Kept;
pub use kept::{StoreError, Stored};
use landing::Landed;
use state::{Course, Now, Stage, Statistics};
use systems::Systems;
use turns::{AtHome, AtRisk};

/// A world of people, with its systems.
#[derive(Debug)]
pub struct Simulation {
    world: Kept,
    systems: Systems,
    scenario: Arc<Scenario>,
}

/// Makes an empty world on a backend.
fn empty_world(backend: Backend) -> World<Box<dyn Storage>> {
    let storage: Box<dyn Storage> = match backend {
        Backend::Archetype => Box::new(ArchetypeStorage::new(0)),
        Backend::Local => Box::new(LocalStorage::new(0)),
    };
    let mut world = World::with_storage(storage);
    components::register(&mut world);
    state::register(&mut world);
    world
}

impl Simulation {
    /// Makes the entities of a new run.
    #[must_use]
    pub fn new(scenario: Arc<Scenario>, backend: Backend) -> Self {
        Self::begin(Kept::in_memory(empty_world(backend)), scenario)
    }

    fn begin(mut world: Kept, scenario: Arc<Scenario>) -> Self {
        state::insert(&mut world, &scenario);
        populate::populate(&mut world, &scenario);
        Self::on(world, scenario)
    }

    fn on(mut world: Kept, scenario: Arc<Scenario>) -> Self {
        let stage = Stage::of(&world, Arc::clone(&scenario));
        let turns = (AtHome::of(&world, &stage), AtRisk::of(&world, &stage));
        world.insert_resource(turns.0);
        world.insert_resource(turns.1);
        world.insert_resource(Landed::default());
        world.insert_resource(stage);
        Self { world, systems: Systems::new(), scenario }
    }

    /// The plan of a tick, for people to read.
    ///
    /// # Panics
    /// Never: the systems of the model can be put in order.
    #[must_use]
    pub fn plan(&mut self) -> String {
        self.systems.plan(&mut self.world).expect("the systems can be put in order")
    }

    /// How many ticks have been simulated since the first start.
    #[must_use]
    pub fn ticks(&self) -> u32 {
        self.course(|course| course.tick)
    }

    fn course<T>(&self, of: impl FnOnce(&Course) -> T) -> T {
        of(&self.world.resource::<Course>().expect("every world has a course"))
    }

    /// Simulates one tick.
    pub fn tick(&mut self) {
        let tick = self.ticks();
        self.world.insert_resource(Now(tick));
        self.systems.run(&mut self.world);
        let counts = self.counts(tick);
        let calendar = self.scenario.rules.calendar;
        let people = u64::from(self.scenario.parameters.people);
        let placed =
            self.world.resource::<state::Places>().expect("every world has places").people();
        let mut course = self.world.resource_mut::<Course>().expect("every world has a course");
        course.tick += 1;
        course.conserved &=
            counts.people() == people && placed + u64::from(counts.in_flight) == people;
        if calendar.ends_day(tick) {
            course.infected_today = 0;
            course.series.push(counts);
        }
    }

    /// Counts the people by state.
    fn counts(&self, tick: u32) -> DayCounts {
        fn count<C: Component>(world: &World<Box<dyn Storage>>) -> u32 {
            world.query_filtered::<EntityId, With<C>>().count() as u32
        }
        DayCounts {
            day: self.scenario.rules.calendar.day_of(tick),
            susceptible: count::<Susceptible>(&self.world),
            exposed: count::<Exposed>(&self.world),
            infectious: count::<Infectious>(&self.world),
            recovered: count::<Recovered>(&self.world),
            in_flight: count::<InFlight>(&self.world),
            new_infections: self.course(|course| course.infected_today),
        }
    }

    /// The counts at the end of each day so far.
    #[must_use]
    pub fn series(&self) -> Vec<DayCounts> {
        self.course(|course| course.series.clone())
    }

    /// The counts at the end of the last whole day.
    #[must_use]
    pub fn last_day(&self) -> Option<DayCounts> {
        self.course(|course| course.series.last().copied())
    }

    /// The numbers of the course so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        state::statistics(&self.world, &self.scenario)
    }

    /// How long each system has run, by name; for how long commits have held the run up,
    /// and how long the tables took to follow at its end.
    #[must_use]
    pub fn system_times(&self) -> BTreeMap<String, Duration> {
        let mut times = self.systems.times();
        if let Kept::InStore(keeping) = &self.world {
            times.insert("commit".to_owned(), keeping.pause());
            times.insert("fold".to_owned(), keeping.folding());
        }
        times
    }

    /// One number for the whole state.
    ///
    /// # Panics
    /// Never: every component of the model can be encoded.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        self.world.state_hash().expect("numbers can be encoded")
    }

    /// Leaves a checkpoint, in place of one that is there.
    ///
    /// # Errors
    /// When the system refuses to; what was there stays.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        Ok(self.world.save(path)?)
    }

    /// Makes a run of its own that is here now, on a backend, and goes on in a scenario:
    /// this one, or another future of it, of the same files and people.
    ///
    /// The numbers of a draw follow from its name, so futures share all draws that they
    /// both make.
    ///
    /// # Panics
    /// If the scenario has other files or people.
    #[must_use]
    pub fn fork(&self, scenario: Arc<Scenario>, backend: Backend) -> Self {
        let (here, there) = (&self.scenario.parameters, &scenario.parameters);
        let same = |parameters: &Parameters| (parameters.fingerprint, parameters.people);
        assert_eq!(same(here), same(there), "a future is one of the same files and people");
        let mut world = empty_world(backend);
        let cut = self.world.cut().expect("numbers can be encoded");
        world.restore_cut(&cut).expect("the world knows all that it holds");
        world.insert_resource(scenario.parameters.clone());
        Self::on(Kept::in_memory(world), scenario)
    }

    /// Goes on from a checkpoint of this scenario.
    #[must_use]
    pub fn go_on(checkpoint: Checkpoint, scenario: Arc<Scenario>) -> Self {
        Self::on(Kept::in_memory(checkpoint.into_world()), scenario)
    }

    /// Goes on in a store from its last commit, or begins a run there if it is empty.
    ///
    /// The scenario is that of the store's run.
    #[must_use]
    pub fn in_store(stored: Stored, scenario: Arc<Scenario>) -> Self {
        match stored.run() {
            Some(_) => Self::on(stored.into_kept(), scenario),
            None => Self::begin(stored.into_kept(), scenario),
        }
    }

    /// Begins to commit the state to the run's store, if it has one, unless that was
    /// begun before. It waits while too many commits do.
    ///
    /// # Errors
    /// That of an earlier commit. If it is retryable, nothing is lost: see
    /// [`settle`](Self::settle).
    pub fn commit(&mut self) -> Result<(), StoreError> {
        let tick = self.ticks();
        match &mut self.world {
            Kept::InStore(keeping) => keeping.commit(tick),
            Kept::InMemory(_) => Ok(()),
        }
    }

    /// As [`commit`](Self::commit); in a store that was opened to skip, a tick is passed
    /// over while too many commits wait.
    ///
    /// # Errors
    /// As there.
    pub fn commit_if_room(&mut self) -> Result<(), StoreError> {
        match &mut self.world {
            Kept::InStore(keeping) => keeping.commit_if_room(),
            Kept::InMemory(_) => Ok(()),
        }
    }

    /// Waits until all commits that were begun are made, and tries again what failed.
    ///
    /// # Errors
    /// That of a commit.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        match &mut self.world {
            Kept::InStore(keeping) => keeping.wait(),
            Kept::InMemory(_) => Ok(()),
        }
    }

    /// Brings the tables of the run's store to its last commit.
    ///
    /// # Errors
    /// When the store fails.
    pub fn fold(&mut self) -> Result<(), StoreError> {
        match &mut self.world {
            Kept::InStore(keeping) => keeping.fold(),
            Kept::InMemory(_) => Ok(()),
        }
    }
}
