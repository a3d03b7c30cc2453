//! What systems return to a schedule: nothing, or a result.

use super::access::{SystemAccess, SystemError};
use super::{System, Turn};
use crate::commands::CommandQueue;
use crate::resources::Resources;

/// An error of a system, whatever its type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a system may return to a schedule.
#[diagnostic::on_unimplemented(
    message = "a system of a schedule returns nothing or a `Result<(), E>`, not `{Self}`",
    note = "`pipe` gives what a system returns to another one"
)]
pub trait SystemOutput {
    /// Tells whether it went well.
    ///
    /// # Errors
    /// What the system returned.
    fn into_result(self) -> Result<(), BoxError>;
}

impl SystemOutput for () {
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError>> SystemOutput for Result<(), E> {
    fn into_result(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}

/// A system as schedules run it.
pub(crate) type CheckedSystem = Box<dyn System<In = (), Out = Result<(), BoxError>>>;

/// A system whose output is taken as a result.
struct Checked<S>(S);

/// Boxes a system, taking its output as a result.
pub(crate) trait IntoChecked {
    fn into_checked(self) -> CheckedSystem;
}

impl<S: System<In = ()>> IntoChecked for S
where
    S::Out: SystemOutput,
{
    fn into_checked(self) -> CheckedSystem {
        Box::new(Checked(self))
    }
}

impl<S: System> System for Checked<S>
where
    S::Out: SystemOutput,
{
    type In = S::In;
    type Out = Result<(), BoxError>;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn init(&mut self, access: &mut SystemAccess) -> Result<(), SystemError> {
        self.0.init(access)
    }

    fn prepare(&mut self, resources: &mut Resources) {
        self.0.prepare(resources);
    }

    fn run(&mut self, input: S::In, turn: &mut Turn<'_>) -> Result<(), BoxError> {
        self.0.run(input, turn).into_result()
    }

    fn take_commands(&mut self, queue: &mut CommandQueue) {
        self.0.take_commands(queue);
    }
}
