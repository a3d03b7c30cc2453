//! When the rows of a store came and changed, as a snapshot keeps it.
//!
//! A snapshot knows no versions, only *ages*: how many versions before the moment
//! of saving something happened, and one more; 0 stands for what never did. So a
//! store can take them in at whatever version it is: everything keeps its
//! distance from the present and from what else was saved.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use ecs_core::{ComponentId, EntityId};

use crate::changes::{Changes, PAGE_ROWS, RemovalLog, Version};
use crate::owned_chunk::OwnedChunk;

/// How many versions ago something happened, and one more; 0 for never.
pub(crate) type Age = u64;

/// How long a history may be that is read: stores add it to their own version, which
/// must not overflow, however often they do.
pub(super) const MOST_VERSIONS: u64 = 1 << 48;

/// Tells the age of what happened at a version in a store that is at `present`
/// and whose history begins after `origin`.
pub(super) fn age(version: u64, present: Version, origin: Version) -> Age {
    if version <= origin.get() { 0 } else { (present.get() + 1).saturating_sub(version) }
}

/// As [`age`], of rows with a version a page.
pub(super) fn of_pages(
    pages: &[AtomicU64],
    rows: usize,
    present: Version,
    origin: Version,
) -> RowAges {
    let mut ages = RowAges::default();
    for (page, start) in pages.iter().zip((0..rows).step_by(PAGE_ROWS)) {
        // Relaxed: who wrote has ended, or the store could not be read.
        let version = page.load(Ordering::Relaxed);
        ages.push(PAGE_ROWS.min(rows - start), age(version, present, origin));
    }
    ages
}

/// Ages of rows, run by run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowAges(Vec<(u32, Age)>);

impl RowAges {
    /// The bytes of a run.
    const RUN: usize = 12;

    /// Returns lengths and ages of the runs.
    pub(super) fn runs(&self) -> impl Iterator<Item = (usize, Age)> + '_ {
        self.0.iter().map(|&(rows, age)| (rows as usize, age))
    }

    /// Returns the ages of some rows.
    pub(super) fn range(&self, range: Range<usize>) -> Self {
        let (mut ages, mut start) = (Self::default(), 0);
        for (rows, age) in self.runs() {
            let (first, end) = (range.start.max(start), range.end.min(start + rows));
            ages.push(end.saturating_sub(first), age);
            start += rows;
        }
        ages
    }

    /// Returns the ages so many versions later.
    pub(super) fn older(&self, elapsed: i64) -> Self {
        let older = |age: Age| match age {
            0 => 0,
            age => age.saturating_add_signed(elapsed).max(1),
        };
        Self(self.0.iter().map(|&(rows, age)| (rows, older(age))).collect())
    }

    /// Adds rows behind the others.
    pub(crate) fn push(&mut self, rows: usize, age: Age) {
        let rows = u32::try_from(rows).expect("a table has fewer rows");
        match self.0.last_mut() {
            Some((before, last)) if *last == age && before.checked_add(rows).is_some() => {
                *before += rows;
            }
            _ if rows == 0 => {}
            _ => self.0.push((rows, age)),
        }
    }

    /// Adds rows behind the others; those of which nothing is known never changed.
    pub(super) fn extend(&mut self, other: &Self, rows: usize) {
        other.0.iter().for_each(|&(rows, age)| self.push(rows as usize, age));
        self.push(rows - other.rows(), 0);
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.0.len() as u32).to_le_bytes());
        for (rows, age) in &self.0 {
            out.extend_from_slice(&rows.to_le_bytes());
            out.extend_from_slice(&age.to_le_bytes());
        }
    }

    pub(super) fn read(bytes: &mut &[u8], rows: usize, span: u64) -> Result<Self, String> {
        let count = u32::from_le_bytes(take(bytes)?) as usize;
        if count > bytes.len() / Self::RUN {
            return Err(format!("{count} ages, which end early"));
        }
        let (mut runs, mut left) = (Vec::with_capacity(count), rows);
        for _ in 0..count {
            let (rows, age) = (u32::from_le_bytes(take(bytes)?), Age::from_le_bytes(take(bytes)?));
            left = left.checked_sub(rows as usize).ok_or("ages of more rows than there are")?;
            if age > span {
                return Err(format!("an age of {age} where there were {span} versions"));
            }
            runs.push((rows, age));
        }
        match left {
            0 => Ok(Self(runs)),
            left => Err(format!("no ages of {left} rows")),
        }
    }

    fn size(&self) -> usize {
        size_of::<u32>() + Self::RUN * self.0.len()
    }

    /// Returns how many rows there are.
    fn rows(&self) -> usize {
        self.0.iter().map(|(rows, _)| *rows as usize).sum()
    }

    /// Returns the rows of each run and the version at which it happened, in a
    /// store that is at `present`; of rows that never changed nothing.
    pub fn at(&self, present: Version) -> impl Iterator<Item = (Range<usize>, Version)> + '_ {
        let mut start = 0;
        let runs = self.0.iter().map(move |&(rows, age)| {
            start += rows as usize;
            (start - rows as usize..start, age)
        });
        runs.filter(|(_, age)| *age != 0)
            .map(move |(rows, age)| (rows, Version::new((present.get() + 1).saturating_sub(age))))
    }
}

