//! Two systems as one: what the first returns, the second takes.

use super::access::{SystemAccess, SystemError};
use super::{System, Turn};
use crate::commands::CommandQueue;
use crate::resources::Resources;

/// The input of a system: what the one before it returned.
///
/// It is the first parameter of the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct In<T>(pub T);

/// Two systems, one after the other.
///
/// Nothing of the world changes between the two but what the first does, and
/// the commands of both are applied together; what they borrow may overlap.
#[derive(Debug)]
pub struct Pipe<A, B> {
    first: A,
    second: B,
    name: String,
}

impl<A: System, B: System> Pipe<A, B> {
    pub(super) fn new(first: A, second: B) -> Self {
        let name = format!("{} | {}", first.name(), second.name());
        Self { first, second, name }
    }
}

impl<A: System, B: System<In = In<A::Out>>> System for Pipe<A, B> {
    type In = A::In;
    type Out = B::Out;

    fn name(&self) -> &str {
        &self.name
    }

    fn init(&mut self, access: &mut SystemAccess) -> Result<(), SystemError> {
        self.first.init(access)?;
        self.second.init(access)
    }

    fn prepare(&mut self, resources: &mut Resources) {
        self.first.prepare(resources);
        self.second.prepare(resources);
    }

    fn run(&mut self, input: A::In, turn: &mut Turn<'_>) -> B::Out {
        let output = self.first.run(input, turn);
        self.second.run(In(output), turn)
    }

    fn take_commands(&mut self, queue: &mut CommandQueue) {
        self.first.take_commands(queue);
        self.second.take_commands(queue);
    }
}
