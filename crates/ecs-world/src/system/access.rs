//! What a system reads and writes.

use std::any::{TypeId, type_name};

use ecs_core::ComponentId;
use ecs_storage_api::{Prepared, QueryError, QueryGroup};

use crate::events::Events;
use crate::resources::Resource;

/// What a system reads and writes.
#[derive(Debug, Clone)]
pub struct SystemAccess {
    system: String,
    queries: QueryGroup,
    resources: Vec<ResourceAccess>,
    /// Where the resources of the stage begin.
    stage: usize,
    records_commands: bool,
}

#[derive(Debug, Clone, Copy)]
struct ResourceAccess {
    id: TypeId,
    /// What it is called where it keeps two apart.
    conflict: Conflict,
    writes: bool,
}

impl ResourceAccess {
    fn clashes(&self, other: &Self) -> bool {
        self.id == other.id && (self.writes || other.writes)
    }
}

/// What keeps two systems from running side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// One writes a component that the other touches, on entities that both may
    /// match.
    #[error("component `{0}`")]
    Component(ComponentId),
    /// One writes a resource that the other touches.
    #[error("resource `{0}`")]
    Resource(&'static str),
    /// One sends events that the other reads or sends.
    #[error("events of `{0}`")]
    Events(&'static str),
}

impl Conflict {
    /// Says how two parameters can be had all the same.
    fn way_out(self) -> &'static str {
        match self {
            Self::Component(_) => {
                "; `Without` as a filter keeps two queries apart, and a `QuerySet` lends them one at a time"
            }
            Self::Resource(_) | Self::Events(_) => "",
        }
    }
}

/// Tells why a function is no system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// A query borrows a component twice, once for writing.
    #[error("system `{system}`: {source}")]
    Query {
        /// The system's name.
        system: String,
        /// What is wrong with the query.
        source: QueryError,
    },
    /// Two parameters would borrow the same, once for writing.
    #[error(
        "system `{system}`: two of its parameters borrow {conflict}, at least one for writing{}",
        conflict.way_out()
    )]
    Conflict {
        /// The system's name.
        system: String,
        /// What they borrow.
        conflict: Conflict,
    },
}

impl SystemAccess {
    /// Begins with nothing.
    pub fn new(system: &str) -> Self {
        Self {
            system: system.to_owned(),
            queries: QueryGroup::new(),
            resources: Vec::new(),
            stage: 0,
            records_commands: false,
        }
    }

    /// Begins a stage: what is added from now on is used together, when the
    /// stage before has ended.
    pub fn begin_stage(&mut self) {
        self.queries.begin_stage();
        self.stage = self.resources.len();
    }

    /// Adds a query, or several of which one is used at a time.
    ///
    /// # Errors
    /// [`SystemError::Query`] if one is none, [`SystemError::Conflict`] if one
    /// conflicts with another parameter.
    pub fn add_queries(
        &mut self,
        alternatives: impl IntoIterator<Item = Result<Prepared, QueryError>>,
    ) -> Result<(), SystemError> {
        let prepared: Result<Vec<_>, _> = alternatives.into_iter().collect();
        let prepared = prepared
            .map_err(|source| SystemError::Query { system: self.system.clone(), source })?;
        self.queries.add(prepared).map_err(|error| match error {
            QueryError::Conflict { component } => self.conflict(Conflict::Component(component)),
            source => SystemError::Query { system: self.system.clone(), source },
        })
    }

    /// Adds a resource.
    ///
    /// # Errors
    /// [`SystemError::Conflict`] if another parameter borrows it, and one of the
    /// two writes.
    pub fn add_resource<T: Resource>(&mut self, writes: bool) -> Result<(), SystemError> {
        let conflict = Conflict::Resource(type_name::<T>());
        self.add(ResourceAccess { id: TypeId::of::<T>(), conflict, writes })
    }

    /// Adds the events of a type, a resource of another name.
    pub(crate) fn add_events<E: Resource>(&mut self, writes: bool) -> Result<(), SystemError> {
        let conflict = Conflict::Events(type_name::<E>());
        self.add(ResourceAccess { id: TypeId::of::<Events<E>>(), conflict, writes })
    }

    fn add(&mut self, added: ResourceAccess) -> Result<(), SystemError> {
        if self.resources[self.stage..].iter().any(|other| other.clashes(&added)) {
            return Err(self.conflict(added.conflict));
        }
        self.resources.push(added);
        Ok(())
    }

    /// Says that a parameter records commands: they are asked for after a run.
    pub fn add_commands(&mut self) {
        self.records_commands = true;
    }

    pub(crate) fn records_commands(&self) -> bool {
        self.records_commands
    }

    fn conflict(&self, conflict: Conflict) -> SystemError {
        SystemError::Conflict { system: self.system.clone(), conflict }
    }

    /// Returns what keeps two systems from running side by side, whatever
    /// archetypes there are.
    pub fn conflict_with(&self, other: &Self) -> Option<Conflict> {
        self.resource_conflict(other)
            .or_else(|| self.queries.conflict_with(&other.queries).map(Conflict::Component))
    }

    /// Returns a resource that keeps two systems from running side by side.
    pub(crate) fn resource_conflict(&self, other: &Self) -> Option<Conflict> {
        let clash = self.resources.iter().find(|a| other.resources.iter().any(|b| a.clashes(b)));
        clash.map(|resource| resource.conflict)
    }

    /// Returns the queries.
    pub(crate) fn queries(&self) -> &QueryGroup {
        &self.queries
    }
}
