//! A capture beside what a replica holds.

use std::collections::BTreeMap;

use ahash::{AHashMap, AHashSet};
use ecs_core::{CodecError, ComponentId, EntityId, ErasedVec};

use super::page::{Column, Page};
use super::{Replica, place};
use crate::owned_chunk::OwnedChunk;
use crate::snapshot::capture::{Captured, CapturedColumn, RowCapture};
use crate::snapshot::row_changes::{RowChanges, is_same};

/// A row of a capture, and whose it is.
#[derive(Debug, Clone, Copy)]
struct Row {
    id: EntityId,
    /// Among all that was captured, the entities first.
    captured: u32,
    row: u32,
}

/// What is found to be different.
pub(super) struct Comparison<'a> {
    replica: &'a Replica,
    captured: Vec<&'a Captured>,
    born: BTreeMap<&'a [ComponentId], Vec<Row>>,
    died: Vec<EntityId>,
    updated: BTreeMap<ComponentId, Vec<Row>>,
    inserted: BTreeMap<ComponentId, Vec<Row>>,
    removed: BTreeMap<ComponentId, Vec<EntityId>>,
}

/// What becomes of an entity that had one set of components and has another, by the
/// places of components in the other.
struct Transition {
    lost: Vec<ComponentId>,
    gained: Vec<usize>,
    kept: Vec<usize>,
}

impl Transition {
    fn between(had: &[ComponentId], has: &[ComponentId]) -> Self {
        let lost = had.iter().filter(|id| has.binary_search(id).is_err()).copied().collect();
        let (kept, gained) = (0..has.len()).partition(|&at| had.binary_search(&has[at]).is_ok());
        Self { lost, gained, kept }
    }
}

impl<'a> Comparison<'a> {
    /// Compares all that was captured.
    pub(super) fn new(replica: &'a Replica, capture: &'a RowCapture) -> Self {
        let mut this = Self {
            replica,
            captured: capture.entities.iter().chain(&capture.written).collect(),
            born: BTreeMap::new(),
            died: Vec::new(),
            updated: BTreeMap::new(),
            inserted: BTreeMap::new(),
            removed: BTreeMap::new(),
        };
        let home = replica.allocator.shard;
        for id in &capture.ended {
            let (page, row) = place(home, *id);
            let ended = replica.pages.get(&page).and_then(|page| page.row(row));
            this.died.extend(ended.map(|(id, _)| id));
        }
        for (n, rows) in (0..).zip(&capture.entities) {
            this.compare_entities(n, rows, capture.is_whole);
        }
        for (n, rows) in (capture.entities.len() as u32..).zip(&capture.written) {
            this.compare_written(n, rows);
        }
        if capture.is_whole {
            this.find_missing(capture);
        }
        this
    }

    /// Compares entities of which all is known.
    fn compare_entities(&mut self, captured: u32, rows: &'a Captured, is_whole: bool) {
        let set = self.replica.sets.number(&rows.components);
        let mut transitions: AHashMap<u32, Transition> = AHashMap::new();
        for_each_run(self.replica, rows, |page, run| {
            let columns = page.map_or(Vec::new(), |page| columns(page, &rows.components));
            for (row, id, there) in run {
                let new = Row { id, captured, row };
                let known = page.and_then(|page| page.row(there));
                match known {
                    Some((known, had)) if known == id => {
                        if set == Some(had) {
                            self.compare(rows, new, there, &columns, 0..columns.len());
                            continue;
                        }
                        let change = transitions.entry(had).or_insert_with(|| {
                            let had = &self.replica.sets.all[had as usize];
                            Transition::between(had, &rows.components)
                        });
                        for lost in &change.lost {
                            self.removed.entry(*lost).or_default().push(id);
                        }
                        for &gained in &change.gained {
                            let gained = rows.components[gained];
                            self.inserted.entry(gained).or_default().push(new);
                        }
                        self.compare(rows, new, there, &columns, change.kept.iter().copied());
                    }
                    known => {
                        // Of a capture of everything it is found out at the end who died:
                        // the store may be of another shard, where ids that had one place
                        // live side by side.
                        let known = known.filter(|_| !is_whole);
                        self.died.extend(known.map(|(known, _)| known));
                        self.born.entry(&rows.components).or_default().push(new);
                    }
                }
            }
        });
    }

    /// Compares values of a component, of those that have had it before. The others are
    /// among the entities.
    fn compare_written(&mut self, captured: u32, rows: &'a Captured) {
        let has = |set: &[ComponentId]| set.binary_search(&rows.components[0]).is_ok();
        let sets: Vec<bool> = self.replica.sets.all.iter().map(|set| has(set)).collect();
        for_each_run(self.replica, rows, |page, run| {
            let Some(page) = page else { return };
            let columns = columns(page, &rows.components);
            for (row, id, there) in run {
                let known =
                    page.row(there).filter(|(known, had)| *known == id && sets[*had as usize]);
                if known.is_some() {
                    self.compare(rows, Row { id, captured, row }, there, &columns, 0..1);
                }
            }
        });
    }

