//! What checkpoints cost a simulation: saved as a whole, as deltas, and beside the
//! run; and what it costs to go back to one, and to let a fork follow.
//!
//! Too large for the comparison: a world of ten million entities, of which a tick
//! writes one page in a hundred. Contenders of one question are timed in turn.

use std::error::Error;
use std::time::{Duration, Instant};

use bytemuck::{Pod, Zeroable};
use clap::Parser;
use ecs::{Component, Cut, EntityId, Saver, World};
use ecs_benches::figure;
use tempfile::TempDir;

/// Measures how long checkpoints stop a world, and how large deltas are.
#[derive(Parser)]
struct Arguments {
    /// How many entities.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    entities: usize,
    /// Of how many pages of 1,024 rows a tick writes one.
    #[arg(long, value_name = "N", default_value_t = 100)]
    one_in: usize,
    /// How often each thing is timed.
    #[arg(long, value_name = "N", default_value_t = 7)]
    rounds: usize,
}

#[derive(Component, Clone, Copy, Debug, Pod, Zeroable)]
#[component(pod)]
#[repr(C)]
struct Position([f32; 3]);

#[derive(Component, Clone, Copy, Debug, Pod, Zeroable)]
#[component(pod)]
#[repr(C)]
struct Velocity([f32; 3]);

/// Rows that share a version.
const PAGE: usize = 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { entities, one_in, rounds } = Arguments::parse();
    println!("{entities} entities of position and velocity; a tick writes one page in {one_in}");
    let mut world = World::new();
    let bundle = |n: usize| (Position([n as f32; 3]), Velocity([1.0; 3]));
    let all = world.spawn_batch((0..entities).map(bundle));
    let folder = tempfile::tempdir()?;
    let mut times = Times::default();
    let mut sizes = [0, 0];
    let mut saver = Saver::default();
    let prepare = Instant::now();
    saver.prepare(&world)?;
    times.first_cut.push(prepare.elapsed());
    let mut last = world.cut()?;
    let mut fork = world.fork_of(&last)?;
    for round in 0..rounds {
        // So that a tick lies between the cuts, and between the checkpoints.
        last = world.cut_after(&last)?;
        saver.prepare(&world)?;
        fork.restore_cut(&last)?;
        tick(&mut world, &all, one_in, round);
        let bytes = timed(&mut times.snapshot, || world.snapshot())?;
        timed(&mut times.cut, || drop(world.cut()));
        let next = timed(&mut times.cut_after, || world.cut_after(&last))?;
        let delta = timed(&mut times.delta, || next.delta_since(&last).to_bytes())?;
        sizes = [bytes.len(), delta.len()];
        drop((bytes, delta));
        timed(&mut times.fork, || world.fork_of(&next))?;
        tick(&mut fork, &all, one_in, round + one_in / 2);
        timed(&mut times.follow, || fork.restore_cut_after(&next, &last))?;
        timed(&mut times.back, || world.restore_cut(&last))?;
        timed(&mut times.cut_back, || world.cut_after(&last))?;
        world.restore_cut_after(&next, &last)?;
        last = next;
        check(&last, entities)?;
        timed(&mut times.save, || world.save(path(&folder, "foreground")))?;
        timed(&mut times.begin_save, || saver.save(&world, path(&folder, "background")))?;
        let ticked = Instant::now();
        tick(&mut world, &all, one_in, round + rounds);
        times.tick_beside.push(ticked.elapsed());
        saver.wait()?;
        let ticked = Instant::now();
        tick(&mut world, &all, one_in, round);
        times.tick_alone.push(ticked.elapsed());
    }
    times.print();
    let [whole, delta] = sizes.map(|bytes| bytes as f64);
    println!("\nsnapshot {} MB, delta {} MB", figure(whole / 1e6), figure(delta / 1e6));
    println!("delta to snapshot: {} of the bytes", figure(delta / whole));
    let ratio =
        |a: &[Duration], b: &[Duration]| figure(median(a).as_secs_f64() / median(b).as_secs_f64());
    println!("cut and delta to snapshot: {} of the time", {
        let delta = median(&times.cut_after) + median(&times.delta);
        figure(delta.as_secs_f64() / median(&times.snapshot).as_secs_f64())
    });
    println!("going back to a fork, which loads everything: {}", ratio(&times.back, &times.fork));
    println!("a fork that follows to a new one: {}", ratio(&times.follow, &times.fork));
    println!(
        "pause of a save beside the run to one in the foreground: {}",
        ratio(&times.begin_save, &times.save)
    );
    Ok(())
}

fn path(folder: &TempDir, name: &str) -> std::path::PathBuf {
    folder.path().join(name)
}

/// Writes the positions of one page in so many.
fn tick(world: &mut World, all: &[EntityId], one_in: usize, round: usize) {
    for page in all.chunks(PAGE).skip(round % one_in).step_by(one_in) {
        for &entity in page {
            world.get_mut::<Position>(entity).expect("it lives").0[0] += 1.0;
        }
    }
}

fn check(cut: &Cut, entities: usize) -> Result<(), String> {
    match cut.len() == entities {
        true => Ok(()),
        false => Err(format!("a cut of {} entities", cut.len())),
    }
}

fn timed<T>(times: &mut Vec<Duration>, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let outcome = work();
    times.push(start.elapsed());
    outcome
}

#[derive(Default)]
struct Times {
    first_cut: Vec<Duration>,
    snapshot: Vec<Duration>,
    cut: Vec<Duration>,
    cut_after: Vec<Duration>,
    delta: Vec<Duration>,
    save: Vec<Duration>,
    begin_save: Vec<Duration>,
    tick_beside: Vec<Duration>,
    tick_alone: Vec<Duration>,
    fork: Vec<Duration>,
    follow: Vec<Duration>,
    back: Vec<Duration>,
    cut_back: Vec<Duration>,
}

impl Times {
    fn print(&self) {
        println!("\n| what | median ms | least ms |\n|---|--:|--:|");
        let rows = [
            ("snapshot, in memory", &self.snapshot),
            ("the first cut", &self.first_cut),
            ("a cut that shares nothing", &self.cut),
            ("a cut after the one before", &self.cut_after),
            ("a delta of it, in memory", &self.delta),
            ("save in the foreground, synced", &self.save),
            ("begin to save beside the run", &self.begin_save),
            ("a tick meanwhile", &self.tick_beside),
            ("a tick alone", &self.tick_alone),
            ("a fork, which loads everything", &self.fork),
            ("a fork that follows by a tick, and loses one of its own", &self.follow),
            ("back by a tick", &self.back),
            ("a cut after that", &self.cut_back),
        ];
        for (what, times) in rows {
            let least = times.iter().min().copied().unwrap_or_default();
            let millis = |time: Duration| figure(time.as_secs_f64() * 1e3);
            println!("| {what} | {} | {} |", millis(median(times)), millis(least));
        }
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
