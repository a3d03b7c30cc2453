//! Rows found by the id of their entity.

use std::fmt;
use std::marker::PhantomData;

use ahash::AHashMap;
use ecs_core::EntityId;

use super::block::Block;
use super::{Cursor, Fetch, ReadOnlyQueryData, TypedRecords};
use crate::changes::Window;
use crate::directory::{Directory, HomeLocations, Sighting, prefetch};
use crate::query::filter::Filter;

/// Tells of the tables `64 * word ..` which match `D` and `F`.
#[inline]
pub(super) fn matching_bits<D: Fetch, F: Filter>(directory: &Directory) -> impl Fn(usize) -> u64 {
    |word| {
        let has = |component| directory.table_bits(component, word);
        D::required(&has) & F::answer(&has)
    }
}

/// Finds what `D` gives for an entity, if it matches `D` and `F`.
///
/// # Safety
/// - The directory is lent for `'w`, to a holder of records for `D` and `F`.
/// - Nobody else uses the row against what `D` does with it during `'w`.
#[inline]
pub(super) unsafe fn look_up<'w, D: Fetch, F: Filter>(
    directory: &'w Directory,
    entity: EntityId,
    window: Window,
) -> Option<D::Item<'w>> {
    let at = directory.locate(entity)?;
    if !F::answer(&|component| directory.has(at.table(), component)) {
        return None;
    }
    let columns = D::look_up(directory, at.table(), window)?;
    // SAFETY: the columns are those of the entity's table, which has the row; the
    // required ones are there. The rest is the caller's.
    Some(unsafe { row::<D>(columns, at.row()) })
}

/// Returns one row of columns that were looked up, stamped if it is written.
///
/// # Safety
/// As for [`Fetch::mark_row`].
#[inline]
unsafe fn row<'w, D: Fetch>(columns: D::Columns, row: usize) -> D::Item<'w> {
    // SAFETY: the caller's.
    unsafe {
        D::mark_row(columns, row);
        D::item(columns, row)
    }
}

/// By entity: the record and the row in it, for a backend without a directory.
pub(crate) type RowsById = AHashMap<EntityId, (usize, usize)>;

/// Finds rows by id, with the columns of every matching table at hand.
pub(crate) struct Lookup<'q, D: Fetch> {
    /// Empty where there is no directory.
    homes: HomeLocations<'q>,
    /// By table; `None` where the query does not match.
    columns: Vec<Option<D::Columns>>,
    records: &'q TypedRecords<'q, D>,
    /// `None` where there is a directory.
    rows: Option<&'q RowsById>,
    store: PhantomData<&'q mut [u8]>,
}

// SAFETY: it stands for the items of `D`, references to components, which are
// `Send + Sync`.
unsafe impl<D: Fetch> Send for Lookup<'_, D> {}
// SAFETY: as above; a shared reference gives out what `D` reads and no more
// (`Lookup::get`).
unsafe impl<D: Fetch> Sync for Lookup<'_, D> {}

/// The table that all entities of a block are in, by its number and the columns that are
/// used of it.
#[derive(Clone, Copy)]
struct Shared<D: Fetch> {
    table: u64,
    columns: D::Columns,
}

/// Finds the row of an entity that another shard named, or in a backend without a
/// directory.
///
/// It is told the parts of a [`Lookup`] by themselves: one that is never seen as a whole
/// can be held in registers, and need not be read anew after each write of a loop.
///
/// # Safety
/// As for [`Lookup::find`], whose parts they are.
#[cold]
#[inline(never)]
unsafe fn find_elsewhere<'i, D: Fetch>(
    records: &TypedRecords<'_, D>,
    rows: Option<&RowsById>,
    columns: &[Option<D::Columns>],
    entity: EntityId,
) -> Option<D::Item<'i>> {
    match rows {
        Some(rows) => {
            let &(record, row) = rows.get(&entity)?;
            // SAFETY: by `over`, and the caller's.
            let cursor = unsafe { Cursor::<D>::over(records.buffer.words(), records.window) };
            cursor.row(record, row)?.next()
        }
        None => {
            let at = records.directory?.locate(entity)?;
            let columns = (*columns.get(at.table().index())?)?;
            // SAFETY: as in `find`.
            Some(unsafe { row::<D>(columns, at.row()) })
        }
    }
}

