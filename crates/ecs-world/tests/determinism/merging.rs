//! Commands whose buffers can be merged in a wrong order on purpose, and that
//! check the order on one thread.

use std::cell::{Cell, RefCell};

use ecs_world::{CommandQueue, Commands, ParamContext, SystemAccess, SystemError, SystemParam};

/// In which order buffers are merged.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Merge {
    /// As the schedule asks for them.
    InOrder,
    /// So too, where all systems run on this thread: a buffer that is asked for
    /// before that of a system which ran earlier is a fault.
    Checked,
    /// All at the end of a step, the last first.
    Reversed,
}

thread_local! {
    // Buffers are merged by the thread that runs the schedule.
    static MERGE: Cell<Merge> = const { Cell::new(Merge::InOrder) };
    /// How many systems have run, and which of them was asked last.
    static TURNS: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
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

/// What a system has recorded, and which turn that was.
pub(crate) struct Buffer {
    queue: CommandQueue,
    turn: u64,
}

impl SystemParam for Merged<'_> {
    type State = Buffer;
    type Item<'w> = Merged<'w>;

    fn init(access: &mut SystemAccess) -> Result<Buffer, SystemError> {
        Ok(Buffer { queue: Commands::init(access)?, turn: 0 })
    }

    fn get<'w>(state: &'w mut Buffer, context: &mut ParamContext<'w>) -> Merged<'w> {
        let (turn, last) = TURNS.get();
        state.turn = turn + 1;
        TURNS.set((state.turn, last));
        Merged(Commands::get(&mut state.queue, context))
    }

    fn take_commands(state: &mut Buffer, queue: &mut CommandQueue) {
        match MERGE.get() {
            Merge::InOrder => Commands::take_commands(&mut state.queue, queue),
            Merge::Checked => {
                let (turn, last) = TURNS.get();
                if !state.queue.is_empty() {
                    assert!(state.turn > last, "a system that ran earlier is asked later");
                    TURNS.set((turn, state.turn));
                }
                Commands::take_commands(&mut state.queue, queue);
            }
            Merge::Reversed => {
                let mut taken = CommandQueue::new();
                Commands::take_commands(&mut state.queue, &mut taken);
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
