//! A process is killed again and again while it saves: the last checkpoint that it
//! spoke of is always there, or a later one, and loads.
//!
//! The process is this program itself, with an argument.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use ecs_derive::Component;
use ecs_world::World;
use serde::{Deserialize, Serialize};

const ROUNDS: u64 = 300;
const SAVING: &str = "--save-until-killed";
const ROWS: u64 = 20_000;

/// How often the world was saved: in each row, so that a mixture would be seen.
#[derive(Component, Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "killed_while_saving::Saved")]
struct Saved(u64);

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().collect();
    match arguments.iter().position(|argument| argument == SAVING) {
        Some(at) => save_until_killed(Path::new(&arguments[at + 1])),
        None => kill_again_and_again(),
    }
    ExitCode::SUCCESS
}

/// Saves a world, counted up each time, and tells each count when it is safe.
fn save_until_killed(path: &Path) {
    let mut world = World::new();
    world.register::<Saved>();
    match path.exists() {
        true => world.load(path).expect("what was left there can be loaded"),
        false => drop(world.spawn_batch((0..ROWS).map(|_| Saved(0)))),
    }
    loop {
        world.query_mut::<&mut Saved>().for_each(|saved| saved.0 += 1);
        world.save(path).expect("it can be saved");
        let count = world.query::<&Saved>().iter().next().expect("there are rows").0;
        writeln!(std::io::stdout(), "{count}").expect("somebody listens");
    }
}

fn kill_again_and_again() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("world");
    let (mut known, mut partial) = (0, 0);
    for round in 0..ROUNDS {
        let child = Command::new(env::current_exe().expect("this program has a path"))
            .args([SAVING.as_ref(), path.as_os_str()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started");
        // Moments that are spread over some savings.
        known = killed_after(child, Duration::from_micros(2_000 + round * 7_919 % 20_000), known);
        if !path.exists() {
            assert_eq!(known, 0, "what was safe is gone");
            continue;
        }
        let mut world = World::new();
        world.register::<Saved>();
        world.load(&path).expect("the last checkpoint loads");
        let rows = world.query::<&Saved>();
        let count = rows.iter().next().expect("there are rows").0;
        assert!(count >= known, "{count} is there, and {known} was safe");
        assert!(rows.iter().all(|saved| saved.0 == count), "a mixture of two checkpoints");
        assert_eq!(rows.count() as u64, ROWS);
        known = count;
        partial += removed_partial_files(folder.path());
    }
    println!("{known} checkpoints, {ROUNDS} kills, {partial} of them in the middle of a file");
    assert!(known > 0 && partial > 0, "no saving was interrupted: {known}, {partial}");
}

/// Kills a process after a time, and returns the last count that it told of.
fn killed_after(mut child: Child, time: Duration, known: u64) -> u64 {
    thread::sleep(time);
    child.kill().expect("it runs until it is killed");
    let output = child.stdout.take().expect("its output is caught");
    child.wait().expect("it has ended");
    let counts = BufReader::new(output).lines().map_while(Result::ok);
    // The last line may be cut off.
    counts.filter_map(|line| line.parse().ok()).fold(known, u64::max)
}

fn removed_partial_files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("it can be listed").path());
    let partial = names.filter(|path| path.extension().is_some_and(|end| end == "partial"));
    partial.inspect(|path| fs::remove_file(path).expect("it can be removed")).count()
}
