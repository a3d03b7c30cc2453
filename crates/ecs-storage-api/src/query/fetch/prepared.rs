//! Typed queries that are matched: prepared, remembered by their type, or asked
//! once.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasherDefault;
use std::marker::PhantomData;

use ecs_core::{Invariant, TypeHasher};

use super::{Fetch, ReadOnlyQueryData, TypedRecords, Word, matching_bits, stride};
use crate::changes::{Version, Window};
use crate::directory::{Directory, TableId};
use crate::query::filter::Filter;
use crate::query::gather::{Prepared, lent};
use crate::query::records::RecordBuffer;
use crate::query::shape::{QueryError, QueryShape};
use crate::storage::Storage;

/// A prepared query that is known to be of the shape of `D` among what meets
/// `F`, so that its records need not be compared with it.
pub(crate) struct TypedPrepared<D, F> {
    /// Private, never swapped and never lent mutably.
    prepared: Prepared,
    query: Invariant<(D, F)>,
}

impl<D: Fetch, F: Filter> TypedPrepared<D, F> {
    #[inline]
    pub(crate) fn new() -> Result<Self, QueryError> {
        Ok(Self { prepared: Prepared::new(QueryShape::of::<D, F>()?), query: PhantomData })
    }

    pub(crate) fn get(&self) -> &Prepared {
        &self.prepared
    }

    pub(crate) fn set_window(&mut self, window: Window) {
        self.prepared.set_window(window);
    }

    #[inline]
    pub(crate) fn read<'w, S: Storage + ?Sized>(
        &'w mut self,
        storage: &'w S,
    ) -> Result<TypedRecords<'w, D>, QueryError> {
        let (directory, window) = self.prepared.gather(storage)?;
        Ok(TypedRecords::of::<F>(Cow::Borrowed(self.prepared.buffer()), directory, window))
    }

    #[inline]
    pub(crate) fn write<'w, S: Storage + ?Sized>(
        &'w mut self,
        storage: &'w mut S,
    ) -> Result<TypedRecords<'w, D>, QueryError> {
        let (directory, window) = self.prepared.gather_mut(storage)?;
        Ok(TypedRecords::of::<F>(Cow::Borrowed(self.prepared.buffer()), directory, window))
    }

    /// Matches a query for this once, for reading. What came after `since` is new.
    #[inline]
    pub(crate) fn read_once<S: Storage + ?Sized>(
        storage: &S,
        since: Version,
    ) -> Result<TypedRecords<'_, D>, QueryError>
    where
        D: ReadOnlyQueryData,
    {
        match storage.directory() {
            Some(directory) if !F::ROWS => Ok(Self::of_directory(directory.get_ref(), since)),
            _ => {
                let mut once = Prepared::once(QueryShape::of::<D, F>()?);
                once.set_window(Window { since, now: storage.version() });
                let (directory, window) = once.gather(storage)?;
                let buffer = Cow::Owned(once.into_buffer());
                Ok(TypedRecords::of::<F>(buffer, directory, window))
            }
        }
    }

    /// Matches a query for this once, for writing.
    #[inline]
    pub(crate) fn write_once<S: Storage + ?Sized>(
        storage: &mut S,
    ) -> Result<TypedRecords<'_, D>, QueryError> {
        if !F::ROWS && storage.directory_mut().is_some() {
            if D::TERMS > 1 && !D::READ_ONLY {
                QueryShape::of::<D, F>()?;
            }
            return Ok(Self::of_directory(lent(storage), Version::ZERO));
        }
        let mut once = Prepared::once(QueryShape::of::<D, F>()?);
        let (directory, window) = once.gather_mut(storage)?;
        let buffer = Cow::Owned(once.into_buffer());
        Ok(TypedRecords::of::<F>(buffer, directory, window))
    }

    /// Makes a record of each table that matches, without a list of them.
    #[inline]
    fn of_directory(directory: &Directory, since: Version) -> TypedRecords<'_, D> {
        let mut words = Vec::new();
        directory.matching(matching_bits::<D, F>(directory), 0, |table| {
            let rows = directory.len(table);
            if rows != 0 {
                push_record::<D>(&mut words, directory, table, rows);
            }
        });
        let now = directory.version();
        let window = Window { since, now }.at(now);
        TypedRecords::of::<F>(Cow::Owned(RecordBuffer::of(words)), Some(directory), window)
    }
}

/// Writes the record of a table that has rows.
#[inline]
fn push_record<D: Fetch>(
    words: &mut Vec<Word>,
    directory: &Directory,
    table: TableId,
    rows: usize,
) {
    debug_assert!(rows != 0);
    let (start, stride) = (words.len(), stride::<D>());
    if words.capacity() - start < stride {
        words.reserve(32 * stride);
    }
    let record = &mut words.spare_capacity_mut()[..stride];
    record[0].write(Word::from_count(rows));
    record[1].write(Word::from_ptr(directory.ids(table).as_ptr().cast()));
    record[2].write(Word::from_count(0));
    let mut next = RecordBuffer::HEAD;
    D::words(directory, table, &mut |word| {
        record[next].write(Word::from_ptr(word));
        next += 1;
    });
    // SAFETY: the head was written, and the words of the terms (`Fetch`).
    unsafe { words.set_len(start + stride) };
}

/// Prepared queries by their types.
#[derive(Debug, Default)]
pub(crate) struct PreparedByType(HashMap<TypeId, Prepared, BuildHasherDefault<TypeHasher>>);

impl PreparedByType {
    /// Matches a query, for writing. What came after `since` is new, if it is given.
    #[inline]
    pub(crate) fn write<'w, D: Fetch, F: Filter, S: Storage + ?Sized>(
        &'w mut self,
        storage: &'w mut S,
        since: Option<Version>,
    ) -> Result<TypedRecords<'w, D>, QueryError> {
        let prepared = match self.0.entry(TypeId::of::<(D::Static, F)>()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Prepared::new(QueryShape::of::<D, F>()?)),
        };
        let (directory, window) = match since {
            None => prepared.gather_mut(storage)?,
            Some(since) => prepared.gather_mut_since(since, storage)?,
        };
        // Whatever lies under this type was prepared for `D` and `F` (`Fetch`).
        Ok(TypedRecords::of::<F>(Cow::Borrowed(prepared.buffer()), directory, window))
    }
}