impl<'q, D: Fetch> Lookup<'q, D> {
    /// Resolves the columns of every table that matches.
    ///
    /// # Safety
    /// - `records` were matched with `F`, `rows` are theirs.
    /// - During `'q` nobody else uses the records' rows against what `D` does
    ///   with them.
    pub(super) unsafe fn over<F: Filter>(
        records: &'q TypedRecords<'q, D>,
        rows: Option<&'q RowsById>,
    ) -> Self {
        let mut columns = Vec::new();
        if let Some(directory) = records.directory {
            directory.matching(matching_bits::<D, F>(directory), 0, |table| {
                columns.resize(table.index(), None);
                columns.push(D::look_up(directory, table, records.window));
            });
        }
        let homes = records.directory.map(Directory::home_locations).unwrap_or_default();
        Self { homes, columns, records, rows, store: PhantomData }
    }

    /// Finds the row of an entity that matches.
    ///
    /// # Safety
    /// While the item lives, nobody else uses the row against what `D` does with
    /// it.
    #[inline]
    unsafe fn find<'i>(&self, entity: EntityId) -> Option<D::Item<'i>> {
        // SAFETY: the caller's.
        unsafe { self.at(entity, self.homes.probe(entity).unwrap_or(Sighting::NOWHERE)) }
    }

    /// Returns the columns of the table that is seen: `None` where the query does not
    /// match it, or where there is none.
    #[inline(always)]
    fn columns_at(&self, seen: Sighting) -> Option<D::Columns> {
        *self.columns.get(seen.index())?
    }

    /// Returns the row of an entity that was seen.
    ///
    /// # Safety
    /// As for `find`; it is what `homes` says of the entity.
    #[inline]
    unsafe fn at<'i>(&self, entity: EntityId, seen: Sighting) -> Option<D::Item<'i>> {
        match self.columns.get(seen.index()) {
            Some(columns) => (*columns).map(|columns| {
                // SAFETY: the columns are those of the entity's table, and the required
                // ones are there, since it matches; the rest is the caller's.
                unsafe { self::row::<D>(columns, seen.row()) }
            }),
            // SAFETY: the caller's.
            None => unsafe { find_elsewhere(self.records, self.rows, &self.columns, entity) },
        }
    }

