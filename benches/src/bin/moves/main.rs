//! The limit of the main job: its moves as plain copies, on one thread and on two.
//!
//! As many people as in the job, in tables with the job's columns, moved in batches
//! like those of its ticks ([`journal`]). Who moves, and which row takes whose
//! place, is known beforehand, so that nothing is left but to read and write
//! ([`people`]): the threads take pieces of a batch, and write the same columns at
//! different rows. Between two batches the first thread does something else, which
//! is not counted, as in the job: so the other one falls asleep and has to be woken,
//! or has to keep looking whether there is work.

mod journal;
mod people;

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use journal::{Batch, Journal};
use people::People;

const ROUNDS: usize = 5;
/// What is done between two batches: of a tick of 1.4 milliseconds with seven
/// batches, what is not moving.
const BETWEEN: Duration = Duration::from_micros(100);

/// Who moves people.
#[derive(Clone, Copy)]
enum Way {
    /// One thread.
    Alone,
    /// Two threads of a pool, of which the second sleeps between batches.
    Woken,
    /// Two threads, of which the second looks for work all the time.
    Awake,
}

fn main() {
    let journal = Journal::new();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads start");
    // In turn, so that what disturbs the one disturbs the others.
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            [Way::Alone, Way::Woken, Way::Awake].map(|way| pool.install(|| time(&journal, way)))
        })
        .collect();
    let of = |way: usize| rounds.iter().map(move |round| round[way].0.as_secs_f64());
    let median = |values: &mut dyn Iterator<Item = f64>| {
        let mut all: Vec<f64> = values.collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let same = rounds.iter().flatten().all(|(_, sum)| *sum == rounds[0][0].1);
    assert!(same, "everybody is where the journal says, whoever moved them");
    println!("{journal}, medians of {ROUNDS} rounds:");
    println!("one thread               {:.3} s", median(&mut of(0)));
    for (way, name) in [(1, "two, the second woken"), (2, "two, the second awake")] {
        let ratio = median(&mut of(0).zip(of(way)).map(|(one, two)| one / two));
        println!("{name:24} {:.3} s, {ratio:.2} times as fast", median(&mut of(way)));
    }
}

/// How long all batches take, without what is between them; and where everybody is
/// at the end, as a sum.
fn time(journal: &Journal, way: Way) -> (Duration, u64) {
    let people = People::new(journal);
    let time = match way {
        Way::Alone => each_batch(journal, |batch| Taken::of(batch).work(&people)),
        Way::Woken => each_batch(journal, |batch| {
            let taken = Taken::of(batch);
            rayon::join(|| taken.work(&people), || taken.work(&people));
        }),
        Way::Awake => beside_one_awake(journal, &people),
    };
    (time, black_box(people.sum()))
}

fn each_batch(journal: &Journal, mut work: impl FnMut(&Batch)) -> Duration {
    let mut time = Duration::ZERO;
    for batch in &journal.batches {
        let start = Instant::now();
        work(batch);
        let end = Instant::now();
        time += end - start;
        while end.elapsed() < BETWEEN {
            spin_loop();
        }
    }
    time
}

/// Moves everybody with the help of a thread that never sleeps.
fn beside_one_awake(journal: &Journal, people: &People) -> Duration {
    let all: Vec<_> = journal.batches.iter().map(Taken::of).collect();
    // How many batches were begun here, and ended there.
    let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wait_for = |count: &AtomicUsize, n| {
        while count.load(Ordering::Acquire) < n {
            spin_loop();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            for (n, taken) in (1..).zip(&all) {
                wait_for(&begun, n);
                taken.work(people);
                ended.store(n, Ordering::Release);
            }
        });
        let mut n = 0;
        each_batch(journal, |_| {
            n += 1;
            begun.store(n, Ordering::Release);
            all[n - 1].work(people);
            wait_for(&ended, n);
        })
    })
}

/// A batch whose pieces are taken one by one.
struct Taken<'j> {
    batch: &'j Batch,
    next: AtomicUsize,
}

impl<'j> Taken<'j> {
    fn of(batch: &'j Batch) -> Self {
        Self { batch, next: AtomicUsize::new(0) }
    }

    /// Moves people until nobody is left.
    fn work(&self, people: &People) {
        // Relaxed: it is the number alone that matters.
        let next = || self.batch.pieces.get(self.next.fetch_add(1, Ordering::Relaxed));
        while let Some(piece) = next() {
            people.take(piece, &self.batch.steps[piece.steps.clone()]);
        }
    }
}