/// When the values of a column changed, and came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnAges {
    /// When they were last lent for writing.
    pub pages: RowAges,
    /// Beside each row, if the store knew them: how many versions ago the value
    /// changed, and how many ago it came, modulo 2^32.
    pub ticks: Option<[Vec<u32>; 2]>,
}

impl ColumnAges {
    /// Returns what a store tells of a column.
    pub(super) fn of(
        changes: Option<Changes<'_>>,
        rows: usize,
        present: Version,
        origin: Version,
    ) -> Self {
        let Some(Changes { pages, ticks }) = changes else { return Self::default() };
        // Of no rows nothing is known, whoever tells of them.
        let ticks = ticks.filter(|_| rows != 0);
        let tick = present.tick();
        let ages = |ticks: &[u32]| ticks.iter().map(|at| tick.wrapping_sub(*at)).collect();
        Self {
            pages: of_pages(pages, rows, present, origin),
            ticks: ticks.map(|(changed, added)| [ages(changed), ages(added)]),
        }
    }

    /// Returns the ages of some rows.
    pub(super) fn range(&self, rows: Range<usize>) -> Self {
        let ticks = self.ticks.as_ref();
        let ticks = ticks.map(|ticks| ticks.each_ref().map(|ages| ages[rows.clone()].to_vec()));
        Self { pages: self.pages.range(rows), ticks }
    }

    /// Returns the ages so many versions later.
    pub(super) fn older(&self, elapsed: i64) -> Self {
        let older = |ages: &Vec<u32>| {
            ages.iter().map(|age| age.wrapping_add(elapsed as u32)).collect::<Vec<_>>()
        };
        let ticks = self.ticks.as_ref().map(|ticks| ticks.each_ref().map(older));
        Self { pages: self.pages.older(elapsed), ticks }
    }

    /// Adds rows behind the others.
    pub(super) fn extend(&mut self, other: &Self, rows: usize) {
        let before = self.pages.rows();
        self.pages.extend(&other.pages, rows);
        match (&mut self.ticks, &other.ticks) {
            (Some(all), Some(more)) => {
                all.iter_mut().zip(more).for_each(|(all, more)| all.extend_from_slice(more));
            }
            (all @ None, Some(more)) if before == 0 => *all = Some(more.clone()),
            // Of some rows nothing is known.
            (all, _) if rows != 0 => *all = None,
            _ => {}
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.ticks.is_some().into());
        self.pages.write(out);
        for ages in self.ticks.iter().flatten() {
            ages.iter().for_each(|age| out.extend_from_slice(&age.to_le_bytes()));
        }
    }

    pub(super) fn read(bytes: &mut &[u8], rows: usize, span: u64) -> Result<Self, String> {
        let known = take::<1>(bytes)?;
        let pages = RowAges::read(bytes, rows, span)?;
        let ticks = match known {
            [0] => None,
            [1] => Some([ticks(bytes, rows)?, ticks(bytes, rows)?]),
            [other] => return Err(format!("{other} for whether there are ticks")),
        };
        Ok(Self { pages, ticks })
    }

    fn size(&self) -> usize {
        let ticks = self.ticks.iter().flatten().map(|ages| size_of_val(&ages[..]));
        1 + self.pages.size() + ticks.sum::<usize>()
    }

