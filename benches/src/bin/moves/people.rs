//! The people: tables of columns, and where each person is said to be.

use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};

use crate::journal::{Journal, Kind, PEOPLE, Piece, Step};

/// A number that several threads may write, as plain memory: an order is asked for
/// by nobody.
trait Shared {
    /// Takes over what another one holds.
    fn copy(&self, other: &Self);
}

macro_rules! shared {
    ($($atomic:ty)*) => {$(
        // impl Shared for AtomicU64 { … }
        impl Shared for $atomic {
            #[inline]
            fn copy(&self, other: &Self) {
                self.store(other.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
    )*};
}
shared!(AtomicU16 AtomicU32 AtomicU64);

/// A table of people. Columns that it does not have are empty.
struct Table {
    ids: Vec<AtomicU64>,
    homes: Vec<AtomicU32>,
    places: Vec<AtomicU16>,
    /// What belongs to being there: a clock, a flight or a visit.
    whereabouts: Vec<AtomicU64>,
    /// Of the susceptible.
    thresholds: Vec<AtomicU64>,
    /// Of the exposed and the infectious.
    until: Vec<AtomicU32>,
}

impl Table {
    fn new(kind: Kind, rows: usize) -> Self {
        fn column<T: Default>(rows: usize) -> Vec<T> {
            (0..rows).map(|_| T::default()).collect()
        }
        let rows_if = |has: bool| if has { rows } else { 0 };
        Self {
            ids: column(rows),
            homes: column(rows),
            places: column(rows),
            whereabouts: column(rows),
            thresholds: column(rows_if(kind.health == 0)),
            until: column(rows_if(kind.health == 1 || kind.health == 2)),
        }
    }
}

/// The tables, and where each person is.
pub(crate) struct People {
    tables: Vec<Table>,
    rows: Vec<AtomicU64>,
}

impl People {
    /// Everybody is at home and susceptible.
    pub(crate) fn new(journal: &Journal) -> Self {
        let tables: Vec<_> =
            Kind::all().map(|kind| Table::new(kind, journal.most[kind.index()])).collect();
        (0..).zip(&tables[0].ids).for_each(|(n, id)| id.store(n, Ordering::Relaxed));
        Self { tables, rows: (0..PEOPLE as u64).map(AtomicU64::new).collect() }
    }

    /// Takes steps of a batch.
    pub(crate) fn take(&self, piece: &Piece, steps: &[Step]) {
        let Piece { from, to, base, .. } = *piece;
        let (source, target) = (&self.tables[from.index()], &self.tables[to.index()]);
        let base = base as usize;
        take_column(&source.homes, &target.homes, base, steps);
        take_column(&source.places, &target.places, base, steps);
        if from.place == to.place {
            take_column(&source.whereabouts, &target.whereabouts, base, steps);
        } else {
            replace_column(&source.whereabouts, &target.whereabouts, base, steps);
        }
        if from.health == to.health {
            take_column(&source.thresholds, &target.thresholds, base, steps);
            take_column(&source.until, &target.until, base, steps);
        } else {
            replace_column(&source.thresholds, &[], base, steps);
            replace_column(&source.until, &target.until, base, steps);
        }
        take_column(&source.ids, &target.ids, base, steps);
        let place = |kind: Kind, row: usize| (kind.index() as u64) << 32 | row as u64;
        for (new_row, step) in (base..).zip(steps) {
            let id = target.ids[new_row].load(Ordering::Relaxed) as usize;
            self.rows[id].store(place(to, new_row), Ordering::Relaxed);
            if step.filler != step.row {
                let row = step.row as usize;
                let id = source.ids[row].load(Ordering::Relaxed) as usize;
                self.rows[id].store(place(from, row), Ordering::Relaxed);
            }
        }
    }

    /// Returns a number that is another one if somebody is elsewhere.
    pub(crate) fn sum(&self) -> u64 {
        let places = (1u64..).zip(&self.rows);
        places.fold(0, |sum, (n, place)| {
            sum.wrapping_add(place.load(Ordering::Relaxed).wrapping_mul(n << 1 | 1))
        })
    }
}

/// Moves the values of a column that both tables have, or none.
fn take_column<T: Shared>(source: &[T], target: &[T], base: usize, steps: &[Step]) {
    if source.is_empty() {
        return;
    }
    for (new_row, step) in (base..).zip(steps) {
        let (row, filler) = (step.row as usize, step.filler as usize);
        target[new_row].copy(&source[row]);
        if filler != row {
            source[row].copy(&source[filler]);
        }
    }
}

/// Closes the gaps of a column of the source, if it has it, and writes new values to
/// that of the target, if it has it.
fn replace_column<T: Shared + Default>(source: &[T], target: &[T], base: usize, steps: &[Step]) {
    let new = T::default();
    for step in steps {
        let (row, filler) = (step.row as usize, step.filler as usize);
        if !source.is_empty() && filler != row {
            source[row].copy(&source[filler]);
        }
    }
    if let Some(target) = target.get(base..) {
        target.iter().zip(steps).for_each(|(target, _)| target.copy(&new));
    }
}
