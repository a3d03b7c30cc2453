//! Commands whose buffers can be merged in a wrong order on purpose.

use std::cell::{Cell, RefCell};

use ecs_world::{CommandQueue, Commands, ParamContext, SystemAccess, SystemError, SystemParam};

/// In which order buffers are merged.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Merge {
    /// As the schedule asks for them.
    InOrder,
    /// All at the end of a step, the last first.
    Reversed,
}

thread_local! {
    // Buffers are merged by the thread that runs the schedule.
    static MERGE: Cell<Merge> = const { Cell::new(Merge::InOrder) };
    static KEPT: RefCell<Vec<CommandQueue>> = const { RefCell::new(Vec::new()) };
}

/// Commands, as a parameter; merged as this thread was told.
pub(crate) struct Merged<'w>(pub(crate) Commands<'w>);

impl Merged<'_> {
    /// Tells this thread how to merge.
    pub(crate) fn set(merge: Merge) {
        MERGE.set(merge);
        KEPT.take();
    }
}

impl SystemParam for Merged<'_> {
    type State = CommandQueue;
    type Item<'w> = Merged<'w>;

    fn init(access: &mut SystemAccess) -> Result<CommandQueue, SystemError> {
        Commands::init(access)
    }

    fn get<'w>(state: &'w mut CommandQueue, context: &mut ParamContext<'w>) -> Merged<'w> {
        Merged(Commands::get(state, context))
    }

    fn take_commands(state: &mut CommandQueue, queue: &mut CommandQueue) {
        match MERGE.get() {
            Merge::InOrder => Commands::take_commands(state, queue),
            Merge::Reversed => {
                let mut taken = CommandQueue::new();
                Commands::take_commands(state, &mut taken);
                KEPT.with_borrow_mut(|kept| kept.push(taken));
            }
        }
    }
}

/// Gives back what was kept.
pub(crate) struct Kept;

impl SystemParam for Kept {
    type State = ();
    type Item<'w> = Kept;

    fn init(access: &mut SystemAccess) -> Result<(), SystemError> {
        access.add_commands();
        Ok(())
    }

    fn get<'w>(_: &'w mut (), _: &mut ParamContext<'w>) -> Kept {
        Kept
    }

    fn take_commands(_: &mut (), queue: &mut CommandQueue) {
        KEPT.take().into_iter().rev().for_each(|kept| queue.append(kept));
    }
}

/// The last system of a step.
pub(crate) fn end(_: Kept) {}
