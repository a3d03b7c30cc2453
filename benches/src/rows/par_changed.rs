//! Work on the values that changed, from several threads.

use super::changes::{Mark, Scanning, chosen};
use crate::compare::{Row, Size, Workload};

/// One entity of eight, without order, has changed: a value is written for each. The
/// changes are not timed.
///
/// There is little to do for a row, so that it shows what it costs to share such rows.
pub(super) fn row(size: Size) -> Row {
    let n = size.of(200_000);
    let about = "write a value for each of the 12.5 % of 200,000 rows that changed, parallel";
    Row::new("par_changed", about, (n / CHANGED).max(1))
        .with("limit/bit_set", move || limit(n))
        .with("ecs/for_each", move || ours(n, false))
        .with("ecs/par_for_each", move || ours(n, true))
        .with("bevy/for_each", move || bevy(n, false))
        .with("bevy/par_iter", move || bevy(n, true))
}

/// One of so many changes.
const CHANGED: usize = 8;

/// Follows a mark.
#[derive(Clone, Copy, Debug, Default, bevy_ecs::component::Component)]
struct Twice(f32);

impl ecs::Component for Twice {
    fn describe() -> ecs::Description<Self> {
        ecs::Description::transient(concat!(module_path!(), "::Twice"))
    }

    #[inline]
    fn cell() -> Option<&'static ecs::ComponentCell<Self>> {
        static CELL: ecs::ComponentCell<Twice> = ecs::ComponentCell::new();
        Some(&CELL)
    }
}

fn limit(n: usize) -> impl Workload {
    let rows = chosen((0..n).collect(), CHANGED);
    type State = (Vec<(f32, f32)>, Vec<u64>);
    Scanning {
        state: (vec![(0.0, 0.0); n], vec![0; n.div_ceil(64)]),
        mark: move |(values, bits): &mut State| {
            bits.fill(0);
            for &row in &rows {
                values[row].0 = 1.0;
                bits[row / 64] |= 1 << (row % 64);
            }
        },
        find: |(values, bits): &mut State| {
            for (word, &bits) in bits.iter().enumerate() {
                let mut bits = bits;
                while bits != 0 {
                    let (mark, twice) = &mut values[word * 64 + bits.trailing_zeros() as usize];
                    *twice = *mark * 2.0;
                    bits &= bits - 1;
                }
            }
        },
        sum: |(values, _): &mut State, ()| values.iter().map(|value| f64::from(value.1)).sum(),
    }
}

fn ours(n: usize, parallel: bool) -> impl Workload {
    use ecs::{Changed, ParQuery, QueryState, World};
    type State = (World, QueryState<(&'static Mark, &'static mut Twice), Changed<Mark>>);
    let mut world = World::new();
    let ids = chosen(world.spawn_batch((0..n).map(|_| (Mark(0.0), Twice(0.0)))), CHANGED);
    let mut query = QueryState::new();
    query.query_mut(world.storage_mut()).for_each(|_: (&Mark, &mut Twice)| ());
    Scanning {
        state: (world, query),
        mark: move |(world, _): &mut State| {
            ids.iter().for_each(|&id| world.get_mut::<Mark>(id).unwrap().0 = 1.0);
        },
        find: move |(world, query): &mut State| {
            let mut changed = query.query_mut(world.storage_mut());
            let follow = |(mark, twice): (&Mark, &mut Twice)| twice.0 = mark.0 * 2.0;
            match parallel {
                true => changed.par_for_each(follow),
                false => changed.for_each(follow),
            }
        },
        sum: |(world, _): &mut State, ()| {
            world.query::<&Twice>().iter().map(|twice| f64::from(twice.0)).sum()
        },
    }
}

fn bevy(n: usize, parallel: bool) -> impl Workload {
    use ::bevy_ecs::prelude::*;
    type State = (World, QueryState<(&'static Mark, &'static mut Twice), Changed<Mark>>);
    bevy_tasks::ComputeTaskPool::get_or_init(bevy_tasks::TaskPool::default);
    let mut world = World::new();
    let ids = chosen(world.spawn_batch((0..n).map(|_| (Mark(0.0), Twice(0.0)))).collect(), CHANGED);
    let query = world.query_filtered();
    Scanning {
        state: (world, query),
        mark: move |(world, _): &mut State| {
            world.clear_trackers();
            ids.iter().for_each(|&id| world.get_mut::<Mark>(id).unwrap().0 = 1.0);
        },
        find: move |(world, query): &mut State| {
            let follow = |(mark, mut twice): (&Mark, Mut<Twice>)| twice.0 = mark.0 * 2.0;
            match parallel {
                true => query.par_iter_mut(world).for_each(follow),
                false => query.iter_mut(world).for_each(follow),
            }
        },
        sum: |(world, _): &mut State, ()| {
            let mut all = world.query::<&Twice>();
            all.iter(world).map(|twice| f64::from(twice.0)).sum()
        },
    }
}
