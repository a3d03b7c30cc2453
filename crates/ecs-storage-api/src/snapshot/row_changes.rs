//! What is different between two cuts, row by row, for those that keep rows: a
//! database that takes each tick in, or a client that is told of it.
//!
//! Each table is compared with the one of the cut before that it is paired with. A
//! row whose entity is the same in both has *stayed*: its values are compared where
//! they are, in those pages that the cuts do not share. All other rows, those that
//! *left* their place in the cut before and those that *came* to one in the later, are
//! sorted by entity and matched. Nothing else needs to be looked at: an entity
//! occurs once in a cut, so that one which stayed neither left nor came. If it left
//! and did not come, it can't be elsewhere in the later cut, since there it would
//! have stayed and thus not left: it died. In the same way one that only came was
//! born. So it does not matter which tables are paired, as long as their components
//! are the same and each has one partner; it matters for the cost alone.

mod bits;
mod bytes;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::AHashMap;
use ecs_core::{CodecError, ComponentId, EntityId};

use self::bits::Bits;
use self::values::Values;
use super::cut::{CutTable, Earlier, IdPage, Paged, StorageCut};
use super::value::is_same;
use crate::changes::PAGE_ROWS;
use crate::owned_chunk::OwnedChunk;

/// What is different between two states, row by row, in columns.
///
/// A world that follows another by them takes entities in under the ids that they have, and
/// so has to be of another shard: ids of its own it gives itself.
///
/// Of each list the ids are in ascending order, and it follows from the two states
/// alone, however they lie in tables.
#[derive(Debug, Default)]
pub struct RowChanges {
    /// Entities that came, with all their persistent components: a chunk for each
    /// set of components.
    pub born: Vec<OwnedChunk>,
    /// Entities that ended.
    pub died: Vec<EntityId>,
    /// New values of components that entities had before: a chunk of one column for
    /// each component.
    pub updated: Vec<OwnedChunk>,
    /// Values of components that entities gained, which lived before without them: a
    /// chunk of one column for each component.
    pub inserted: Vec<OwnedChunk>,
    /// Components that entities lost, though they live on.
    pub removed: Vec<(ComponentId, Vec<EntityId>)>,
}

impl RowChanges {
    /// Tells whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many rows are touched in a place that has a row for each entity,
    /// and in each component a row for each value: those of `born` and `died`, and a
    /// row for each value that was updated, inserted or removed.
    pub fn len(&self) -> usize {
        let chunks = [&self.born, &self.updated, &self.inserted].into_iter().flatten();
        let removed = self.removed.iter().map(|(_, ids)| ids.len());
        self.died.len() + chunks.map(OwnedChunk::len).sum::<usize>() + removed.sum::<usize>()
    }
}

impl StorageCut {
    /// Finds out which rows are different from those of an earlier cut, or of any
    /// other. A value is, if its encoded bytes are; where rows lie, and when they were
    /// written, does not count.
    ///
    /// # Errors
    /// [`CodecError`] if a value can't be decoded, which in the cut of a store does not
    /// happen. A cut that comes from a [delta](super::StorageDelta) and names an entity
    /// twice is no error, and what is returned of that entity is anything.
    ///
    /// # Complexity
    /// For cuts that share pages, O(tables + groups of pages), and the rows of pages
    /// that they do not share; O(n log n) for n rows that came or left, and O(bytes) of
    /// what is returned. Pages of components that are not plain bytes are decoded, if
    /// they differ. Else O(rows).
    ///
    /// # Example
    /// ```
    /// # use ecs_core::{DynamicComponent, EntityAllocator, ErasedVec};
    /// use ecs_storage_api::snapshot::StorageCut;
    /// use ecs_storage_api::{OwnedChunk, StorageImage};
    ///
    /// # let level = DynamicComponent::new("docs::rows_since::Level", 1, 1).register()?;
    /// # let mut allocator = EntityAllocator::new(0);
    /// # let ids = allocator.allocate_many(3);
    /// # let image = |levels: &[u8]| -> Result<_, Box<dyn std::error::Error>> {
    /// #     let levels = ErasedVec::decode(level.info(), &mut &levels[..], 3)?;
    /// #     let chunk = OwnedChunk::new(ids.clone(), vec![levels])?;
    /// #     Ok(StorageImage::new(allocator.state(), vec![chunk])?)
    /// # };
    /// let before = StorageCut::of_image(&image(&[1, 2, 3])?)?;
    /// let after = StorageCut::of_image(&image(&[1, 9, 3])?)?;
    /// let changes = after.rows_since(&before)?;
    /// assert_eq!(changes.len(), 1);
    /// assert_eq!(changes.updated[0].ids(), &ids[1..2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rows_since(&self, before: &Self) -> Result<RowChanges, CodecError> {
        let mut found = Comparison::of(before, self);
        let mut earlier = Earlier::of(&before.tables);
        let mut unpaired: Vec<_> = before.tables.iter().map(Some).collect();
        let (mut left, mut came) = (Vec::new(), Vec::new());
        for (to, table) in self.tables.iter().enumerate() {
            let from = earlier.next_place(&table.components);
            let partner = from.and_then(|from| unpaired[from].take());
            let Some((from, partner)) = from.zip(partner) else {
                add_rows(to, &table.ids, 0, &mut came);
                continue;
            };
            if !Arc::ptr_eq(partner, table) {
                let stayed = compare_places((from, partner), (to, table), &mut left, &mut came);
                found.compare_stayed(from, to, &stayed)?;
            }
        }
        for (from, table) in unpaired.into_iter().enumerate() {
            table.into_iter().for_each(|table| add_rows(from, &table.ids, 0, &mut left));
        }
        found.compare_moved(left, came)?;
        found.finish()
    }
}

