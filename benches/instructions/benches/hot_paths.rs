//! The hot paths, one function each: what stands in a function is counted, what
//! its `setup` makes is not, nor is dropping what it returns.
//!
//! `cargo xtask instructions` runs this and compares with `counts.json`.

#![expect(missing_docs, reason = "the macros that name the benchmarks write public items")]

use std::hint::black_box;

use bytemuck::{cast_slice, cast_slice_mut};
use ecs::{Changed, EntityId, QueryState, World};
use ecs_instructions::{
    Comes, ENTITIES, Noticed, Position, Stays, Velocity, alike, asked, changed, coming_and_going,
    fragments, prepared, simple, step,
};
use gungraun::prelude::*;

/// A world and entities in it.
type Populated = (World, Vec<EntityId>);
/// A world and a query that ran over it.
type Queried<D> = (World, QueryState<D>);
/// A world and a query for what changed of it.
type Watched = (World, QueryState<&'static Noticed, Changed<Noticed>>);
type Motion = (&'static mut Position, &'static Velocity);

#[library_benchmark]
#[bench::simple(World::new())]
fn spawn(mut world: World) -> World {
    for _ in 0..ENTITIES {
        black_box(world.spawn(black_box(simple())));
    }
    world
}

#[library_benchmark]
#[bench::simple(World::new())]
fn spawn_batch(mut world: World) -> (World, Vec<EntityId>) {
    let made = world.spawn_batch((0..ENTITIES).map(|_| black_box(simple())));
    (world, made)
}

#[library_benchmark]
#[bench::simple(alike(simple))]
fn despawn((mut world, made): Populated) -> Populated {
    for &entity in &made {
        world.despawn(entity).expect("it is alive");
    }
    (world, made)
}

#[library_benchmark]
#[bench::simple(alike(simple))]
fn despawn_batch((mut world, made): Populated) -> Populated {
    world.despawn_batch(&made).expect("all are alive");
    (world, made)
}

#[library_benchmark]
#[bench::simple(alike(simple))]
fn churn((mut world, made): Populated) -> Populated {
    for &entity in &made {
        world.despawn(entity).expect("it is alive");
        black_box(world.spawn(black_box(simple())));
    }
    (world, made)
}

#[library_benchmark]
#[bench::second(coming_and_going(false))]
fn insert((mut world, made): Populated) -> Populated {
    for &entity in &made {
        world.insert(entity, black_box(Comes(1.0))).expect("it is alive");
    }
    (world, made)
}

#[library_benchmark]
#[bench::replace(coming_and_going(true))]
fn insert_over((mut world, made): Populated) -> Populated {
    for &entity in &made {
        world.insert(entity, black_box(Comes(1.0))).expect("it is alive");
    }
    (world, made)
}

#[library_benchmark]
#[bench::first(coming_and_going(true))]
fn remove((mut world, made): Populated) -> Populated {
    for &entity in &made {
        black_box(world.remove::<Comes>(entity).expect("it is alive"));
    }
    (world, made)
}

#[library_benchmark]
#[bench::all(coming_and_going(false))]
fn insert_batch((mut world, made): Populated) -> Populated {
    let same = std::iter::repeat(black_box(Comes(1.0)));
    world.insert_batch(&made, same).expect("all are alive");
    (world, made)
}

#[library_benchmark]
#[bench::all(coming_and_going(true))]
fn remove_batch((mut world, made): Populated) -> Populated {
    black_box(world.remove_batch::<Comes>(&made).expect("all are alive"));
    (world, made)
}

#[library_benchmark]
#[bench::one(alike(simple))]
fn world_get((world, made): Populated) -> Populated {
    for &entity in &made {
        black_box(world.get::<Position>(black_box(entity)));
    }
    (world, made)
}

#[library_benchmark]
#[bench::one(alike(simple))]
fn world_get_mut((mut world, made): Populated) -> Populated {
    for &entity in &made {
        black_box(world.get_mut::<Position>(black_box(entity)));
    }
    (world, made)
}

#[library_benchmark]
#[bench::one(alike(simple))]
fn query_get((world, made): Populated) -> Populated {
    let mut query = QueryState::<&Position>::new();
    let query = query.query(world.storage());
    for &entity in &made {
        black_box(query.get(black_box(entity)));
    }
    drop(query);
    (world, made)
}

#[library_benchmark]
#[bench::motion(prepared::<Motion>(alike(simple).0))]
fn for_each((mut world, mut query): Queried<Motion>) -> Queried<Motion> {
    query.query_mut(world.storage_mut()).for_each(step);
    (world, query)
}

#[library_benchmark]
#[bench::motion(prepared::<Motion>(alike(simple).0))]
fn for_loop((mut world, mut query): Queried<Motion>) -> Queried<Motion> {
    for row in query.query_mut(world.storage_mut()).iter_mut() {
        step(row);
    }
    (world, query)
}

#[library_benchmark]
#[bench::motion(prepared::<Motion>(alike(simple).0))]
fn flat_chunks((mut world, mut query): Queried<Motion>) -> Queried<Motion> {
    for chunk in query.query_mut(world.storage_mut()).chunks_mut() {
        let (positions, velocities) = chunk.into_slices();
        let places: &mut [f32] = cast_slice_mut(positions);
        for (place, speed) in places.iter_mut().zip(cast_slice::<_, f32>(velocities)) {
            *place += speed;
        }
    }
    (world, query)
}

#[library_benchmark]
#[bench::of_26(prepared::<&mut Stays>(fragments(26, 20, 0)))]
fn fragmented_for_each(
    (mut world, mut query): Queried<&'static mut Stays>,
) -> Queried<&'static mut Stays> {
    query.query_mut(world.storage_mut()).for_each(|stays| stays.0 *= 2.0);
    (world, query)
}

