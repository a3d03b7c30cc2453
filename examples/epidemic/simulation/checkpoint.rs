//! A checkpoint that was read: a world with the parameters it was made with.

use std::path::Path;

use ecs::Storage;
use ecs::prelude::*;

use super::empty_world;
use super::state::Course;
use crate::cli::Backend;
use crate::error::Error;
use crate::parameters::Parameters;

/// A world as a checkpoint holds it.
#[derive(Debug)]
pub struct Checkpoint {
    world: World<Box<dyn Storage>>,
}

impl Checkpoint {
    /// Reads a checkpoint's file.
    ///
    /// # Errors
    /// When it can't be read, is damaged, or is no checkpoint of this program.
    pub fn read(path: &Path, backend: Backend) -> Result<Self, Error> {
        let mut world = empty_world(backend);
        world.load(path)?;
        let is_whole =
            world.resource::<Parameters>().is_some() && world.resource::<Course>().is_some();
        if is_whole {
            Ok(Self { world })
        } else {
            let problem = "it is no checkpoint of an epidemic".to_owned();
            Err(Error::Damaged { path: path.to_owned(), problem })
        }
    }

    /// The parameters of the run.
    ///
    /// # Panics
    /// Never: they were looked for when it was read.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        self.world.resource::<Parameters>().expect("a checkpoint has parameters").clone()
    }

    /// How many ticks the run had behind it.
    ///
    /// # Panics
    /// Never: it was looked for when it was read.
    #[must_use]
    pub fn ticks(&self) -> u32 {
        self.world.resource::<Course>().expect("a checkpoint has a course").tick
    }

    pub(super) fn into_world(self) -> World<Box<dyn Storage>> {
        self.world
    }
}
