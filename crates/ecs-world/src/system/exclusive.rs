//! Functions that take the world, and so run alone.

use std::any::{Any, type_name};
use std::marker::PhantomData;

use ecs_storage_api::Storage;

use super::output::{BoxError, SystemOutput};
use crate::world::World;

/// Tells that a system takes a world on another backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OtherBackend;

/// A system that takes the world.
pub(crate) trait ExclusiveSystem: Send {
    fn name(&self) -> &str;

    /// Runs it on a world, a `World<S>` for some `S`.
    fn run(&mut self, world: &mut dyn Any) -> Result<Result<(), BoxError>, OtherBackend>;
}

/// A function that takes a world on a backend of type `S`.
pub(crate) struct ExclusiveFunction<F, S> {
    function: F,
    backend: PhantomData<fn() -> S>,
}

impl<F, S> ExclusiveFunction<F, S> {
    pub(crate) fn new(function: F) -> Self {
        Self { function, backend: PhantomData }
    }
}

impl<F, S, Out> ExclusiveSystem for ExclusiveFunction<F, (S, Out)>
where
    F: FnMut(&mut World<S>) -> Out + Send,
    S: Storage,
    Out: SystemOutput,
{
    fn name(&self) -> &str {
        type_name::<F>()
    }

    fn run(&mut self, world: &mut dyn Any) -> Result<Result<(), BoxError>, OtherBackend> {
        let world = world.downcast_mut::<World<S>>().ok_or(OtherBackend)?;
        Ok((self.function)(world).into_result())
    }
}
