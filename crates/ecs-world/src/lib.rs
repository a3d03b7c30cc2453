//! Worlds over any storage backend: what people say to the engine.
//!
//! A [`World`] is a store with resources and a tick. [`Commands`] record changes
//! for later, [`ParQuery`] runs queries on rayon's threads, and a [`Schedule`]
//! runs functions as systems, one after another or side by side, with the same
//! result.
#![forbid(unsafe_code)]

mod busy;
mod checkpoint;
mod commands;
mod cut;
mod delta;
mod durable;
mod entity;
mod events;
mod history;
mod inspect;
mod parallel;
mod parts;
mod pieces;
mod places;
mod removed;
mod resources;
mod saved;
mod saver;
mod schedule;
mod state;
mod system;
mod trial;
mod world;

pub use checkpoint::CheckpointError;
pub use commands::{CommandQueue, CommandReport, Commands, Spawned, Target};
pub use cut::Cut;
pub use delta::Delta;
pub use durable::{CloseError, Durable, DurableError, DurableOptions, Origin};
pub use entity::{EntityMut, EntityRef};
pub use events::{EventReader, EventWriter, Events, on_event};
pub use history::{History, RewindError};
pub use inspect::{ComponentStats, InspectedComponent, Inspection, WorldStats};
pub use parallel::{ParQuery, par_map};
pub use removed::{Lost, RemovedComponents};
pub use resources::{Res, ResMut, Resource, Resources};
pub use saver::Saver;
pub use schedule::{
    Ambiguity, AskedOrder, FrameTime, IntoSystemConfig, Label, PhaseDescription, PlanDescription,
    PlanError, RunError, RunReport, Schedule, SetConfig, StepDescription, SubSchedule,
    SystemConfig, SystemId, SystemStats, Threads, Why,
};
pub use system::{
    AlternativeQueries, BoxError, Conflict, FunctionSystem, In, IntoSystem, IsFunction, IsSystem,
    Local, ParamContext, Pipe, QuerySet, System, SystemAccess, SystemError, SystemFunction,
    SystemOutput, SystemParam, Tick, Turn,
};
pub use world::World;