    #[inline]
    pub(crate) fn get(&self, entity: EntityId) -> Option<D::Item<'_>>
    where
        D: ReadOnlyQueryData,
    {
        // SAFETY: `D` writes nothing, and writers are kept out (`over`).
        unsafe { self.find(entity) }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, entity: EntityId) -> Option<D::Item<'_>> {
        // SAFETY: `self` is borrowed mutably as long as the item, and others are
        // kept out (`over`).
        unsafe { self.find(entity) }
    }

    /// Finds several rows; `None` stands for one that is not found or was listed
    /// before.
    pub(crate) fn get_many_mut<const N: usize>(
        &mut self,
        entities: [EntityId; N],
    ) -> [Option<D::Item<'_>>; N] {
        std::array::from_fn(|n| {
            if entities[..n].contains(&entities[n]) {
                return None;
            }
            // SAFETY: as in `get_mut`; different entities have different rows.
            unsafe { self.find(entities[n]) }
        })
    }

    #[inline]
    pub(crate) fn get_each<'i>(
        &'i self,
        entities: impl Iterator<Item = EntityId>,
        each: impl FnMut(EntityId, Option<D::Item<'i>>),
    ) where
        D: ReadOnlyQueryData,
    {
        // SAFETY: as in `get`.
        unsafe { self.find_each(entities, each) }
    }

    #[inline]
    pub(crate) fn get_each_mut(
        &mut self,
        entities: impl Iterator<Item = EntityId>,
        each: impl FnMut(EntityId, Option<D::Item<'_>>),
    ) {
        // SAFETY: as in `get_mut`: an item lives as long as the call that it is given to,
        // since `each` must take any lifetime.
        unsafe { self.find_each(entities, each) }
    }

    /// Finds the rows of many entities, in blocks, each of which passes three stations:
    /// memory is asked where its entities are, then for their values, and then they are
    /// given out. Between two stations of a block lies the work on another one, so that
    /// as many reads are under way as the processor can have.
    ///
    /// # Safety
    /// As for `find`, of each item.
    #[inline]
    unsafe fn find_each<'i>(
        &self,
        entities: impl Iterator<Item = EntityId>,
        mut each: impl FnMut(EntityId, Option<D::Item<'i>>),
    ) {
        let mut entities = entities.fuse();
        let mut blocks = (Block::new(), Block::new());
        let (mut asked, mut coming) = (&mut blocks.0, &mut blocks.1);
        let mut places = Block::new();
        let mut shared = None;
        loop {
            shared = self.place(asked.as_slice(), &mut places, shared);
            coming.fill(entities.by_ref().inspect(|entity| prefetch(self.homes.entry(*entity))));
            if asked.as_slice().is_empty() && coming.as_slice().is_empty() {
                return;
            }
            let block = asked.as_slice().iter().zip(places.as_slice());
            match shared {
                Some(Shared { columns, .. }) => block.for_each(|(&entity, seen)| {
                    // SAFETY: all of them are in the table of these columns, which has the
                    // required ones; the rest is the caller's.
                    each(entity, Some(unsafe { self::row::<D>(columns, seen.row()) }));
                }),
                None => block.for_each(|(&entity, &seen)| {
                    // SAFETY: the caller's.
                    each(entity, unsafe { self.at(entity, seen) });
                }),
            }
            std::mem::swap(&mut asked, &mut coming);
        }
    }

    /// Notes where the entities of a block are, and asks memory for their values. Returns
    /// the table that all of them are in, if there is one and it matches.
    ///
    /// If those of the block `before` shared one, these likely do too, and no columns are
    /// looked up for single entities.
    #[inline(always)]
    fn place(
        &self,
        block: &[EntityId],
        places: &mut Block<Sighting>,
        before: Option<Shared<D>>,
    ) -> Option<Shared<D>> {
        match before {
            Some(Shared { table, columns }) => {
                let mut others = 0;
                places.fill(block.iter().map(|&entity| {
                    let seen = self.homes.sight(entity);
                    others |= seen.table() ^ table;
                    D::prefetch(columns, seen.row());
                    seen
                }));
                before.filter(|_| others == 0)
            }
            None => {
                places.fill(block.iter().map(|&entity| {
                    let seen = self.homes.sight(entity);
                    if let Some(columns) = self.columns_at(seen) {
                        D::prefetch(columns, seen.row());
                    }
                    seen
                }));
                let (first, others) = places.as_slice().split_first()?;
                let shared = Shared { table: first.table(), columns: self.columns_at(*first)? };
                others.iter().all(|seen| seen.table() == shared.table).then_some(shared)
            }
        }
    }

    pub(crate) fn contains(&self, entity: EntityId) -> bool {
        if let Some(rows) = self.rows {
            return rows.contains_key(&entity);
        }
        let location = self.records.directory.and_then(|directory| directory.locate(entity));
        location.is_some_and(|location| {
            matches!(self.columns.get(location.table().index()), Some(Some(_)))
        })
    }
}

impl<D: Fetch> fmt::Debug for Lookup<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.records.fmt(f)
    }
}
