//! A hundred million entities: made, iterated over, saved and loaded.
//!
//! Too large for the comparison, and for most machines' tests: a proof to be run
//! by hand.

use std::error::Error;
use std::time::Instant;

use bytemuck::{Pod, Zeroable};
use clap::Parser;
use ecs::{Component, World};
use ecs_benches::{figure, resident_bytes};

/// Makes many entities of two components of 4 bytes, and does with them what
/// touches all of them. 100 million need 6 GB.
#[derive(Parser)]
struct Arguments {
    /// How many entities.
    #[arg(long, value_name = "N", default_value_t = 100_000_000)]
    entities: usize,
}

#[derive(Component, Clone, Copy, Debug, Pod, Zeroable)]
#[component(pod)]
#[repr(C)]
struct Place(u32);

#[derive(Component, Clone, Copy, Debug, Pod, Zeroable)]
#[component(pod)]
#[repr(C)]
struct Speed(u32);

fn main() -> Result<(), Box<dyn Error>> {
    let count = Arguments::parse().entities;
    println!("{count} entities\n\n| step | seconds | ns an entity | resident MB |");
    println!("|---|--:|--:|--:|");
    let steps = Steps { count };
    let bundle = |number: usize| (Place(number as u32), Speed(1 + number as u32 % 7));

    let mut world = World::new();
    steps.step("spawn_batch", || world.spawn_batch((0..count).map(bundle)).len());
    steps.step("iterate", || {
        world.query_mut::<(&mut Place, &Speed)>().for_each(|(place, speed)| place.0 += speed.0);
    });
    let expected = (0..count).map(bundle).map(|(place, speed)| u64::from(place.0 + speed.0)).sum();
    let total = steps.step("sum", || sum(&world));
    agree("sum", total, expected)?;
    let hash = steps.step("state_hash", || world.state_hash())?;
    let bytes = steps.step("snapshot", || world.snapshot())?;
    drop(world);

    let mut world = World::new();
    world.register::<(Place, Speed)>();
    steps.step("restore", || world.restore(&bytes))?;
    agree("count", world.len(), count)?;
    agree("sum", steps.step("sum", || sum(&world)), expected)?;
    agree("state_hash", steps.step("state_hash", || world.state_hash())?, hash)?;
    println!(
        "\nboth worlds agree in {count} entities, sum and hash; the snapshot has {} bytes an entity",
        figure(bytes.len() as f64 / count as f64)
    );
    Ok(())
}

fn sum(world: &World) -> u64 {
    let mut total = 0;
    world.query::<&Place>().for_each(|place| total += u64::from(place.0));
    total
}

fn agree<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{what}: {found:?}, but {expected:?} expected")),
    }
}

/// Steps that touch every entity.
struct Steps {
    count: usize,
}

impl Steps {
    /// Does a step, and prints what it took.
    fn step<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let outcome = work();
        let seconds = start.elapsed().as_secs_f64();
        let each = seconds * 1e9 / self.count as f64;
        let resident = resident_bytes().map_or("-".to_owned(), |bytes| figure(bytes as f64 / 1e6));
        println!("| {name} | {} | {} | {resident} |", figure(seconds), figure(each));
        outcome
    }
}
