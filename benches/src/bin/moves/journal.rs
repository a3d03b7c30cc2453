//! Who moves when: the batches of sixty days of hourly ticks.
//!
//! A person is at home, on board or away, and susceptible, exposed, infectious or
//! recovered: twelve tables. In each tick some fall ill, become infectious or
//! recover, and some board, land, leave for home or come home, as many of each as
//! in the job on average. Who falls ill and who boards is random, the others are
//! those whose time has come.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

pub(crate) const PEOPLE: usize = 1_000_000;
const TICKS: usize = 1_440;
/// Those who fall ill in a tick: of 787,559 in 1,440 ticks.
const ILL: usize = 547;
/// Those who board at home in a tick: of 471,984.
const BOARDING: usize = 328;
/// Ticks for which people are exposed, infectious, on board and away.
const EXPOSED: usize = 24;
const INFECTIOUS: usize = 48;
const ON_BOARD: usize = 3;
const AWAY: usize = 72;
/// Moves that are one piece of work, as in the engine.
const PIECE: usize = 64;

/// A table: where its people are, and in what state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) place: usize,
    pub(crate) health: usize,
}

impl Kind {
    pub(crate) const COUNT: usize = 12;

    pub(crate) fn index(self) -> usize {
        self.place * 4 + self.health
    }

    /// All of them, by index.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(|n| Self { place: n / 4, health: n % 4 })
    }
}

/// People who change alike.
pub(crate) struct Batch {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) steps: Vec<Step>,
}

/// A few of them who come from one table, and go to one.
pub(crate) struct Piece {
    pub(crate) from: Kind,
    pub(crate) to: Kind,
    /// The row where the first goes.
    pub(crate) base: u32,
    pub(crate) steps: Range<usize>,
}

/// A row that moves, and the one that takes its place, which is the same if none
/// does.
pub(crate) struct Step {
    pub(crate) row: u32,
    pub(crate) filler: u32,
}

/// All batches in their order, and how many rows each table has at most.
pub(crate) struct Journal {
    pub(crate) batches: Vec<Batch>,
    pub(crate) most: [usize; Kind::COUNT],
    moves: usize,
}

impl Journal {
    pub(crate) fn new() -> Self {
        let (home, board, away) = (0, 1, 2);
        let (susceptible, exposed, infectious, recovered) = (0, 1, 2, 3);
        let mut all = Everybody::new();
        let mut random = Random(0x9E37_79B9);
        // Those whose time comes, by the tick in which it began.
        let mut waiting: [VecDeque<Vec<u32>>; 5] = Default::default();
        let [latent, ill, out, staying, back] = &mut waiting;
        for _ in 0..TICKS {
            let due = due(latent, EXPOSED);
            all.change(&due, |kind| Kind { health: infectious, ..kind });
            let over = self::due(ill, INFECTIOUS);
            ill.push_back(due);
            all.change(&over, |kind| Kind { health: recovered, ..kind });
            let landing = self::due(out, ON_BOARD);
            all.change(&landing, |kind| Kind { place: away, ..kind });
            let returning = self::due(staying, AWAY);
            staying.push_back(landing);
            let home_again = self::due(back, ON_BOARD);
            all.change(&home_again, |kind| Kind { place: home, ..kind });
            all.change(&returning, |kind| Kind { place: board, ..kind });
            back.push_back(returning);
            let boarding = all.draw(BOARDING, &mut random, |kind| kind.place == home);
            all.change(&boarding, |kind| Kind { place: board, ..kind });
            out.push_back(boarding);
            let infected = all.draw(ILL, &mut random, |kind| kind.health == susceptible);
            all.change(&infected, |kind| Kind { health: exposed, ..kind });
            latent.push_back(infected);
        }
        let moves = all.batches.iter().map(|batch| batch.steps.len()).sum();
        Self { batches: all.batches, most: all.most, moves }
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (moves, batches) = (self.moves, self.batches.len());
        write!(f, "{moves} moves among {PEOPLE} people in {batches} batches")
    }
}

/// Takes those who have waited for so many ticks.
fn due(waiting: &mut VecDeque<Vec<u32>>, ticks: usize) -> Vec<u32> {
    if waiting.len() < ticks { Vec::new() } else { waiting.pop_front().unwrap_or_default() }
}

/// Where everybody is, while the journal is written.
struct Everybody {
    /// By person: table and row.
    rows: Vec<(Kind, u32)>,
    /// By table: the persons.
    tables: [Vec<u32>; Kind::COUNT],
    most: [usize; Kind::COUNT],
    batches: Vec<Batch>,
}

impl Everybody {
    fn new() -> Self {
        let mut tables: [Vec<u32>; Kind::COUNT] = Default::default();
        tables[0] = (0..PEOPLE as u32).collect();
        let first = Kind { place: 0, health: 0 };
        let rows = tables[0].iter().map(|&person| (first, person)).collect();
        let mut most = [0; Kind::COUNT];
        most[0] = PEOPLE;
        Self { rows, tables, most, batches: Vec::new() }
    }

    /// Draws different people of some tables.
    fn draw(&self, count: usize, random: &mut Random, of: impl Fn(Kind) -> bool) -> Vec<u32> {
        let mut drawn = Vec::with_capacity(count);
        while drawn.len() < count {
            let person = random.below(PEOPLE as u32);
            if of(self.rows[person as usize].0) && !drawn.contains(&person) {
                drawn.push(person);
            }
        }
        drawn
    }

    /// Writes down how people change tables, and does it.
    fn change(&mut self, people: &[u32], to: impl Fn(Kind) -> Kind) {
        let mut places: Vec<_> = people.iter().map(|&person| self.rows[person as usize]).collect();
        places.sort_unstable();
        let mut batch = Batch { pieces: Vec::new(), steps: Vec::new() };
        for group in places.chunk_by(|a, b| a.0 == b.0) {
            self.move_group(group, to(group[0].0), &mut batch);
        }
        self.batches.push(batch);
    }

    fn move_group(&mut self, group: &[(Kind, u32)], to: Kind, batch: &mut Batch) {
        let from = group[0].0;
        let base = self.tables[to.index()].len() as u32;
        let len = self.tables[from.index()].len() as u32;
        let end = len - group.len() as u32;
        let mut leaving = group.iter().map(|&(_, row)| row).filter(|&row| row >= end).peekable();
        let mut fillers = (end..len).filter(|row| leaving.next_if_eq(row).is_none());
        let first = batch.steps.len();
        for (&(_, row), new_row) in group.iter().zip(base..) {
            let filler = if row < end { fillers.next() } else { None };
            batch.steps.push(Step { row, filler: filler.unwrap_or(row) });
            let person = self.tables[from.index()][row as usize];
            self.tables[to.index()].push(person);
            self.rows[person as usize] = (to, new_row);
        }
        for Step { row, filler } in &batch.steps[first..] {
            if row != filler {
                let person = self.tables[from.index()][*filler as usize];
                self.tables[from.index()][*row as usize] = person;
                self.rows[person as usize] = (from, *row);
            }
        }
        self.tables[from.index()].truncate(end as usize);
        self.most[to.index()] = self.most[to.index()].max(self.tables[to.index()].len());
        for (n, start) in (first..batch.steps.len()).step_by(PIECE).enumerate() {
            let steps = start..batch.steps.len().min(start + PIECE);
            batch.pieces.push(Piece { from, to, base: base + (n * PIECE) as u32, steps });
        }
    }
}

/// A generator of numbers (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((u128::from(self.0) * u128::from(bound)) >> 64) as u32
    }
}