/// A row of a cut, and whose it is.
#[derive(Debug, Clone, Copy)]
struct Row {
    id: EntityId,
    table: u32,
    row: u32,
}

impl Row {
    fn new(id: EntityId, table: usize, row: usize) -> Self {
        let number = |n| u32::try_from(n).expect("a table has no more rows than there are indices");
        Self { id, table: number(table), row: number(row) }
    }
}

/// Adds the rows of a table from a page on.
fn add_rows(table: usize, ids: &Paged<IdPage>, first: usize, rows: &mut Vec<Row>) {
    for (n, page) in ids.iter().enumerate().skip(first) {
        let start = n * PAGE_ROWS;
        rows.extend(page.ids.iter().zip(start..).map(|(id, row)| Row::new(*id, table, row)));
    }
}

/// Adds the rows that left their place in a table, and those that came to one in that
/// which it is paired with. Returns which rows stayed, of each page of that where it is
/// not all of them.
fn compare_places(
    (from, before): (usize, &CutTable),
    (to, after): (usize, &CutTable),
    left: &mut Vec<Row>,
    came: &mut Vec<Row>,
) -> Vec<Option<Bits>> {
    let mut stayed = vec![None; after.ids.len()];
    for (n, page, known) in after.ids.beside(Some(&before.ids)) {
        if known.is_some_and(|known| Arc::ptr_eq(&known.ids, &page.ids)) {
            continue;
        }
        let known = known.map_or(&[][..], |known| &known.ids[..]);
        let equal = Bits::of_equal(&page.ids, known);
        for (ids, table, rows) in [(&page.ids[..], to, &mut *came), (known, from, &mut *left)] {
            for row in Bits::first(ids.len()).without(&equal).rows() {
                rows.push(Row::new(ids[row], table, n * PAGE_ROWS + row));
            }
        }
        stayed[n] = Some(equal);
    }
    add_rows(from, &before.ids, after.ids.len(), left);
    stayed
}

/// What is found to be different; rows are those of the later cut.
struct Comparison<'a> {
    before: Values<'a>,
    after: Values<'a>,
    born: BTreeMap<&'a [ComponentId], Vec<Row>>,
    died: Vec<EntityId>,
    updated: BTreeMap<ComponentId, Vec<Row>>,
    inserted: BTreeMap<ComponentId, Vec<Row>>,
    removed: BTreeMap<ComponentId, Vec<EntityId>>,
}

impl<'a> Comparison<'a> {
    fn of(before: &'a StorageCut, after: &'a StorageCut) -> Self {
        Self {
            before: Values::of(&before.tables),
            after: Values::of(&after.tables),
            born: BTreeMap::new(),
            died: Vec::new(),
            updated: BTreeMap::new(),
            inserted: BTreeMap::new(),
            removed: BTreeMap::new(),
        }
    }

