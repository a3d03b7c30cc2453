//! The ids of a chunk: one by one, or as runs where they follow each other.
//!
//! Entities that were made together have ids that follow each other, and a run
//! of those is its first id and a count. Since a count takes no more bytes when
//! it is a lie, runs are only for chunks whose plain columns take as much memory
//! as ids do: then the bytes that must follow bound what a reader makes. Where
//! columns may be packed, they take twice as much, and there are no others.

use std::sync::atomic::{AtomicUsize, Ordering};

use ecs_core::{ComponentInfo, EntityId};

use crate::workers::{self, Workers};

/// What an id takes in memory, and by itself in the bytes.
pub(super) const SIZE: usize = size_of::<u64>();
/// What a run takes in the bytes: its first id and a count.
pub(super) const RUN_SIZE: usize = SIZE + size_of::<u32>();
/// How many ids are looked at in one go.
const PIECE: usize = 1 << 14;
/// Ids are written as runs when those are so long, on average.
const LONG: usize = 8;

/// What the columns of a chunk take for each row, as a snapshot tells before them.
#[derive(Debug)]
pub(super) struct RowSize {
    /// Bytes of plain columns.
    plain: usize,
    /// Whether there are others.
    encoded: bool,
}

impl RowSize {
    /// Adds columns up: the bytes from one value to the next, if they are plain.
    pub(super) fn of(strides: impl Iterator<Item = Option<usize>>) -> Self {
        strides.fold(Self { plain: 0, encoded: false }, |sum, stride| Self {
            plain: sum.plain.saturating_add(stride.unwrap_or(0)),
            encoded: sum.encoded || stride.is_none(),
        })
    }

    pub(super) fn of_infos<'a>(infos: impl Iterator<Item = &'a &'static ComponentInfo>) -> Self {
        Self::of(infos.map(|info| info.is_pod().then(|| info.stride())))
    }

    /// Returns the bytes of plain columns.
    pub(super) fn plain(&self) -> usize {
        self.plain
    }

    /// Tells whether the ids may be runs, where columns may be packed or not.
    pub(super) fn allows_runs(&self, packed: bool) -> bool {
        match packed {
            false => self.plain >= SIZE,
            true => self.plain >= 2 * SIZE && !self.encoded,
        }
    }
}

/// The ids of a chunk, as they are written.
pub(super) struct Ids<'a> {
    slices: Vec<&'a [EntityId]>,
    rows: usize,
    /// First id and length; none if the ids are written one by one.
    runs: Vec<(EntityId, u32)>,
    /// Whether they are also where columns may be packed.
    runs_if_packed: bool,
}

impl<'a> Ids<'a> {
    /// Chooses the form for ids that lie in slices.
    pub(super) fn new(
        slices: Vec<&'a [EntityId]>,
        row_size: &RowSize,
        workers: &dyn Workers,
    ) -> Self {
        let rows = slices.iter().map(|ids| ids.len()).sum();
        let runs = match row_size.allows_runs(false) {
            true => long_runs(&slices, rows, workers),
            false => Vec::new(),
        };
        Self { slices, rows, runs, runs_if_packed: row_size.allows_runs(true) }
    }

