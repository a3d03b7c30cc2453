//! Journals as bytes: what is read is written again as it is, and entries folded into one
//! do what they did one after the other.

use std::collections::{BTreeMap, BTreeSet};

use ecs_core::{ComponentId, EntityId, ErasedVec};
use ecs_storage_api::snapshot::sections::{SectionReader, SectionWriter, Tag};
use ecs_storage_api::snapshot::{Folded, JournalEntry, RowChanges, StorageCut};
use ecs_storage_api::{OwnedChunk, SnapshotError, Storage};

use super::container::{container, sections};
use super::restore::meet_components;
use super::states::{base, changes, cut};
use crate::differential::Make;

/// The section with which an entry begins.
const ENTRY: Tag = *b"jrnl";

/// What is said of an allocator that does not follow the one before.
const OF_IDS: &str = "keeps more ids";

/// Rows of the longest table where journals begin.
const ROWS: i32 = 12;

/// The state where journals begin. It is the same in every process, so seeds fit it.
#[derive(Debug)]
pub struct JournalBase {
    cut: StorageCut,
    state: State,
}

impl JournalBase {
    /// Makes the state; worth keeping, since each input needs it.
    ///
    /// # Panics
    /// If the store is none.
    pub fn new<S: Storage>(make: Make<'_, S>) -> Self {
        let (cut, nothing) = (cut(&base(make, ROWS)), cut(&make()));
        let all = cut.rows_since(&nothing).expect("the kit's components can be decoded");
        let mut state = State::default();
        state.apply(&Lists::of(&all)).expect("all of it is new");
        Self { cut, state }
    }
}

/// Reads bytes as entries that follow each other, as many as sections begin one: with
/// their checksums put right, and as one entry as they are.
///
/// # Panics
/// If what was read is written as something else, or if entries that fit the state where
/// they begin do something else when they are folded.
pub fn journal(bytes: &[u8], base: &JournalBase) {
    meet_components();
    let _ = JournalEntry::decode(bytes).map(|entry| write_again(&entry.changes));
    let sections = sections(bytes);
    let entries: Vec<_> = sections.chunk_by(|_, (tag, _)| *tag != ENTRY).map(container).collect();
    let read = || entries.iter().map(|bytes| JournalEntry::decode(bytes));
    let Ok(read_once) = read().collect::<Result<Vec<_>, _>>() else { return };
    if read_once.is_empty() {
        return;
    }
    let mut one_by_one = base.state.clone();
    read_once.iter().for_each(|entry| write_again(&entry.changes));
    let agree = read_once.iter().all(|entry| Lists::of(&entry.changes).agree());
    let fits = agree
        && read_once.iter().all(|entry| one_by_one.apply(&Lists::of(&entry.changes)).is_some());
    let folded = match Folded::of(read(), base.cut.allocator().clone()) {
        Ok(folded) => folded,
        // Of ids it may say that the allocator before had fewer.
        Err(error) if !fits || error.to_string().contains(OF_IDS) => return,
        Err(error) => panic!("entries that fit are refused: {error}"),
    };
    assert!(agree, "an entry that names a component of an entity twice is folded");
    assert_eq!(folded.tick, read_once.last().expect("nothing can't be folded").tick);
    for chunk in folded.updated.iter().chain(&folded.inserted) {
        assert!(chunk.components().len() == 1, "a chunk of one column");
    }
    let ascending = |ids: &[EntityId]| assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    Lists::folded(&folded).ids().for_each(ascending);
    if fits {
        let mut at_once = base.state.clone();
        at_once.apply(&Lists::folded(&folded)).expect("what is folded fits where it begins");
        assert_eq!(at_once, one_by_one, "entries folded do something else");
    }
}

/// Writes changes, reads them, and writes them again.
fn write_again(changes: &RowChanges) {
    let write = |changes: &RowChanges| {
        let mut writer = SectionWriter::new(Vec::new()).expect("a vector can be written to");
        changes.write(&mut writer).map(|()| writer.finish().expect("a vector can be written to"))
    };
    let written = write(changes).expect("what was read can be written");
    let read = SectionReader::new(&written).and_then(|mut all| RowChanges::read(&mut all));
    let again = write(&read.expect("what was written is read")).expect("and written");
    assert!(again == written, "read once more it is something else");
}

/// Who lives, and what each has, encoded.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct State(BTreeMap<EntityId, BTreeMap<ComponentId, Vec<u8>>>);

