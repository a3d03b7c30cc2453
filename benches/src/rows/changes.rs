//! What it costs to remember which values change, and to find them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::motion::{bevy, by_hand, legion, ours};
use crate::compare::{Row, Size, Workload};
use crate::components::{Velocity, step};
use crate::{population, shuffled, sums, worlds};

/// Every position is written, and every engine remembers that in its own grain:
/// this one a page of rows, or a row; legion a chunk, bevy a row. Flat chunks
/// are floats of many rows side by side, for the engines that lend them.
pub(super) fn write(size: Size) -> Row {
    let n = size.of(1_000_000);
    let all = move || population::moving(n);
    Row::new("change_write", "position += velocity, 1M entities of both, changes remembered", n)
        .with("limit/structs", move || by_hand::structs(all()))
        .with("limit/flat", move || by_hand::flat(all()))
        .with("limit/interleaved", move || by_hand::interleaved(all()))
        .with("limit/a_tick_a_row", move || ticking(n))
        .with("ecs/pages", move || ours::for_each(worlds::ours::spawned(all())))
        .with("ecs/flat_pages", move || ours::flat_chunks(worlds::ours::spawned(all())))
        .with("ecs/interleaved_pages", move || ours::interleaved(worlds::ours::spawned(all())))
        .with("ecs/rows", move || ours_rows(n))
        .with("bevy/for_each", move || bevy::for_each(worlds::bevy::spawned(all())))
        .with("bevy/flat_contiguous", move || bevy::flat_contiguous(worlds::bevy::spawned(all())))
        .with("legion/for_each", move || legion::for_each(worlds::legion::spawned(all())))
        .with("legion/flat_chunks", move || legion::flat_chunks(worlds::legion::spawned(all())))
}

/// One entity of a hundred, without order, has changed: they are found, and their
/// values are added up. Only the finding is timed.
pub(super) fn scan(size: Size) -> Row {
    let n = size.of(1_000_000);
    Row::new("change_scan", "find the 1 % of 1M rows that changed", n)
        .with("limit/bit_set", move || limit_scan(n))
        .with("ecs/tracked", move || ours_scan(n))
        .with("bevy/changed", move || bevy_scan(n))
        .with("legion/maybe_changed", move || legion_scan(n))
        .with("specs/flagged", move || specs_scan(n))
}

/// A value that is 0 until it is marked.
#[derive(Clone, Copy, Debug, bevy_ecs::component::Component)]
pub(super) struct Mark(pub(super) f32);

impl specs::Component for Mark {
    type Storage = specs::FlaggedStorage<Self, specs::VecStorage<Self>>;
}

impl ecs::Component for Mark {
    const TRACK: bool = true;

    fn describe() -> ecs::Description<Self> {
        ecs::Description::transient(concat!(module_path!(), "::Mark"))
    }

    #[inline]
    fn cell() -> Option<&'static ecs::ComponentCell<Self>> {
        static CELL: ecs::ComponentCell<Mark> = ecs::ComponentCell::new();
        Some(&CELL)
    }
}

/// A position of which each row is tracked.
#[derive(Clone, Copy, Debug)]
struct TrackedPosition([f32; 3]);

impl ecs::Component for TrackedPosition {
    const TRACK: bool = true;

    fn describe() -> ecs::Description<Self> {
        ecs::Description::transient(concat!(module_path!(), "::TrackedPosition"))
    }

    #[inline]
    fn cell() -> Option<&'static ecs::ComponentCell<Self>> {
        static CELL: ecs::ComponentCell<TrackedPosition> = ecs::ComponentCell::new();
        Some(&CELL)
    }
}

fn ours_rows(n: usize) -> impl Workload {
    let mut world = ecs::World::new();
    world.spawn_batch(population::moving(n).map(|(at, by)| (TrackedPosition(at.0), by)));
    let query = ecs::QueryState::<(&mut TrackedPosition, &Velocity)>::new();
    crate::compare::steady(
        (world, query),
        |(world, query)| {
            query.query_mut(world.storage_mut()).for_each(|(at, by)| {
                at.0.iter_mut().zip(by.0).for_each(|(at, by)| *at += by);
            });
        },
        |(world, _)| {
            let rows = world.query::<&TrackedPosition>();
            rows.iter().flat_map(|at| at.0).map(f64::from).sum()
        },
    )
}

/// A tick a row beside the values.
fn ticking(n: usize) -> impl Workload {
    let (positions, velocities): (Vec<_>, Vec<Velocity>) = population::moving(n).unzip();
    let ticks = vec![0u32; positions.len()];
    crate::compare::steady(
        (positions, velocities, ticks, 0u32),
        |(positions, velocities, ticks, now)| {
            *now += 1;
            for ((at, by), tick) in positions.iter_mut().zip(&*velocities).zip(&mut *ticks) {
                step(at, by);
                *tick = *now;
            }
        },
        |(positions, ..)| sums::positions(positions.iter()),
    )
}

/// Rounds of marking, which is not timed, and of finding what is marked, which is.
pub(super) struct Scanning<S, M, F, T> {
    pub(super) state: S,
    pub(super) mark: M,
    pub(super) find: F,
    /// Adds up what was found.
    pub(super) sum: T,
}

