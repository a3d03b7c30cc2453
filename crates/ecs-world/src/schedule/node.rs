//! A system as a schedule keeps it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use ecs_storage_api::{Version, Window};
use parking_lot::{Mutex, MutexGuard};

use super::config::{Condition, Place, SystemConfig, Work};
use super::cost::RunTimes;
use super::label::Label;
use super::report::SystemStats;
use crate::commands::CommandQueue;
use crate::places::{PlaceByWorld, load, store};
use crate::resources::Resources;
use crate::system::{SystemAccess, SystemError};

/// Nanoseconds: a system that runs for less has its time [taken](super::watch) with
/// others.
pub(super) const SHORT: u64 = 1_000;

/// Names a system of a schedule, to remove it: no other of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SystemId(pub(super) u64);

/// A system: what is known of it, and what changes when it runs.
pub(super) struct Node {
    /// Unique in the process: worlds know by it how far the system is.
    pub(super) id: SystemId,
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) access: SystemAccess,
    /// The set whose gate it is.
    pub(super) gate_of: Option<Label>,
    pub(super) conditional: bool,
    pub(super) cell: Mutex<Cell>,
    cost: AtomicU32,
}

/// What a run asks of a node, beside what changes in it.
#[derive(Clone, Copy)]
pub(super) struct Known<'n> {
    pub(super) name: &'n str,
    pub(super) is_system: bool,
    cost: &'n AtomicU32,
}

/// What changes when a system runs.
pub(super) struct Cell {
    pub(super) work: Work,
    pub(super) conditions: Vec<Condition>,
    pub(super) stats: SystemStats,
    times: RunTimes,
    /// The version at which it ran last, in each world.
    last_run: PlaceByWorld,
    /// The world that it was prepared for, by its resources.
    prepared: Option<u64>,
}

impl Node {
    /// Takes a system in.
    ///
    /// # Errors
    /// [`SystemError`] if its parameters conflict with each other.
    pub(super) fn new(config: SystemConfig) -> Result<Self, SystemError> {
        let name = config.name().to_owned();
        let SystemConfig { mut work, mut conditions, place, .. } = config;
        let mut access = SystemAccess::new(&name);
        for condition in &mut conditions {
            condition.init(&mut access)?;
        }
        match &mut work {
            Work::Function(system) => system.init(&mut access)?,
            Work::Gate(condition) => condition.init(&mut access)?,
            Work::Exclusive(_) | Work::Sub(_) => {}
        }
        let conditional = !conditions.is_empty();
        let stats = SystemStats::default();
        let (times, last_run, prepared) = (RunTimes::default(), PlaceByWorld::default(), None);
        let cell = Mutex::new(Cell { work, conditions, stats, times, last_run, prepared });
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: only uniqueness matters.
        let id = SystemId(NEXT.fetch_add(1, Ordering::Relaxed));
        let (gate_of, cost) = (None, AtomicU32::new(0));
        Ok(Self { id, name, place, access, gate_of, conditional, cell, cost })
    }

    /// Tells whether it takes the world.
    pub(super) fn is_alone(&mut self) -> bool {
        matches!(self.cell.get_mut().work, Work::Exclusive(_) | Work::Sub(_))
    }

    /// Tells whether it is a system, not the gate of a set.
    pub(super) fn is_system(&self) -> bool {
        self.gate_of.is_none()
    }

    /// Returns the labels that it has without being given them: its name, and the path of its
    /// function.
    pub(super) fn own_labels(&self) -> [Label; 2] {
        let function = self.cell.lock().work.name().to_owned();
        [Label::from(self.name.clone()), Label::from(function)]
    }

    /// Returns about how long it runs, in nanoseconds.
    pub(super) fn cost(&self) -> u64 {
        // Relaxed: an estimate.
        self.cost.load(Ordering::Relaxed).into()
    }

    /// Tells whether it is known to be over before a look at the clock is worth while. How
    /// long conditions take is not known.
    #[inline]
    pub(super) fn is_short(&self) -> bool {
        (1..SHORT).contains(&self.cost()) && !self.is_asked()
    }

    /// Tells whether conditions decide if it runs.
    #[inline]
    pub(super) fn is_asked(&self) -> bool {
        self.conditional || !self.is_system()
    }

    /// Knows no longer how long it runs: it is to be asked by itself.
    pub(super) fn forget_cost(&mut self) {
        *self.cost.get_mut() = 0;
    }

    /// Gets to know the resources of a world, once.
    pub(super) fn prepare(&mut self, resources: &mut Resources) {
        self.cell.get_mut().prepare(&self.name, self.id, resources);
    }

    /// Takes it for a run, as others may take others.
    pub(super) fn lock(&self) -> (Known<'_>, MutexGuard<'_, Cell>) {
        let Self { name, gate_of, cell, cost, .. } = self;
        (Known { name, is_system: gate_of.is_none(), cost }, cell.lock())
    }

    /// Takes it for a run, as the one who has all of them: without a lock.
    #[inline]
    pub(super) fn own(&mut self) -> (Known<'_>, &mut Cell) {
        let Self { name, gate_of, cell, cost, .. } = self;
        (Known { name, is_system: gate_of.is_none(), cost }, cell.get_mut())
    }
}

impl Known<'_> {
    /// Learns how long a run took.
    #[inline]
    pub(super) fn took(self, cell: &mut Cell, time: Duration) {
        self.cost.store(cell.times.learn(time), Ordering::Relaxed);
        cell.stats.add_time(time);
    }
}

impl Cell {
    /// Gets to know the resources of a world, once.
    fn prepare(&mut self, name: &str, id: SystemId, resources: &mut Resources) {
        if let Work::Sub(sub) = &mut self.work {
            sub.prepare(resources);
        }
        if self.prepared.replace(resources.identity()) == Some(resources.identity()) {
            return;
        }
        resources.places.prepare(name, id.0);
        let (last_run, _) = resources.places.next();
        self.last_run.enter(resources.identity(), last_run);
        self.conditions.iter_mut().for_each(|condition| condition.prepare(resources));
        match &mut self.work {
            Work::Function(system) => system.prepare(resources),
            Work::Gate(condition) => condition.prepare(resources),
            Work::Sub(_) | Work::Exclusive(_) => {}
        }
    }

    /// Returns the window of a run whose writes are stamped with a version: what
    /// counts as new is what has changed since the last run.
    pub(super) fn window(&self, now: Version) -> Window {
        Window { since: Version::new(load(self.last_run.here())), now }
    }

    /// Says at which version it ran.
    pub(super) fn ran_at(&mut self, now: Version) {
        store(self.last_run.here(), now.get());
    }

    /// Adds the commands that were recorded.
    pub(super) fn take_commands(&mut self, queue: &mut CommandQueue) {
        self.conditions.iter_mut().for_each(|condition| condition.take_commands(queue));
        match &mut self.work {
            Work::Function(system) => system.take_commands(queue),
            Work::Gate(condition) => condition.take_commands(queue),
            Work::Sub(_) | Work::Exclusive(_) => {}
        }
    }
}