    /// Returns the ticks of the rows in a store that is at `present`: when each
    /// changed, and when it came.
    pub fn ticks_at(&self, present: Version) -> Option<[impl Iterator<Item = u32> + '_; 2]> {
        let [changed, added] = self.ticks.as_ref()?;
        Some([changed, added].map(|ages| {
            let present = present.tick();
            ages.iter().map(move |age| present.wrapping_sub(*age))
        }))
    }
}

/// When rows of a chunk came and changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChunkAges {
    /// When they came or were moved.
    pub moves: RowAges,
    /// Of each column, in the order of the chunk's.
    pub columns: Vec<ColumnAges>,
}

impl ChunkAges {
    /// Returns those of a chunk without rows.
    pub(super) fn empty(columns: usize) -> Self {
        Self { moves: RowAges::default(), columns: vec![ColumnAges::default(); columns] }
    }

    /// Adds rows behind the others, of as many columns.
    pub(super) fn extend(&mut self, other: &Self, rows: usize) {
        self.moves.extend(&other.moves, rows);
        let columns = self.columns.iter_mut().zip(&other.columns);
        columns.for_each(|(column, other)| column.extend(other, rows));
    }

    /// Writes them: of moves, and then of each column.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.moves.write(out);
        self.columns.iter().for_each(|column| column.write(out));
    }

    /// Reads those of a chunk with so many rows and columns, of a store that had so
    /// many versions.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn read(
        bytes: &mut &[u8],
        rows: usize,
        columns: usize,
        span: u64,
    ) -> Result<Self, String> {
        let moves = RowAges::read(bytes, rows, span)?;
        let columns = (0..columns).map(|_| ColumnAges::read(bytes, rows, span));
        Ok(Self { moves, columns: columns.collect::<Result<_, _>>()? })
    }

    /// Returns how many bytes are written.
    pub(super) fn size(&self) -> usize {
        self.moves.size() + self.columns.iter().map(ColumnAges::size).sum::<usize>()
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], String> {
    let (taken, rest) = bytes.split_first_chunk().ok_or("ages that end early")?;
    *bytes = rest;
    Ok(*taken)
}

fn ticks(bytes: &mut &[u8], rows: usize) -> Result<Vec<u32>, String> {
    let taken = rows.checked_mul(size_of::<u32>()).and_then(|size| bytes.split_at_checked(size));
    let (taken, rest) = taken.ok_or("ticks that end early")?;
    *bytes = rest;
    Ok(taken.as_chunks().0.iter().map(|age| u32::from_le_bytes(*age)).collect())
}

/// What an image knows of the history of its store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageHistory {
    /// How many versions there were; no age is over that.
    pub(crate) span: u64,
    /// Of each chunk, in order.
    pub(crate) chunks: Vec<ChunkAges>,
    /// Which entities lost a tracked component, and how long ago; the oldest first.
    pub(crate) removed: Vec<(ComponentId, Vec<(Age, EntityId)>)>,
}

impl ImageHistory {
    /// Returns the ages of each chunk, in order.
    pub fn chunks(&self) -> &[ChunkAges] {
        &self.chunks
    }

    /// Returns what is known of the persistent columns of these chunks, whose
    /// history it is.
    pub(crate) fn of_persistent(&self, chunks: &[OwnedChunk]) -> Self {
        let of_chunk = |(ages, chunk): (&ChunkAges, &OwnedChunk)| {
            let columns = ages.columns.iter().zip(chunk.columns());
            let columns = columns.filter(|(_, column)| !column.info().is_transient());
            let columns = columns.map(|(ages, _)| ages.clone()).collect();
            ChunkAges { moves: ages.moves.clone(), columns }
        };
        let chunks = self.chunks.iter().zip(chunks).map(of_chunk).collect();
        Self { span: self.span, chunks, removed: self.removed.clone() }
    }

    /// Notes the removals in the log of a store that is at `present`.
    pub fn note_removed(&self, log: &mut RemovalLog, present: Version) {
        note_removed(&self.removed, log, present);
    }
}

/// Notes removals in the log of a store that is at `present`.
pub(super) fn note_removed(
    removed: &[(ComponentId, Vec<(Age, EntityId)>)],
    log: &mut RemovalLog,
    present: Version,
) {
    for (component, removed) in removed {
        for (age, entity) in removed {
            let version = Version::new((present.get() + 1).saturating_sub(*age));
            log.note(*component, [*entity], version);
        }
    }
}