    /// Compares values of an entity with those that are `there`, in some columns.
    #[inline]
    fn compare(
        &mut self,
        rows: &Captured,
        new: Row,
        there: usize,
        columns: &[Option<&Column>],
        at: impl Iterator<Item = usize>,
    ) {
        for at in at {
            let known = columns[at].expect("whoever has a component has a value of it");
            if !is_same(known.get(there), rows.columns[at].get(new.row as usize)) {
                self.updated.entry(rows.components[at]).or_default().push(new);
            }
        }
    }

    /// Finds out who was there and is not in a capture of everything.
    fn find_missing(&mut self, capture: &RowCapture) {
        let there: AHashSet<EntityId> =
            capture.entities.iter().flat_map(|rows| rows.ids.iter().copied()).collect();
        let known = self.replica.pages.values().flat_map(Page::entities);
        self.died.extend(known.filter(|id| !there.contains(id)));
    }

    /// Copies the values.
    pub(super) fn finish(mut self) -> Result<RowChanges, CodecError> {
        let captured = &self.captured;
        let chunk = |components: &[ComponentId], mut rows: Vec<Row>| {
            rows.sort_unstable_by_key(|row| row.id);
            // Who is among the entities, and in a page that was written.
            rows.dedup_by_key(|row| row.id);
            chunk(captured, components, &rows)
        };
        let born = self.born.into_iter().map(|(components, rows)| chunk(components, rows));
        let born = born.collect::<Result<_, _>>()?;
        let of_one = |all: BTreeMap<ComponentId, Vec<Row>>| {
            let all = all.into_iter().map(|(component, rows)| chunk(&[component], rows));
            all.collect::<Result<Vec<_>, CodecError>>()
        };
        let (updated, inserted) = (of_one(self.updated)?, of_one(self.inserted)?);
        let removed = self.removed.into_iter().map(|(component, mut ids)| {
            ids.sort_unstable();
            (component, ids)
        });
        let removed = removed.collect();
        self.died.sort_unstable();
        Ok(RowChanges { born, died: self.died, updated, inserted, removed })
    }
}

/// Calls `each` with rows that follow each other in a page of the replica, which may not
/// be there: their row of the capture, id, and row of the page.
fn for_each_run<'a>(
    replica: &'a Replica,
    rows: &Captured,
    mut each: impl FnMut(Option<&'a Page>, &mut dyn Iterator<Item = (u32, EntityId, usize)>),
) {
    let (home, mut start) = (replica.allocator.shard, 0);
    for run in rows.ids.chunk_by(|a, b| place(home, *a).0 == place(home, *b).0) {
        let page = replica.pages.get(&place(home, run[0]).0);
        let mut rows = (start..).zip(run).map(|(row, id)| (row, *id, place(home, *id).1));
        each(page, &mut rows);
        start += run.len() as u32;
    }
}

/// Returns the columns of some components in a page.
fn columns<'a>(page: &'a Page, components: &[ComponentId]) -> Vec<Option<&'a Column>> {
    components.iter().map(|component| page.column(*component)).collect()
}

/// Copies rows of some components that all of them have.
fn chunk(
    captured: &[&Captured],
    components: &[ComponentId],
    rows: &[Row],
) -> Result<OwnedChunk, CodecError> {
    let columns = components.iter().map(|component| {
        // Found when they are asked for: there may be many, and few be asked for.
        let mut columns: Vec<Option<&CapturedColumn>> = vec![None; captured.len()];
        let mut bytes = Vec::new();
        for row in rows {
            let captured = captured[row.captured as usize];
            let column = columns[row.captured as usize].get_or_insert_with(|| {
                let at = captured.components.binary_search(component);
                &captured.columns[at.expect("it was captured with the component")]
            });
            bytes.extend_from_slice(column.get(row.row as usize));
        }
        decode(*component, &bytes, rows.len())
    });
    let columns = columns.collect::<Result<_, _>>()?;
    let ids = rows.iter().map(|row| row.id).collect();
    Ok(OwnedChunk::with_unchecked_ids(ids, columns).expect("each column has a value for each row"))
}

fn decode(component: ComponentId, bytes: &[u8], rows: usize) -> Result<ErasedVec, CodecError> {
    let info = component.info();
    if info.is_pod() && info.stride() != 0 {
        let mut values = ErasedVec::new(info);
        values.extend_from_bytes(bytes);
        return Ok(values);
    }
    ErasedVec::decode(info, &mut &bytes[..], rows)
}
