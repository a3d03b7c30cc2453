//! Checkpoints: rewinding to a moment, and forking a world into two futures.

use ecs::prelude::*;

#[derive(Component, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[component(name = "checkpoint::Population")]
struct Population(u64);

/// How fast populations grow, in percent a step.
struct Growth(u64);

fn grow(growth: Res<Growth>, mut towns: Query<&mut Population>) {
    towns.for_each(|town| town.0 += town.0 * growth.0 / 100);
}

fn total(world: &World) -> u64 {
    world.query::<&Population>().iter().map(|town| town.0).sum()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut world = World::new();
    world.insert_resource(Growth(10));
    world.spawn_batch((1..=100).map(|n| Population(n * 1_000)));
    let mut schedule = Schedule::new();
    schedule.add_system(grow);

    // A checkpoint after every step.
    let mut history = Vec::new();
    for _ in 0..5 {
        history.push(world.snapshot()?);
        schedule.run(&mut world);
    }
    let (hash, people) = (world.state_hash()?, total(&world));

    // Rewind to step 2, and run it again: the same state, bit for bit.
    world.restore(&history[2])?;
    for _ in 2..5 {
        schedule.run(&mut world);
    }
    assert_eq!((world.state_hash()?, total(&world)), (hash, people));

    // Fork at step 2: another future beside the first.
    let mut other = World::new();
    other.insert_resource(Growth(20));
    other.restore(&history[2])?;
    for _ in 2..5 {
        schedule.run(&mut other);
    }
    println!("at 10 %: {people} people; at 20 % from step 2 on: {} people", total(&other));
    assert!(total(&other) > people);

    // A damaged checkpoint is refused, and changes nothing.
    let mut damaged = history[2].clone();
    damaged[100] ^= 1;
    println!("refused: {}", other.restore(&damaged).unwrap_err());
    assert!(total(&other) > people);
    Ok(())
}
