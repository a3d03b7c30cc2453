//! What can go wrong with a plan, and in a run.

use std::fmt;

use ecs_core::EntityId;
use ecs_storage_api::StorageError;

use super::label::Label;
use crate::system::{BoxError, missing_message};

/// Tells why there is no plan for the systems of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Systems must run before each other.
    #[error("systems must run before each other: {}", cycle(path, orders))]
    Cycle {
        /// Each runs before the next; the last is the first again.
        path: Vec<String>,
        /// By what each runs before the next: one less than there are in the path.
        orders: Vec<AskedOrder>,
    },
    /// A label that orders something is nobody's.
    #[error("`{name}` is to run {relation} `{label}`, but nothing has that label")]
    NoSuchLabel {
        /// The system or set that is ordered.
        name: String,
        /// How it is ordered: `before` or `after`.
        relation: &'static str,
        /// The label that nothing has.
        label: Label,
    },
    /// A phase is not one of the schedule's.
    #[error("`{name}` is to run in phase `{phase}`, which the schedule does not have")]
    NoSuchPhase {
        /// The system or set.
        name: String,
        /// The phase.
        phase: Label,
    },
    /// Sets are in each other.
    #[error("sets are in each other: {}", path.join(" -> "))]
    SetCycle {
        /// Each is in the next; the last is the first again.
        path: Vec<String>,
    },
    /// Two sub-schedules have one name, and so would have one clock.
    #[error("two sub-schedules are named `{name}`")]
    SameName {
        /// The name.
        name: String,
    },
    /// An order contradicts that of the phases.
    #[error("`{first}` is to run before `{second}`, but its phase comes later")]
    Phases {
        /// What is to run first.
        first: String,
        /// What is to run then.
        second: String,
    },
    /// There is no plan for a sub-schedule.
    #[error("in sub-schedule `{sub_schedule}`: {source}")]
    Within {
        /// Its name.
        sub_schedule: String,
        /// Why.
        source: Box<PlanError>,
    },
}

/// An order that was asked for, at a system or at a set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AskedOrder {
    /// The system or set that is ordered.
    pub name: String,
    /// How it is ordered: `before` or `after`.
    pub relation: &'static str,
    /// The label by which it is ordered.
    pub label: Label,
}

impl fmt::Display for AskedOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {} `{}`", self.name, self.relation, self.label)
    }
}

/// Writes a cycle down; where it is no system that names another, with what was asked for.
fn cycle(path: &[String], orders: &[AskedOrder]) -> String {
    let mut told = path.first().cloned().unwrap_or_default();
    for (n, pair) in path.windows(2).enumerate() {
        told += &format!(" -> {}", pair[1]);
        let Some(order) = orders.get(n) else { continue };
        let mut named = [order.name.as_str(), order.label.as_str()];
        if order.relation == "after" {
            named.reverse();
        }
        if pair != named {
            told += &format!(" (as {order})");
        }
    }
    told
}

/// Tells why a run ended early.
///
/// Of several systems that fail in one run, it tells of the first in the order
/// of the plan, on any number of threads.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A system panicked.
    #[error("system `{system}` panicked: {message}")]
    Panicked {
        /// The system's name.
        system: String,
        /// What it said.
        message: String,
    },
    /// A system, or a condition of it, asks for a resource that is not there.
    #[error("system `{system}` panicked: {}", missing_message(.resource))]
    MissingResource {
        /// The system's name.
        system: String,
        /// The resource's type.
        resource: &'static str,
    },
    /// A system returned an error.
    #[error("system `{system}` failed: {source}")]
    Failed {
        /// The system's name.
        system: String,
        /// What it returned.
        source: BoxError,
    },
    /// A system takes a world on another backend.
    #[error("system `{system}` takes a world on another backend")]
    OtherBackend {
        /// The system's name.
        system: String,
    },
    /// A system put another world in the place of the one that it was given. To put in
    /// another state there is [`World::restore`](crate::World::restore).
    #[error("system `{system}` put another world in the place of its own")]
    OtherWorld {
        /// The system's name.
        system: String,
    },
    /// The run of a sub-schedule ended early.
    #[error("in sub-schedule `{sub_schedule}`: {source}")]
    Within {
        /// Its name.
        sub_schedule: String,
        /// Why.
        source: Box<RunError>,
    },
    /// A command of a strict schedule was about an entity that was dead by then.
    #[error("system `{system}`: command {command} is about entity {entity}, which is dead")]
    DeadEntity {
        /// The system's name.
        system: String,
        /// Which of its commands, from 0.
        command: usize,
        /// Which entity.
        entity: EntityId,
    },
    /// The backend refused a command.
    #[error("system `{system}`: command {command}: {source}")]
    Command {
        /// The system's name.
        system: String,
        /// Which of its commands, from 0.
        command: usize,
        /// Why.
        source: StorageError,
    },
    /// The backend failed where no system was at work.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
