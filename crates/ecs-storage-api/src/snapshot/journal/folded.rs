//! Many entries as one.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use ahash::AHashMap;
use ecs_core::{AllocatorState, CodecError, ComponentId, EntityId, ErasedVec};

use super::{JournalEntry, damaged};
use crate::owned_chunk::OwnedChunk;
use crate::snapshot::SnapshotError;

/// Entries that follow each other, made one: what is different between the state before
/// the first and the one after the last, each value once.
///
/// The lists are what is to be done to the state before, in this order. Ids of each are
/// in ascending order.
#[derive(Debug)]
pub struct Folded {
    /// The tick after the last entry.
    pub tick: u64,
    /// What the world has beside its store, after the last entry.
    pub head: Vec<u8>,
    /// Which ids come next, after the last entry.
    pub allocator: AllocatorState,
    /// Entities that end, with all that they have.
    pub died: Vec<EntityId>,
    /// Entities that come. One that ended and is here again, since the world went back to
    /// an earlier state, is in both lists.
    pub born: Vec<EntityId>,
    /// Components that entities lose.
    pub removed: Vec<(ComponentId, Vec<EntityId>)>,
    /// New values of components that entities have: a chunk of one column for each.
    pub updated: Vec<OwnedChunk>,
    /// Values of components that entities do not have, those of who comes among them: a
    /// chunk of one column for each.
    pub inserted: Vec<OwnedChunk>,
}

/// What becomes of an entity that came or ended.
#[derive(Debug, Clone, Copy)]
struct Fate {
    /// Whether the state before has it.
    was_there: bool,
    is_there: bool,
    /// The entry at which it last ended; 0 if it never did. What earlier ones say of it goes
    /// with it.
    ended: u32,
}

/// The chunk and row that hold a value; `None` if there is none any more.
type Place = Option<(u32, u32)>;

/// What becomes of a component of an entity.
#[derive(Debug, Clone, Copy)]
struct Change {
    /// Whether the entity has it in the state before.
    was_there: bool,
    /// The last entry that names it.
    entry: u32,
    value: Place,
}

/// Entries as they are gone through.
#[derive(Default)]
struct Folding {
    /// The number of the one that is gone through.
    entry: u32,
    entities: AHashMap<EntityId, Fate>,
    values: BTreeMap<ComponentId, AHashMap<EntityId, Change>>,
    /// Of all entries.
    chunks: Vec<OwnedChunk>,
}

impl Folded {
    /// Makes one of entries in their order; `allocator` is the one before the first.
    ///
    /// # Errors
    /// [`SnapshotError`] if there is none, if one can't be read or says two things of a
    /// component of an entity, or if they do not follow each other as far as that shows.
    ///
    /// # Complexity
    /// O(values of all entries), and the memory of those.
    pub fn of(
        entries: impl IntoIterator<Item = Result<JournalEntry, SnapshotError>>,
        mut allocator: AllocatorState,
    ) -> Result<Self, SnapshotError> {
        let mut folding = Folding::default();
        let mut last = None;
        for entry in entries {
            let JournalEntry { tick, changes, head, allocator: given, .. } = entry?;
            allocator = given.apply(&allocator)?;
            last = Some((tick, head));
            folding.entry += 1;
            for entity in changes.died {
                folding.end(entity)?;
            }
            for chunk in changes.born {
                chunk.ids().iter().try_for_each(|entity| folding.begin(*entity))?;
                folding.take(chunk, false)?;
            }
            for chunk in changes.inserted {
                folding.take(chunk, false)?;
            }
            for chunk in changes.updated {
                folding.take(chunk, true)?;
            }
            for (component, entities) in changes.removed {
                let values = folding.values.entry(component).or_default();
                for entity in entities {
                    let fate = folding.entities.get(&entity).copied();
                    change(values, fate, (component, entity), folding.entry, true, None)?;
                }
            }
        }
        let (tick, head) = last.ok_or_else(|| damaged("a journal without entries"))?;
        folding.finish(tick, head, allocator)
    }

    /// Returns how many rows are touched in a place that has a row for each entity, and
    /// in each component a row for each value.
    pub fn len(&self) -> usize {
        let chunks = self.updated.iter().chain(&self.inserted).map(OwnedChunk::len);
        let removed = self.removed.iter().map(|(_, ids)| ids.len());
        self.died.len() + self.born.len() + chunks.chain(removed).sum::<usize>()
    }

