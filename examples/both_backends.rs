//! The same systems on both backends, chosen at run time, with one result.

use ecs::prelude::*;
use ecs::{ArchetypeStorage, LocalStorage, Storage};

#[derive(Component, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[component(name = "both_backends::Energy")]
struct Energy(u64);

#[derive(Component, Clone, Debug, serde::Serialize, serde::Deserialize)]
#[component(name = "both_backends::Asleep")]
struct Asleep;

fn eat(mut animals: Query<&mut Energy, Without<Asleep>>) {
    animals.for_each(|energy| energy.0 += 3);
}

fn tire(animals: Query<(EntityId, &Energy), Without<Asleep>>, mut commands: Commands) {
    for (entity, energy) in animals.iter() {
        if energy.0 % 5 == 0 {
            commands.insert(entity, Asleep);
        }
    }
}

fn wake(mut animals: Query<(EntityId, &mut Energy), With<Asleep>>, mut commands: Commands) {
    for (entity, energy) in animals.iter_mut() {
        energy.0 -= 1;
        if energy.0 % 2 == 0 {
            commands.remove::<Asleep>(entity);
        }
    }
}

/// Runs the simulation on some backend, and returns the state's hash.
fn simulate(storage: Box<dyn Storage>) -> Result<u64, Box<dyn std::error::Error>> {
    let mut world = World::with_storage(storage);
    world.spawn_batch((0..1_000).map(Energy));
    let mut schedule = Schedule::new();
    schedule.add_system(eat);
    schedule.add_system(tire);
    schedule.add_system(wake);
    for _ in 0..20 {
        schedule.run(&mut world);
    }
    Ok(world.state_hash()?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let archetypal = simulate(Box::new(ArchetypeStorage::new(0)))?;
    let entity_first = simulate(Box::new(LocalStorage::new(0)))?;
    println!("archetype backend: {archetypal:016x}");
    println!("local backend:     {entity_first:016x}");
    assert_eq!(archetypal, entity_first);
    Ok(())
}
