//! The limit of the main job: its moves as plain copies, on one thread and on two.
//!
//! People with the columns of the epidemic (id, home, place, clock, threshold) and
//! the places where ids are said to be. A move takes a random row out of one table,
//! lets the last row take its place, writes both places, and appends the row to the
//! other table. Each thread has people of its own and never waits for another, so
//! what two threads bring here is what the memory of the machine allows.

use std::hint::black_box;
use std::time::{Duration, Instant};

const PEOPLE: usize = 1_000_000;
const MOVES: usize = 4_000_000;
const ROUNDS: usize = 9;

/// A table of people, as columns.
#[derive(Default)]
struct Table {
    ids: Vec<u64>,
    homes: Vec<u32>,
    places: Vec<u16>,
    clocks: Vec<f64>,
    thresholds: Vec<f64>,
}

/// Two tables, and where each person is.
struct People {
    tables: [Table; 2],
    rows: Vec<u64>,
}

impl People {
    fn new(count: usize) -> Self {
        let ids = (0..count as u64).collect();
        let all = Table {
            ids,
            homes: vec![1; count],
            places: vec![2; count],
            clocks: vec![3.0; count],
            thresholds: vec![4.0; count],
        };
        Self { tables: [all, Table::default()], rows: (0..count as u64).collect() }
    }

    /// Moves so many random rows, back again when all have moved.
    fn change(&mut self, moves: usize, seed: u64) {
        let (mut random, mut source) = (seed | 1, 0);
        for _ in 0..moves {
            if self.tables[source].ids.is_empty() {
                source = 1 - source;
            }
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let [first, second] = &mut self.tables;
            let (from, to) = if source == 0 { (first, second) } else { (second, first) };
            let row = ((u128::from(random) * from.ids.len() as u128) >> 64) as usize;
            let id = from.ids.swap_remove(row);
            if let Some(&moved) = from.ids.get(row) {
                self.rows[moved as usize] = row as u64;
            }
            self.rows[id as usize] = to.ids.len() as u64 | 1 << 32;
            to.ids.push(id);
            to.homes.push(from.homes.swap_remove(row));
            to.places.push(from.places.swap_remove(row));
            to.clocks.push(from.clocks.swap_remove(row));
            to.thresholds.push(from.thresholds.swap_remove(row));
        }
    }
}

/// How long `threads` take for all moves, each its share of people and moves.
fn time(threads: usize) -> Duration {
    let mut people: Vec<_> = (0..threads).map(|_| People::new(PEOPLE / threads)).collect();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for (n, people) in (1..).zip(&mut people) {
            scope.spawn(move || people.change(MOVES / threads, n * 0x9E37_79B9));
        }
    });
    let time = start.elapsed();
    black_box(&people);
    time
}

fn main() {
    // In turn, so that what disturbs the one disturbs the other.
    let rounds: Vec<_> = (0..ROUNDS).map(|_| (time(1), time(2))).collect();
    let median = |of: fn(&(Duration, Duration)) -> f64| {
        let mut all: Vec<f64> = rounds.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let one = median(|round| round.0.as_secs_f64());
    let two = median(|round| round.1.as_secs_f64());
    let ratio = median(|round| round.0.as_secs_f64() / round.1.as_secs_f64());
    println!("{MOVES} moves among {PEOPLE} people, medians of {ROUNDS}:");
    println!("one thread {one:.3} s, two threads {two:.3} s, {ratio:.2} times the throughput");
}