#[library_benchmark]
#[bench::of_26(prepared::<&mut Stays>(fragments(26, 20, 0)))]
fn fragmented_for_loop(
    (mut world, mut query): Queried<&'static mut Stays>,
) -> Queried<&'static mut Stays> {
    for stays in query.query_mut(world.storage_mut()).iter_mut() {
        stays.0 *= 2.0;
    }
    (world, query)
}

#[library_benchmark]
#[bench::of_26(fragments(26, 20, 0))]
fn asked_first(mut world: World) -> World {
    world.query_mut::<&mut Stays>().for_each(|stays| stays.0 *= 2.0);
    world
}

#[library_benchmark]
#[bench::of_26(asked::<&mut Stays>(fragments(26, 20, 0)))]
fn asked_again(mut world: World) -> World {
    world.query_mut::<&mut Stays>().for_each(|stays| stays.0 *= 2.0);
    world
}

#[library_benchmark]
#[bench::ten_of_1000(asked::<&mut Position>(fragments(1_000, 1, 10)))]
fn asked_again_sparse(mut world: World) -> World {
    world.query_mut::<&mut Position>().for_each(|position| position.0[0] *= 2.0);
    world
}

#[library_benchmark]
#[bench::all(alike(|| Noticed(0.0)))]
fn tracked_get_mut((mut world, made): Populated) -> Populated {
    for &entity in &made {
        world.get_mut::<Noticed>(black_box(entity)).expect("it is alive").0 += 1.0;
    }
    (world, made)
}

#[library_benchmark]
#[bench::one_of_100(changed())]
fn changed_scan((world, mut query): Watched) -> Watched {
    black_box(query.query(world.storage()).iter().map(|noticed| noticed.0).sum::<f32>());
    (world, query)
}

library_benchmark_group!(
    name = writing,
    benchmarks = [
        spawn,
        spawn_batch,
        despawn,
        despawn_batch,
        churn,
        insert,
        insert_over,
        remove,
        insert_batch,
        remove_batch
    ]
);
library_benchmark_group!(
    name = reading,
    benchmarks = [
        world_get,
        world_get_mut,
        query_get,
        for_each,
        for_loop,
        flat_chunks,
        fragmented_for_each,
        fragmented_for_loop,
        asked_first,
        asked_again,
        asked_again_sparse,
        tracked_get_mut,
        changed_scan
    ]
);

/// The same copying routines of the C library on every machine: it would choose
/// them by the processor, and counts would differ.
const PLAIN_PROCESSOR: &str =
    "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM,-AVX_Fast_Unaligned_Load";

main!(
    config = LibraryBenchmarkConfig::default().env("GLIBC_TUNABLES", PLAIN_PROCESSOR),
    library_benchmark_groups = [writing, reading]
);