impl<S, M, F, T, R> Workload for Scanning<S, M, F, T>
where
    M: FnMut(&mut S),
    F: FnMut(&mut S) -> R,
    T: FnMut(&mut S, R) -> f64,
{
    fn rounds(&mut self, count: u64) -> Duration {
        let mut total = Duration::ZERO;
        for _ in 0..count {
            (self.mark)(&mut self.state);
            let start = Instant::now();
            black_box((self.find)(black_box(&mut self.state)));
            total += start.elapsed();
        }
        total
    }

    fn checksum(&mut self) -> f64 {
        (self.mark)(&mut self.state);
        let found = (self.find)(&mut self.state);
        (self.sum)(&mut self.state, found)
    }
}

/// Is the sum, where finding has made it.
fn as_found<S>(_state: &mut S, sum: f64) -> f64 {
    sum
}

/// Chooses one of so many.
pub(super) fn chosen<I>(ids: Vec<I>, of: usize) -> Vec<I> {
    let count = ids.len() / of;
    let mut ids = shuffled(ids);
    ids.truncate(count.max(1));
    ids
}

fn limit_scan(n: usize) -> impl Workload {
    let rows = chosen((0..n).collect(), 100);
    Scanning {
        state: (vec![0.0f32; n], vec![0u64; n.div_ceil(64)]),
        mark: move |(values, bits): &mut (Vec<f32>, Vec<u64>)| {
            bits.fill(0);
            for &row in &rows {
                values[row] = 1.0;
                bits[row / 64] |= 1 << (row % 64);
            }
        },
        find: |(values, bits): &mut (Vec<f32>, Vec<u64>)| {
            let mut sum = 0.0;
            for (word, &bits) in bits.iter().enumerate() {
                let mut bits = bits;
                while bits != 0 {
                    sum += f64::from(values[word * 64 + bits.trailing_zeros() as usize]);
                    bits &= bits - 1;
                }
            }
            sum
        },
        sum: as_found,
    }
}

fn ours_scan(n: usize) -> impl Workload {
    use ecs::{Changed, QueryState, World};
    let mut world = World::new();
    let ids = chosen(world.spawn_batch((0..n).map(|_| Mark(0.0))), 100);
    let mut query = QueryState::<&Mark, Changed<Mark>>::new();
    query.query(world.storage()).iter().for_each(drop);
    Scanning {
        state: (world, query),
        mark: move |(world, _): &mut (World, QueryState<&Mark, Changed<Mark>>)| {
            ids.iter().for_each(|&id| world.get_mut::<Mark>(id).unwrap().0 = 1.0);
        },
        find: |(world, query): &mut (World, QueryState<&Mark, Changed<Mark>>)| {
            query.query(world.storage()).iter().map(|mark| f64::from(mark.0)).sum()
        },
        sum: as_found,
    }
}

fn bevy_scan(n: usize) -> impl Workload {
    use ::bevy_ecs::prelude::*;
    type State = (World, QueryState<&'static Mark, Changed<Mark>>);
    let mut world = World::new();
    let ids = chosen(world.spawn_batch((0..n).map(|_| Mark(0.0))).collect(), 100);
    let query = world.query_filtered();
    Scanning {
        state: (world, query),
        mark: move |(world, _): &mut State| {
            world.clear_trackers();
            ids.iter().for_each(|&id| world.get_mut::<Mark>(id).unwrap().0 = 1.0);
        },
        find: |(world, query): &mut State| query.iter(world).map(|mark| f64::from(mark.0)).sum(),
        sum: as_found,
    }
}

/// legion remembers the chunk, and so finds them all.
fn legion_scan(n: usize) -> impl Workload {
    use ::legion::{EntityStore, IntoQuery, World, maybe_changed};
    let mut world = World::default();
    let ids = chosen(world.extend((0..n).map(|_| (Mark(0.0),))).to_vec(), 100);
    let mut query = <&Mark>::query().filter(maybe_changed::<Mark>());
    Scanning {
        state: world,
        mark: move |world: &mut World| {
            for &id in &ids {
                world.entry_mut(id).unwrap().get_component_mut::<Mark>().unwrap().0 = 1.0;
            }
        },
        find: move |world: &mut World| query.iter(world).map(|mark| f64::from(mark.0)).sum(),
        sum: as_found,
    }
}

fn specs_scan(n: usize) -> impl Workload {
    use specs::prelude::*;
    use specs::storage::ComponentEvent;
    let mut world = World::new();
    world.register::<Mark>();
    let ids: Vec<_> = world.create_iter().take(n).collect();
    let reader = {
        let mut marks = world.write_storage::<Mark>();
        ids.iter().for_each(|&id| drop(marks.insert(id, Mark(0.0))));
        marks.register_reader()
    };
    let ids = chosen(ids, 100);
    type State = (World, ReaderId<ComponentEvent>, BitSet);
    Scanning {
        state: (world, reader, BitSet::new()),
        mark: move |(world, ..): &mut State| {
            let mut marks = world.write_storage::<Mark>();
            ids.iter().for_each(|&id| marks.get_mut(id).unwrap().0 = 1.0);
        },
        find: |(world, reader, changed): &mut State| {
            let marks = world.read_storage::<Mark>();
            changed.clear();
            for event in marks.channel().read(reader) {
                if let ComponentEvent::Modified(index) = event {
                    changed.add(*index);
                }
            }
            (&marks, &*changed).join().map(|(mark, _)| f64::from(mark.0)).sum()
        },
        sum: as_found,
    }
}
