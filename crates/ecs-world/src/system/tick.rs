//! The tick as a parameter.

use super::access::{SystemAccess, SystemError};
use super::param::{ParamContext, SystemParam};

/// The tick of a run, as a parameter of a system: how often the schedule has run before.
///
/// It is what [`every`](crate::IntoSystemConfig::every) goes by: the world's
/// [tick](crate::World::tick), and in a [`SubSchedule`](crate::SubSchedule) the number of
/// its own runs, in fixed steps that of the step. All systems of a run get the same, and
/// it conflicts with nothing.
///
/// # Example
/// ```
/// use ecs_world::{ResMut, Schedule, Tick, World};
///
/// fn note(tick: Tick, mut ticks: ResMut<Vec<u64>>) {
///     ticks.push(tick.get());
/// }
///
/// let mut world = World::new();
/// world.insert_resource(Vec::<u64>::new());
/// let mut schedule = Schedule::new();
/// schedule.add_system(note);
/// schedule.run(&mut world);
/// schedule.run(&mut world);
/// assert_eq!(*world.resource::<Vec<u64>>().unwrap(), [0, 1]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub(crate) u64);

impl Tick {
    /// Returns its number; the first is 0.
    #[inline]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl SystemParam for Tick {
    type State = ();
    type Item<'w> = Self;

    fn init(_access: &mut SystemAccess) -> Result<(), SystemError> {
        Ok(())
    }

    #[inline]
    fn get<'w>(_state: &'w mut (), context: &mut ParamContext<'w>) -> Self {
        context.tick
    }
}