    /// Tells whether no row is touched.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Notes what an entry says of a component of an entity: that it has it already, or not,
/// and which value it has afterwards.
///
/// # Errors
/// [`SnapshotError::Damaged`] if the entry has said something of it before, or if an
/// earlier one left it, or the entity, otherwise.
fn change(
    values: &mut AHashMap<EntityId, Change>,
    fate: Option<Fate>,
    (component, entity): (ComponentId, EntityId),
    entry: u32,
    is_there: bool,
    value: Place,
) -> Result<(), SnapshotError> {
    let new = Change { was_there: is_there, entry, value };
    let contradicts = |contradiction| {
        Err(damaged(format!("`{}` of {entity} {contradiction}", component.info().name())))
    };
    if fate.is_some_and(|fate| !fate.is_there) {
        return contradicts("changes, and its entity has ended");
    }
    let begun = |fate: Fate| !fate.was_there || fate.ended != 0;
    let known = match values.entry(entity) {
        Entry::Vacant(_) if is_there && fate.is_some_and(begun) => {
            return contradicts("changes or ends, and its entity came without it");
        }
        Entry::Vacant(vacant) => {
            vacant.insert(new);
            return Ok(());
        }
        Entry::Occupied(mut known) => {
            // What was said before its end does not count.
            if fate.is_some_and(|fate| known.get().entry < fate.ended) {
                if is_there {
                    return contradicts("changes or ends, and its entity came without it");
                }
                known.insert(new);
                return Ok(());
            }
            known.into_mut()
        }
    };
    let contradiction = match is_there {
        _ if known.entry == entry => "is named twice by an entry",
        true if known.value.is_none() => "changes or ends, and is not there",
        false if known.value.is_some() => "comes, and is there already",
        _ => {
            *known = Change { was_there: known.was_there, ..new };
            return Ok(());
        }
    };
    contradicts(contradiction)
}

impl Folding {
    fn begin(&mut self, entity: EntityId) -> Result<(), SnapshotError> {
        let fate = Fate { was_there: false, is_there: false, ended: 0 };
        let fate = self.entities.entry(entity).or_insert(fate);
        match std::mem::replace(&mut fate.is_there, true) {
            false => Ok(()),
            true => Err(damaged(format!("{entity} comes twice"))),
        }
    }

    fn end(&mut self, entity: EntityId) -> Result<(), SnapshotError> {
        let fate = Fate { was_there: true, is_there: true, ended: 0 };
        let fate = self.entities.entry(entity).or_insert(fate);
        fate.ended = self.entry;
        match std::mem::replace(&mut fate.is_there, false) {
            true => Ok(()),
            false => Err(damaged(format!("{entity} ends twice"))),
        }
    }

    /// Takes the values of a chunk, of components that entities had before or not.
    fn take(&mut self, chunk: OwnedChunk, is_there: bool) -> Result<(), SnapshotError> {
        let number = self.chunks.len() as u32;
        for component in chunk.components().iter() {
            let values = self.values.entry(component).or_default();
            if values.is_empty() {
                values.reserve(chunk.len());
            }
            for (row, entity) in (0..).zip(chunk.ids()) {
                let value = Some((number, row));
                let fate = self.entities.get(entity).copied();
                change(values, fate, (component, *entity), self.entry, is_there, value)?;
            }
        }
        self.chunks.push(chunk);
        Ok(())
    }

    fn finish(
        self,
        tick: u64,
        head: Vec<u8>,
        allocator: AllocatorState,
    ) -> Result<Folded, SnapshotError> {
        let Self { entities, values, chunks, .. } = self;
        let those = |fits: fn(&Fate) -> bool| {
            let those = entities.iter().filter(|(_, fate)| fits(fate)).map(|(entity, _)| *entity);
            let mut those: Vec<_> = those.collect();
            those.sort_unstable();
            those
        };
        let (died, born) = (those(|fate| fate.was_there), those(|fate| fate.is_there));
        let (mut updated, mut inserted, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        for (component, changes) in values {
            let (mut known, mut new, mut gone) = (Vec::new(), Vec::new(), Vec::new());
            for (entity, change) in changes {
                if entities.get(&entity).is_some_and(|fate| change.entry < fate.ended) {
                    continue;
                }
                match (change.was_there, change.value) {
                    (true, Some(value)) => known.push((entity, value)),
                    (false, Some(value)) => new.push((entity, value)),
                    (true, None) => gone.push(entity),
                    (false, None) => {}
                }
            }
            updated.extend(gather(component, known, &chunks)?);
            inserted.extend(gather(component, new, &chunks)?);
            if !gone.is_empty() {
                gone.sort_unstable();
                removed.push((component, gone));
            }
        }
        Ok(Folded { tick, head, allocator, died, born, removed, updated, inserted })
    }
}

/// Copies values out of chunks; nothing if there are none.
fn gather(
    component: ComponentId,
    mut rows: Vec<(EntityId, (u32, u32))>,
    chunks: &[OwnedChunk],
) -> Result<Option<OwnedChunk>, CodecError> {
    if rows.is_empty() {
        return Ok(None);
    }
    rows.sort_unstable_by_key(|(entity, _)| *entity);
    let mut bytes = Vec::new();
    for run in rows.chunk_by(|(_, (one, _)), (_, (other, _))| one == other) {
        let column = chunks[run[0].1.0 as usize].column(component);
        let column = column.expect("the chunk was noted for its component");
        for (_, (_, row)) in run {
            let value = column.range(*row as usize, 1).expect("the row was noted");
            value.encode(&mut bytes)?;
        }
    }
    let values = ErasedVec::decode(component.info(), &mut &bytes[..], rows.len())?;
    let ids = rows.into_iter().map(|(entity, _)| entity).collect();
    Ok(Some(OwnedChunk::with_unchecked_ids(ids, vec![values]).expect("a value for each entity")))
}
