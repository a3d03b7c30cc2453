//! What entries say of the values of a component.

use ecs_core::{CodecError, ComponentId, EntityId, ErasedVec};

use super::lives::{Life, LivesInOrder};
use crate::owned_chunk::OwnedChunk;
use crate::snapshot::SnapshotError;
use crate::snapshot::journal::damaged;
use crate::snapshot::value::append_value;

/// What entries say of a component, list by list.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    lists: Vec<List>,
    all: Vec<Mention>,
}

/// A list of entities to which an entry does the same.
#[derive(Debug, Clone, Copy)]
struct List {
    entry: u32,
    /// Whether they have the component before.
    is_there: bool,
    /// The chunk with the values that they get; `None` if they lose it.
    chunk: Option<u32>,
}

/// An entity of a list.
#[derive(Debug, Clone, Copy)]
struct Mention {
    entity: EntityId,
    list: u32,
    row: u32,
}

/// What becomes of a component, entity by entity.
#[derive(Debug)]
pub(super) struct Settled {
    component: ComponentId,
    lists: Vec<List>,
    updated: Vec<Mention>,
    inserted: Vec<Mention>,
    pub(super) removed: Vec<EntityId>,
}

/// What becomes of a component of an entity.
#[derive(Debug, Clone, Copy)]
struct Change {
    /// Whether the entity has it in the state before.
    was_there: bool,
    /// The last that was said of it.
    last: Mention,
}

impl Mentions {
    /// Adds a list of an entry, which comes after those that were added before.
    pub(super) fn add(
        &mut self,
        entities: &[EntityId],
        entry: u32,
        is_there: bool,
        chunk: Option<u32>,
    ) {
        let list = self.lists.len() as u32;
        self.lists.push(List { entry, is_there, chunk });
        let mentions = (0..).zip(entities).map(|(row, &entity)| Mention { entity, list, row });
        self.all.extend(mentions);
    }

    /// Finds out what becomes of the component.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] if an entry says two things of an entity, or if an
    /// earlier one left it otherwise.
    pub(super) fn settle(
        self,
        component: ComponentId,
        lives: &LivesInOrder,
    ) -> Result<Settled, SnapshotError> {
        let Self { lists, mut all } = self;
        all.sort_by_key(|mention| mention.entity);
        let mut life_of = lives.finder();
        let (mut updated, mut inserted, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        for mentions in all.chunk_by(|one, next| one.entity == next.entity) {
            let entity = mentions[0].entity;
            let change = outcome(&lists, mentions, life_of(entity)).map_err(|contradiction| {
                damaged(format!("`{}` of {entity} {contradiction}", component.info().name()))
            })?;
            let Some(Change { was_there, last }) = change else { continue };
            match (was_there, lists[last.list as usize].chunk) {
                (true, Some(_)) => updated.push(last),
                (false, Some(_)) => inserted.push(last),
                (true, None) => removed.push(entity),
                (false, None) => {}
            }
        }
        Ok(Settled { component, lists, updated, inserted, removed })
    }
}

/// Returns what becomes of the component by all that is said of it and an entity; `None` if
/// the entity has ended since.
///
/// # Errors
/// What can't be.
fn outcome(
    lists: &[List],
    mentions: &[Mention],
    mut life: Life<'_>,
) -> Result<Option<Change>, &'static str> {
    let mut known: Option<Change> = None;
    for mention in mentions {
        let list = lists[mention.list as usize];
        life.go_to(list.entry);
        if life.is_over() {
            return Err("changes, and its entity has ended");
        }
        let entry = |change: &Change| lists[change.last.list as usize].entry;
        // What was said before its end does not count.
        let before = known.filter(|change| !life.ended_after(entry(change)));
        if let Some(before) = before {
            let was_left = lists[before.last.list as usize].chunk.is_some();
            match (list.is_there, was_left) {
                _ if entry(&before) == list.entry => return Err("is named twice by an entry"),
                (true, false) => return Err("changes or ends, and is not there"),
                (false, true) => return Err("comes, and is there already"),
                _ => {}
            }
        } else if list.is_there && life.has_begun() {
            return Err("changes or ends, and its entity came without it");
        }
        let was_there = before.map_or(list.is_there, |before| before.was_there);
        known = Some(Change { was_there, last: *mention });
    }
    life.go_to(u32::MAX);
    let entry = |change: &Change| lists[change.last.list as usize].entry;
    Ok(known.filter(|change| !life.ended_after(entry(change))))
}

impl Settled {
    /// Returns the new values of entities that have the component before.
    pub(super) fn updated(&self, chunks: &[OwnedChunk]) -> Result<Option<OwnedChunk>, CodecError> {
        self.gather(&self.updated, chunks)
    }

    /// Returns the values of entities that do not have the component before.
    pub(super) fn inserted(&self, chunks: &[OwnedChunk]) -> Result<Option<OwnedChunk>, CodecError> {
        self.gather(&self.inserted, chunks)
    }

    /// Copies values out of chunks; nothing if there are none.
    fn gather(
        &self,
        rows: &[Mention],
        chunks: &[OwnedChunk],
    ) -> Result<Option<OwnedChunk>, CodecError> {
        if rows.is_empty() {
            return Ok(None);
        }
        let column = |list: &List| chunks[list.chunk? as usize].column(self.component);
        let columns: Vec<_> = self.lists.iter().map(column).collect();
        let info = self.component.info();
        let mut bytes = Vec::new();
        for &Mention { list, row, .. } in rows {
            let (row, column) = (row as usize, columns[list as usize]);
            let column = column.expect("the chunk was noted for its component");
            match column.as_bytes() {
                Some(known) => {
                    append_value(&known[row * info.stride()..][..info.stride()], &mut bytes)
                }
                None => column.range(row, 1).expect("the row was noted").encode(&mut bytes)?,
            }
        }
        let values = ErasedVec::decode(info, &mut &bytes[..], rows.len())?;
        let ids = rows.iter().map(|mention| mention.entity).collect();
        let chunk = OwnedChunk::with_unchecked_ids(ids, vec![values]);
        Ok(Some(chunk.expect("a value for each entity")))
    }
}