/// Changes, wherever they come from, in the order in which they are to be done.
struct Lists<'a> {
    died: &'a [EntityId],
    /// Without values, beside those of `born`.
    came: &'a [EntityId],
    born: &'a [OwnedChunk],
    removed: &'a [(ComponentId, Vec<EntityId>)],
    updated: &'a [OwnedChunk],
    inserted: &'a [OwnedChunk],
}

impl<'a> Lists<'a> {
    fn of(changes: &'a RowChanges) -> Self {
        let RowChanges { born, died, updated, inserted, removed } = changes;
        Self { died, came: &[], born, removed, updated, inserted }
    }

    fn folded(folded: &'a Folded) -> Self {
        let Folded { died, born, removed, updated, inserted, .. } = folded;
        Self { died, came: born, born: &[], removed, updated, inserted }
    }

    /// Returns the ids of each list.
    fn ids(&self) -> impl Iterator<Item = &'a [EntityId]> {
        let chunks = [self.born, self.updated, self.inserted].into_iter().flatten();
        let removed = self.removed.iter().map(|(_, ids)| &ids[..]);
        [self.died, self.came].into_iter().chain(chunks.map(OwnedChunk::ids)).chain(removed)
    }

    /// Tells whether each component of an entity is in one list alone, as in whatever is
    /// found by comparing two states: then it does not matter in which order they are done.
    fn agree(&self) -> bool {
        let mut seen = BTreeSet::new();
        let mut is_new =
            |ids: &[EntityId], component| ids.iter().all(|id| seen.insert((*id, component)));
        let mut chunks = [self.born, self.updated, self.inserted].into_iter().flatten();
        chunks.all(|chunk| chunk.components().iter().all(|it| is_new(chunk.ids(), it)))
            && self.removed.iter().all(|(component, ids)| is_new(ids, *component))
    }
}

impl State {
    /// Does what the lists say; nothing if they don't fit.
    fn apply(&mut self, lists: &Lists<'_>) -> Option<()> {
        for entity in lists.died {
            self.0.remove(entity)?;
        }
        for entity in lists.came.iter().chain(lists.born.iter().flat_map(OwnedChunk::ids)) {
            let before = self.0.insert(*entity, BTreeMap::new());
            before.is_none().then_some(())?;
        }
        for (component, entities) in lists.removed {
            for entity in entities {
                self.0.get_mut(entity)?.remove(component)?;
            }
        }
        self.put(lists.born, false)?;
        self.put(lists.updated, true)?;
        self.put(lists.inserted, false)
    }

    /// Gives entities the values of chunks, in place of others or not.
    fn put(&mut self, chunks: &[OwnedChunk], in_place: bool) -> Option<()> {
        for chunk in chunks {
            for (row, entity) in chunk.ids().iter().enumerate() {
                let values = self.0.get_mut(entity)?;
                for column in chunk.columns() {
                    let before = values.insert(column.id(), encoded(column, row));
                    (before.is_some() == in_place).then_some(())?;
                }
            }
        }
        Some(())
    }
}

fn encoded(column: &ErasedVec, row: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let value = column.as_slice().range(row, 1).expect("the chunk has the row");
    value.encode(&mut bytes).expect("the kit's components can be encoded");
    bytes
}

/// Writes journals to begin with, of one entry and of several.
///
/// # Panics
/// If the store is none.
pub fn journal_seeds<S: Storage>(make: Make<'_, S>) -> Vec<(&'static str, Vec<u8>)> {
    let mut storage = base(make, ROWS);
    let mut before = cut(&storage);
    let (mut seeds, mut all) = (Vec::new(), Vec::new());
    for (number, (name, change)) in (1..).zip(changes()) {
        let mut alone = base(make, ROWS);
        let first = cut(&alone);
        change(&mut alone);
        let entry = entry(number, &first, &cut(&alone)).expect("it can be encoded");
        seeds.push((name, entry));
        change(&mut storage);
        let after = cut(&storage);
        all.push(self::entry(number, &before, &after).expect("it can be encoded"));
        before = after;
    }
    let sections: Vec<_> = all.iter().flat_map(|bytes| sections(bytes)).collect();
    seeds.push(("all", container(&sections)));
    seeds
}

fn entry(number: u64, before: &StorageCut, after: &StorageCut) -> Result<Vec<u8>, SnapshotError> {
    let changes = after.rows_since(before)?;
    let allocator = [before.allocator(), after.allocator()];
    JournalEntry::encode(number, number, &changes, allocator, b"head")
}
