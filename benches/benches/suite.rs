//! The rows of the comparison that keep the design honest, beside hecs and
//! bevy_ecs in one run: `cargo bench -p ecs-benches`.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group};
use ecs::{QueryState, World};
use ecs_benches::{
    A, B, Data, Position, Velocity, for_each_letter, letters, scattered, simple_bundle, step,
};

const ENTITIES: usize = 10_000;

fn group<'a>(
    criterion: &'a mut Criterion,
    name: &str,
    items: usize,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(items as u64));
    group
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30);
    group
}

/// A new world, and 10,000 entities of a matrix and three vectors, one by one.
fn simple_insert(criterion: &mut Criterion) {
    let mut group = group(criterion, "simple_insert", ENTITIES);
    group.bench_function("ecs/spawn", |bencher| {
        bencher.iter_batched_ref(
            || (),
            |()| {
                let mut world = World::new();
                for _ in 0..ENTITIES {
                    world.spawn(black_box(simple_bundle()));
                }
                world
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("ecs/spawn_batch", |bencher| {
        bencher.iter_batched_ref(
            || (),
            |()| {
                let mut world = World::new();
                world.spawn_batch((0..ENTITIES).map(|_| black_box(simple_bundle())));
                world
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("hecs/spawn", |bencher| {
        bencher.iter_batched_ref(
            || (),
            |()| {
                let mut world = hecs::World::new();
                for _ in 0..ENTITIES {
                    world.spawn(black_box(simple_bundle()));
                }
                world
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("hecs/spawn_batch", |bencher| {
        bencher.iter_batched_ref(
            || (),
            |()| {
                let mut world = hecs::World::new();
                world.spawn_batch((0..ENTITIES).map(|_| black_box(simple_bundle()))).for_each(drop);
                world
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("bevy/spawn_batch", |bencher| {
        bencher.iter_batched_ref(
            || (),
            |()| {
                let mut world = bevy_ecs::world::World::new();
                world.spawn_batch((0..ENTITIES).map(|_| black_box(simple_bundle()))).for_each(drop);
                world
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// 10,000 times position += velocity.
fn simple_iter(criterion: &mut Criterion) {
    let mut group = group(criterion, "simple_iter", ENTITIES);
    let mut world = World::new();
    world.spawn_batch((0..ENTITIES).map(|_| simple_bundle()));
    let mut prepared = QueryState::<(&mut Position, &Velocity)>::new();
    group.bench_function("ecs/for_each", |bencher| {
        bencher.iter(|| {
            prepared
                .query_mut(world.storage_mut())
                .for_each(|(position, velocity)| step(position, velocity));
        });
    });
    group.bench_function("ecs/for", |bencher| {
        bencher.iter(|| {
            for (position, velocity) in prepared.query_mut(world.storage_mut()).iter_mut() {
                step(position, velocity);
            }
        });
    });
    group.bench_function("ecs/flat_chunks", |bencher| {
        bencher.iter(|| {
            for chunk in prepared.query_mut(world.storage_mut()).chunks_mut() {
                let (positions, velocities) = chunk.into_slices();
                let places: &mut [f32] = bytemuck::cast_slice_mut(positions);
                let speeds: &[f32] = bytemuck::cast_slice(velocities);
                for (place, speed) in places.iter_mut().zip(speeds) {
                    *place += speed;
                }
            }
        });
    });
    let mut world = hecs::World::new();
    world.spawn_batch((0..ENTITIES).map(|_| simple_bundle())).for_each(drop);
    let mut prepared = hecs::PreparedQuery::<(&mut Position, &Velocity)>::new();
    group.bench_function("hecs/for_each", |bencher| {
        bencher.iter(|| {
            prepared
                .query_mut(&mut world)
                .for_each(|(position, velocity)| step(position, velocity));
        });
    });
    group.bench_function("hecs/for", |bencher| {
        bencher.iter(|| {
            for (position, velocity) in prepared.query_mut(&mut world) {
                step(position, velocity);
            }
        });
    });
    let mut world = bevy_ecs::world::World::new();
    world.spawn_batch((0..ENTITIES).map(|_| simple_bundle())).for_each(drop);
    let mut prepared = world.query::<(&mut Position, &Velocity)>();
    group.bench_function("bevy/for_each", |bencher| {
        bencher.iter(|| {
            prepared
                .iter_mut(&mut world)
                .for_each(|(mut position, velocity)| step(&mut position, velocity));
        });
    });
    group.finish();
}

/// 26 archetypes of 20 entities each, all with `Data`, which is doubled.
fn fragmented_iter(criterion: &mut Criterion) {
    macro_rules! spawn_letters {
        ($($letter:ident)*) => {
            fn spawn_ours(world: &mut World) {
                $(world.spawn_batch((0..20).map(|_| (letters::$letter(0.0), Data(1.0))));)*
            }
            fn spawn_hecs(world: &mut hecs::World) {
                $(world.spawn_batch((0..20).map(|_| (letters::$letter(0.0), Data(1.0)))).for_each(drop);)*
            }
            fn spawn_bevy(world: &mut bevy_ecs::world::World) {
                $(world.spawn_batch((0..20).map(|_| (letters::$letter(0.0), Data(1.0)))).for_each(drop);)*
            }
        };
    }
    for_each_letter!(spawn_letters);
    let mut group = group(criterion, "fragmented_iter", 26 * 20);
    let mut world = World::new();
    spawn_ours(&mut world);
    let mut prepared = QueryState::<&mut Data>::new();
    group.bench_function("ecs/prepared", |bencher| {
        bencher.iter(|| prepared.query_mut(world.storage_mut()).for_each(|data| data.0 *= 2.0));
    });
    group.bench_function("ecs/prepared_for", |bencher| {
        bencher.iter(|| {
            for data in prepared.query_mut(world.storage_mut()).iter_mut() {
                data.0 *= 2.0;
            }
        });
    });
    group.bench_function("ecs/one_shot", |bencher| {
        bencher.iter(|| world.query_mut::<&mut Data>().for_each(|data| data.0 *= 2.0));
    });
    let mut world = hecs::World::new();
    spawn_hecs(&mut world);
    let mut prepared = hecs::PreparedQuery::<&mut Data>::new();
    group.bench_function("hecs/prepared", |bencher| {
        bencher.iter(|| prepared.query_mut(&mut world).for_each(|data| data.0 *= 2.0));
    });
    group.bench_function("hecs/one_shot", |bencher| {
        bencher.iter(|| {
            for data in world.query_mut::<&mut Data>() {
                data.0 *= 2.0;
            }
        });
    });
    let mut world = bevy_ecs::world::World::new();
    spawn_bevy(&mut world);
    let mut prepared = world.query::<&mut Data>();
    group.bench_function("bevy/prepared", |bencher| {
        bencher.iter(|| prepared.iter_mut(&mut world).for_each(|mut data| data.0 *= 2.0));
    });
    group.finish();
}

/// 10,000 entities get a component, and then lose it again, one by one.
fn add_remove(criterion: &mut Criterion) {
    let mut group = group(criterion, "add_remove", ENTITIES);
    let mut world = World::new();
    let entities = world.spawn_batch((0..ENTITIES).map(|_| A(0.0)));
    group.bench_function("ecs/insert_remove", |bencher| {
        bencher.iter(|| {
            for &entity in &entities {
                world.insert(entity, B(0.0)).unwrap();
            }
            for &entity in &entities {
                world.remove::<B>(entity).unwrap();
            }
        });
    });
    let mut world = hecs::World::new();
    let entities: Vec<_> = world.spawn_batch((0..ENTITIES).map(|_| (A(0.0),))).collect();
    group.bench_function("hecs/insert_remove", |bencher| {
        bencher.iter(|| {
            for &entity in &entities {
                world.insert_one(entity, B(0.0)).unwrap();
            }
            for &entity in &entities {
                world.remove_one::<B>(entity).unwrap();
            }
        });
    });
    let mut world = bevy_ecs::world::World::new();
    let entities: Vec<_> = world.spawn_batch((0..ENTITIES).map(|_| A(0.0))).collect();
    group.bench_function("bevy/insert_remove", |bencher| {
        bencher.iter(|| {
            for &entity in &entities {
                world.entity_mut(entity).insert(B(0.0));
            }
            for &entity in &entities {
                world.entity_mut(entity).remove::<B>();
            }
        });
    });
    group.finish();
}

/// A million entities, of which 100,000 are read by id without order.
fn random_get(criterion: &mut Criterion) {
    const READS: usize = 100_000;
    let mut group = group(criterion, "random_get", READS);
    let order = scattered(READS, 1_000_000);
    let bundles = || (0..1_000_000).map(|n| (Position([n as f32; 3]), Velocity([1.0; 3])));
    let mut world = World::new();
    let made = world.spawn_batch(bundles());
    let entities: Vec<_> = order.iter().map(|&n| made[n]).collect();
    group.bench_function("ecs/world", |bencher| {
        bencher.iter(|| {
            entities.iter().map(|&entity| world.get::<Position>(entity).unwrap().0[0]).sum::<f32>()
        });
    });
    let mut prepared = QueryState::<&Position>::new();
    group.bench_function("ecs/query", |bencher| {
        bencher.iter(|| {
            let query = prepared.query(world.storage());
            entities.iter().map(|&entity| query.get(entity).unwrap().0[0]).sum::<f32>()
        });
    });
    let mut world = hecs::World::new();
    let made: Vec<_> = world.spawn_batch(bundles()).collect();
    let entities: Vec<_> = order.iter().map(|&n| made[n]).collect();
    group.bench_function("hecs/world", |bencher| {
        bencher.iter(|| {
            entities.iter().map(|&entity| world.get::<&Position>(entity).unwrap().0[0]).sum::<f32>()
        });
    });
    group.bench_function("hecs/view", |bencher| {
        bencher.iter(|| {
            let mut query = world.query::<&Position>();
            let view = query.view();
            entities.iter().map(|&entity| view.get(entity).unwrap().0[0]).sum::<f32>()
        });
    });
    let mut world = bevy_ecs::world::World::new();
    let made: Vec<_> = world.spawn_batch(bundles()).collect();
    let entities: Vec<_> = order.iter().map(|&n| made[n]).collect();
    group.bench_function("bevy/world", |bencher| {
        bencher.iter(|| {
            entities.iter().map(|&entity| world.get::<Position>(entity).unwrap().0[0]).sum::<f32>()
        });
    });
    let mut prepared = world.query::<&Position>();
    group.bench_function("bevy/query", |bencher| {
        bencher.iter(|| {
            let query = prepared.query(&world);
            entities.iter().map(|&entity| query.get(entity).unwrap().0[0]).sum::<f32>()
        });
    });
    group.finish();
}

criterion_group!(suite, simple_insert, simple_iter, fragmented_iter, add_remove, random_get);

fn main() {
    ecs_benches::keep_memory();
    suite();
    Criterion::default().configure_from_args().final_summary();
}
