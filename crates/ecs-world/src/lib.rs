//! Worlds over any storage backend: what people say to the engine.
//!
//! A [`World`] is a store with resources and a tick. [`Commands`] record changes
//! for later, [`ParQuery`] runs queries on rayon's threads, and a [`Schedule`]
//! runs functions as systems, one after another or side by side, with the same
//! result.
#![forbid(unsafe_code)]

mod commands;
mod entity;
mod inspect;
mod parallel;
mod resources;
mod saved;
mod schedule;
mod system;
mod world;

pub use commands::{CommandQueue, CommandReport, Commands, Spawned, Target};
pub use entity::{EntityMut, EntityRef};
pub use inspect::{ComponentStats, InspectedComponent, Inspection, WorldStats};
pub use parallel::ParQuery;
pub use resources::{Res, ResMut, Resource, Resources};
pub use schedule::{RunError, RunReport, Schedule};
pub use system::{IntoSystem, Local, System, SystemAccess, SystemError, SystemParam};
pub use world::World;
