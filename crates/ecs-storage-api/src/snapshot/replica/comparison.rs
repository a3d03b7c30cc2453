//! A capture beside what a replica holds.

use std::collections::BTreeMap;

use ahash::{AHashMap, AHashSet};
use ecs_core::{CodecError, ComponentId, EntityId, ErasedVec};

use super::Replica;
use super::net::Net;
use crate::bits::Bits;
use crate::owned_chunk::OwnedChunk;
use crate::snapshot::capture::{Captured, CapturedColumn, RowCapture};
use crate::snapshot::row_changes::RowChanges;

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
    /// All entities, by their turns.
    entities: Vec<Row>,
    born: BTreeMap<&'a [ComponentId], Vec<Row>>,
    died: Vec<EntityId>,
    /// Of entities; the turns.
    updated: BTreeMap<ComponentId, Bits>,
    inserted: BTreeMap<ComponentId, Bits>,
    removed: BTreeMap<ComponentId, Bits>,
    /// Of pages that were written.
    written: BTreeMap<ComponentId, Vec<Row>>,
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

/// Puts rows in the order of their turns.
fn by_turns(captured: &[Captured]) -> Vec<Row> {
    let Some(first) = captured.iter().find_map(|rows| rows.ids.first()) else { return Vec::new() };
    // Whose turn does not come has ended, and is never asked for.
    let turns = captured.iter().flat_map(|rows| &rows.turns).max().map_or(0, |last| last + 1);
    let mut entities = vec![Row { id: *first, captured: 0, row: 0 }; turns as usize];
    for (captured, rows) in (0..).zip(captured) {
        for (row, (&id, &turn)) in (0..).zip(rows.ids.iter().zip(&rows.turns)) {
            entities[turn as usize] = Row { id, captured, row };
        }
    }
    entities
}

impl<'a> Comparison<'a> {
    /// Compares all that was captured.
    /// The net effect of batches is looked at elsewhere.
    pub(super) fn new(replica: &'a Replica, capture: &'a RowCapture, net: &Net<'_>) -> Self {
        let mut this = Self {
            replica,
            captured: capture.entities.iter().chain(&capture.written).collect(),
            entities: by_turns(&capture.entities),
            born: BTreeMap::new(),
            died: Vec::new(),
            updated: BTreeMap::new(),
            inserted: BTreeMap::new(),
            removed: BTreeMap::new(),
            written: BTreeMap::new(),
        };
        this.died.extend(capture.ended.iter().filter_map(|id| replica.places.occupant(*id)));
        for (n, rows) in (0..).zip(&capture.entities) {
            this.compare_entities(n, rows, capture.is_whole);
        }
        for (n, rows) in (capture.entities.len() as u32..).zip(&capture.written) {
            this.compare_written(n, rows, net);
        }
        if capture.is_whole {
            this.find_missing(capture);
        }
        this
    }

    /// Compares entities of which all is known.
    fn compare_entities(&mut self, captured: u32, rows: &'a Captured, is_whole: bool) {
        let replica = self.replica;
        let mut transitions: AHashMap<u32, Transition> = AHashMap::new();
        // By the set that entities had: their row of the capture, and of the page.
        let mut stayed: Vec<(u32, Vec<(u32, u32)>)> = Vec::new();
        let mut born = Vec::new();
        let turns = self.entities.len();
        let bits = || Bits::new(turns);
        replica.places.for_each_run(&rows.ids, |page, run, in_page| {
            for (row, &there) in run.zip(in_page) {
                let (id, row) = (rows.ids[row], row as u32);
                match page.and_then(|page| page.row(there as usize)) {
                    Some((known, had)) if known == id => {
                        let group = match stayed.iter().position(|(set, _)| *set == had) {
                            Some(group) => group,
                            None => {
                                stayed.push((had, Vec::new()));
                                stayed.len() - 1
                            }
                        };
                        stayed[group].1.push((row, there));
                    }
                    known => {
                        // Of a capture of everything it is found out at the end who died:
                        // the store may be of another shard, where ids that had one place
                        // live side by side.
                        let known = known.filter(|_| !is_whole);
                        self.died.extend(known.map(|(known, _)| known));
                        born.push(Row { id, captured, row });
                    }
                }
            }
            let Some(page) = page else { return };
            for (had, group) in stayed.iter_mut().filter(|(_, group)| !group.is_empty()) {
                let change = transitions.entry(*had).or_insert_with(|| {
                    let had = &replica.sets.all[*had as usize];
                    Transition::between(had, &rows.components)
                });
                let turn = |row: u32| rows.turns[row as usize] as usize;
                for &lost in &change.lost {
                    let removed = self.removed.entry(lost).or_insert_with(bits);
                    group.iter().for_each(|(row, _)| removed.set(turn(*row)));
                }
                for &at in &change.gained {
                    let inserted = self.inserted.entry(rows.components[at]).or_insert_with(bits);
                    group.iter().for_each(|(row, _)| inserted.set(turn(*row)));
                }
                for &at in &change.kept {
                    let component = rows.components[at];
                    let updated = self.updated.entry(component).or_insert_with(bits);
                    page.compare(component, &rows.columns[at], group, |row| updated.set(turn(row)));
                }
                group.clear();
            }
        });
        if !born.is_empty() {
            self.born.entry(&rows.components).or_default().append(&mut born);
        }
    }