    /// Compares the values of rows that stayed, in two tables that are paired.
    fn compare_stayed(
        &mut self,
        from: usize,
        to: usize,
        stayed: &[Option<Bits>],
    ) -> Result<(), CodecError> {
        let (before, after) = (self.before.table(from), self.after.table(to));
        for (at, column) in after.columns.iter().enumerate() {
            let mut updated = Vec::new();
            for (n, page, known) in column.beside(before.columns.get(at)) {
                if known.is_none_or(|known| page.has_values_of(known)) {
                    continue;
                }
                let (Some(ids), Some(known_ids)) = (after.ids.get(n), before.ids.get(n)) else {
                    continue;
                };
                let old = self.before.column(from, at).page(n)?;
                let new = self.after.column(to, at).page(n)?;
                let rows = ids.ids.len().min(known_ids.ids.len());
                let stayed = stayed.get(n).copied().flatten().unwrap_or(Bits::first(rows));
                for row in stayed.without(&old.equal(new, rows)?).rows() {
                    updated.push(Row::new(ids.ids[row], to, n * PAGE_ROWS + row));
                }
            }
            if !updated.is_empty() {
                self.updated.entry(after.components[at]).or_default().append(&mut updated);
            }
        }
        Ok(())
    }

    /// Matches rows that left their place with those that came to one.
    fn compare_moved(&mut self, mut left: Vec<Row>, mut came: Vec<Row>) -> Result<(), CodecError> {
        left.sort_unstable_by_key(|row| row.id);
        came.sort_unstable_by_key(|row| row.id);
        // By tables, so that columns are gone through one by one.
        let mut moved: AHashMap<_, Vec<(Row, u32)>> = AHashMap::new();
        let mut left = left.into_iter().peekable();
        for new in came {
            while let Some(gone) = left.next_if(|old| old.id < new.id) {
                self.died.push(gone.id);
            }
            match left.next_if(|old| old.id == new.id) {
                Some(old) => moved.entry((old.table, new.table)).or_default().push((new, old.row)),
                None => {
                    let components = &self.after.table(new.table as usize).components[..];
                    self.born.entry(components).or_default().push(new);
                }
            }
        }
        self.died.extend(left.map(|gone| gone.id));
        moved.into_iter().try_for_each(|((from, to), rows)| {
            self.compare_tables(from as usize, to as usize, &rows)
        })
    }

    /// Compares entities that went from one table, where their row is known, to another.
    fn compare_tables(
        &mut self,
        from: usize,
        to: usize,
        rows: &[(Row, u32)],
    ) -> Result<(), CodecError> {
        let (had, has) = (&self.before.table(from).components, &self.after.table(to).components);
        let lost = had.iter().filter(|component| has.binary_search(component).is_err());
        for component in lost {
            let ids = rows.iter().map(|(row, _)| row.id);
            self.removed.entry(*component).or_default().extend(ids);
        }
        for (at, component) in has.iter().enumerate() {
            let Ok(before) = had.binary_search(component) else {
                let rows = rows.iter().map(|(row, _)| *row);
                self.inserted.entry(*component).or_default().extend(rows);
                continue;
            };
            let (old, new) = (self.before.column(from, before), self.after.column(to, at));
            let mut updated = Vec::new();
            for (row, known) in rows {
                if !is_same(old.get(*known as usize)?, new.get(row.row as usize)?) {
                    updated.push(*row);
                }
            }
            if !updated.is_empty() {
                self.updated.entry(*component).or_default().append(&mut updated);
            }
        }
        Ok(())
    }

    /// Copies the values.
    fn finish(self) -> Result<RowChanges, CodecError> {
        let mut values = self.after;
        let mut born = Vec::with_capacity(self.born.len());
        for (components, rows) in self.born {
            born.push(values.chunk(components, &rows)?);
        }
        let mut columns = |all: BTreeMap<ComponentId, Vec<Row>>| {
            let column = |(component, mut rows): (_, Vec<Row>)| {
                rows.sort_unstable_by_key(|row| row.id);
                values.chunk(&[component], &rows)
            };
            all.into_iter().map(column).collect::<Result<Vec<_>, _>>()
        };
        let (updated, inserted) = (columns(self.updated)?, columns(self.inserted)?);
        let removed = self.removed.into_iter().map(|(component, mut ids)| {
            ids.sort_unstable();
            (component, ids)
        });
        let removed = removed.collect();
        Ok(RowChanges { born, died: self.died, updated, inserted, removed })
    }
}