    /// Returns the slices in which they lie.
    pub(super) fn slices(&self) -> &[&'a [EntityId]] {
        &self.slices
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the runs, where columns may be packed or not; none if the ids are
    /// written one by one.
    pub(super) fn runs(&self, packed: bool) -> &[(EntityId, u32)] {
        if packed && !self.runs_if_packed { &[] } else { &self.runs }
    }

    /// Returns how many bytes are written.
    pub(super) fn size(&self, packed: bool) -> usize {
        match self.runs(packed) {
            [] => self.rows * SIZE,
            runs => runs.len() * RUN_SIZE,
        }
    }

    pub(super) fn write(&self, packed: bool, out: &mut Vec<u8>) {
        out.reserve(self.size(packed));
        for (first, count) in self.runs(packed) {
            out.extend_from_slice(&first.to_bits().to_le_bytes());
            out.extend_from_slice(&count.to_le_bytes());
        }
        if self.runs(packed).is_empty() {
            for id in self.slices.iter().copied().flatten() {
                out.extend_from_slice(&id.to_bits().to_le_bytes());
            }
        }
    }
}

/// Finds runs of ids, whatever slices they lie in; none if they are too many.
fn long_runs(slices: &[&[EntityId]], rows: usize, workers: &dyn Workers) -> Vec<(EntityId, u32)> {
    let pieces: Vec<_> = slices.iter().flat_map(|ids| ids.chunks(PIECE)).collect();
    let are_too_many = |runs: usize| runs * LONG > rows;
    let (count, known) = (pieces.len(), AtomicUsize::new(0));
    let of_pieces = workers::map(workers, rows * SIZE, pieces, |ids| {
        // Relaxed: whoever sees too few only works in vain. A piece may go on with the
        // run of the one before.
        if are_too_many(known.load(Ordering::Relaxed).saturating_sub(count)) {
            return Vec::new();
        }
        let runs: Vec<_> = EntityId::runs(ids).collect();
        known.fetch_add(runs.len(), Ordering::Relaxed);
        runs
    });
    if are_too_many(known.into_inner().saturating_sub(count)) {
        return Vec::new();
    }
    let mut runs: Vec<(EntityId, u32)> = Vec::new();
    for (first, count) in of_pieces.into_iter().flatten() {
        match runs.last_mut() {
            Some((before, length)) if before.to_bits() + u64::from(*length) == first.to_bits() => {
                *length += count;
            }
            _ => runs.push((first, count)),
        }
    }
    if are_too_many(runs.len()) { Vec::new() } else { runs }
}

/// Reads ids that were written one by one, and adds their runs to `runs`.
///
/// # Errors
/// What is wrong with them.
pub(super) fn read(bytes: &[u8], runs: &mut Vec<(EntityId, u32)>) -> Result<Vec<EntityId>, String> {
    let (all, _) = bytes.as_chunks::<SIZE>();
    let mut ids = Vec::with_capacity(all.len());
    for id in all {
        ids.push(read_one(*id)?);
    }
    runs.extend(EntityId::runs(&ids));
    Ok(ids)
}

/// Reads ids that were written as runs, and adds those to `runs`. The caller has
/// seen to it that there may be `rows` ids.
///
/// # Errors
/// What is wrong with them.
pub(super) fn read_runs(
    bytes: &[u8],
    rows: usize,
    runs: &mut Vec<(EntityId, u32)>,
) -> Result<Vec<EntityId>, String> {
    let mut ids = Vec::with_capacity(rows);
    for run in bytes.as_chunks::<RUN_SIZE>().0 {
        let (first, count) = run.split_first_chunk().expect("a run begins with an id");
        let first = read_one(*first)?;
        let count = u32::from_le_bytes(count.try_into().expect("a run ends with a count"));
        if rows - ids.len() < count as usize {
            return Err(format!("runs of more than {rows} ids"));
        }
        ids.extend(first.run(count).ok_or_else(|| format!("a run of {count} ids from {first}"))?);
        runs.push((first, count));
    }
    if ids.len() < rows {
        return Err(format!("runs of {} ids for {rows} rows", ids.len()));
    }
    Ok(ids)
}

fn read_one(bytes: [u8; SIZE]) -> Result<EntityId, String> {
    EntityId::from_bits(u64::from_le_bytes(bytes)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::Alone;

    /// Calls from three threads.
    struct Three;

    impl Workers for Three {
        fn work(&self, _most: usize, work: &(dyn Fn() + Sync)) {
            std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(work))));
        }
    }

    #[test]
    fn runs_are_those_of_all_ids_wherever_these_are_cut() {
        let rows = 20 * PIECE + 5;
        for length in [1, 7, 9, 1000, PIECE, PIECE + 1, rows] {
            // Behind each run an index is left out.
            let id = |n: usize| EntityId::new(0, (1 + n + n / length) as u32, 0).unwrap();
            let ids: Vec<_> = (0..rows).map(id).collect();
            let mut expected: Vec<_> = EntityId::runs(&ids).collect();
            if expected.len() * LONG > rows {
                expected.clear();
            }
            assert_eq!(expected.is_empty(), length < LONG);
            let slices: [&[&[EntityId]]; 2] =
                [&[&ids], &[&ids[..3], &[], &ids[3..2 * PIECE], &ids[2 * PIECE..]]];
            for slices in slices {
                for workers in [&Alone as &dyn Workers, &Three] {
                    assert!(long_runs(slices, rows, workers) == expected, "{length}");
                }
            }
        }
    }
}