    /// Compares values of a component, of those that have had it before. The others are
    /// among the entities.
    fn compare_written(&mut self, captured: u32, rows: &'a Captured, net: &Net<'_>) {
        let replica = self.replica;
        let component = rows.components[0];
        let is_told = net.tells_of(component);
        let has = |set: &[ComponentId]| set.binary_search(&component).is_ok();
        let sets: Vec<bool> = replica.sets.all.iter().map(|set| has(set)).collect();
        let written = self.written.entry(component).or_default();
        let mut had = Vec::new();
        replica.places.for_each_run(&rows.ids, |page, run, in_page| {
            let Some(page) = page else { return };
            had.extend(run.zip(in_page).filter_map(|(row, &there)| {
                let (known, had) = page.row(there as usize)?;
                let has_value = known == rows.ids[row] && sets[had as usize] && !is_told(known);
                has_value.then_some((row as u32, there))
            }));
            if !had.is_empty() {
                page.compare(component, &rows.columns[0], &had, |row| {
                    written.push(Row { id: rows.ids[row as usize], captured, row });
                });
                had.clear();
            }
        });
    }

    /// Finds out who was there and is not in a capture of everything.
    fn find_missing(&mut self, capture: &RowCapture) {
        let there: AHashSet<EntityId> =
            capture.entities.iter().flat_map(|rows| rows.ids.iter().copied()).collect();
        self.died.extend(self.replica.places.entities().filter(|id| !there.contains(id)));
    }

    /// Copies the values.
    pub(super) fn finish(mut self) -> Result<RowChanges, CodecError> {
        let captured = &self.captured;
        let chunk = |components: &[ComponentId], mut rows: Vec<Row>| {
            // Ascending but for generations, which a stable sort makes use of.
            rows.sort_by_key(|row| row.id);
            // Who is among the entities, and in a page that was written.
            rows.dedup_by_key(|row| row.id);
            chunk(captured, components, &rows)
        };
        let rows = |turns: &Bits| -> Vec<Row> {
            turns.numbers().map(|turn| self.entities[turn as usize]).collect()
        };
        let born = self.born.into_iter().map(|(components, rows)| chunk(components, rows));
        let born = born.collect::<Result<_, _>>()?;
        let mut updated = self.written;
        for (component, turns) in &self.updated {
            updated.entry(*component).or_default().extend(rows(turns));
        }
        let updated = updated.into_iter().filter(|(_, rows)| !rows.is_empty());
        let updated = updated.map(|(component, rows)| chunk(&[component], rows));
        let updated = updated.collect::<Result<_, _>>()?;
        let inserted = self.inserted.iter();
        let inserted = inserted.map(|(component, turns)| chunk(&[*component], rows(turns)));
        let inserted = inserted.collect::<Result<_, _>>()?;
        let removed = self.removed.iter().map(|(component, turns)| {
            let mut ids: Vec<_> = rows(turns).iter().map(|row| row.id).collect();
            ids.sort();
            (*component, ids)
        });
        let removed = removed.collect();
        self.died.sort_unstable();
        Ok(RowChanges { born, died: self.died, updated, inserted, removed })
    }
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
            column.copy_to(row.row as usize, &mut bytes);
        }
        ErasedVec::decode(component.info(), &mut &bytes[..], rows.len())
    });
    let columns = columns.collect::<Result<_, _>>()?;
    let ids = rows.iter().map(|row| row.id).collect();
    Ok(OwnedChunk::with_unchecked_ids(ids, columns).expect("each column has a value for each row"))
}
