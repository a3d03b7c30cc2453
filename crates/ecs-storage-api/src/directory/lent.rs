//! A directory as a backend lends it, for as long as itself is borrowed.

use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;

use ecs_core::{
    Component, ComponentId, EntityId, ErasedMut, ErasedRef, ErasedSlice, ErasedSliceMut,
};

use super::{Directory, Location, TableId};

/// A directory lent for reading.
#[derive(Debug, Clone, Copy)]
pub struct DirectoryRef<'a>(&'a Directory);

impl<'a> DirectoryRef<'a> {
    /// Lends a directory.
    ///
    /// # Safety
    /// For as long as `'a`, everything that the directory says is true, and
    /// nobody writes to the rows it names.
    #[inline]
    pub unsafe fn new(directory: &'a Directory) -> Self {
        Self(directory)
    }

    #[inline]
    pub(crate) fn get_ref(self) -> &'a Directory {
        self.0
    }

    /// Returns where an entity is.
    #[inline]
    pub fn locate(self, entity: EntityId) -> Option<Location> {
        self.0.locate(entity)
    }

    /// Returns a component of an entity, or `None` if it is dead or lacks it.
    ///
    /// # Complexity
    /// O(1): location, column, value.
    #[inline]
    pub fn get<C: Component>(self, entity: EntityId) -> Option<&'a C> {
        // SAFETY: the directory speaks the truth (`DirectoryRef::new`): a valid
        // `C` lies there, and nobody writes during `'a`.
        self.0.value::<C>(entity).map(|value| unsafe { value.as_ref() })
    }

    /// Returns a component of an entity, or `None` if it is dead or lacks it.
    pub fn get_erased(self, entity: EntityId, component: ComponentId) -> Option<ErasedRef<'a>> {
        let location = self.0.locate(entity)?;
        let first = NonNull::new(self.0.column(location.table(), component))?;
        let info = self.0.components[component.index()].info?;
        // SAFETY: as in `get`: the column holds `len` valid values.
        let column = unsafe { ErasedSlice::from_raw(info, first, self.0.len(location.table())) };
        column.get(location.row())
    }

    /// Returns the entities of a table.
    pub fn ids(self, table: TableId) -> &'a [EntityId] {
        let entry = &self.0.tables[table.index()];
        // SAFETY: the directory speaks the truth: `len` initialised ids.
        unsafe { std::slice::from_raw_parts(entry.ids.as_ptr(), entry.len) }
    }

    /// Returns the values that a table has of a component.
    pub fn column(self, table: TableId, component: ComponentId) -> Option<ErasedSlice<'a>> {
        let first = NonNull::new(self.0.column(table, component))?;
        let info = self.0.components[component.index()].info?;
        // SAFETY: as in `get_erased`.
        Some(unsafe { ErasedSlice::from_raw(info, first, self.0.len(table)) })
    }
}

/// A directory lent for writing.
#[derive(Debug)]
pub struct DirectoryMut<'a> {
    directory: &'a Directory,
    rows: PhantomData<&'a mut [u8]>,
}

impl<'a> DirectoryMut<'a> {
    /// Lends a directory.
    ///
    /// # Safety
    /// For as long as `'a`, everything that the directory says is true, and
    /// nobody else reads or writes the rows it names.
    #[inline]
    pub unsafe fn new(directory: &'a Directory) -> Self {
        Self { directory, rows: PhantomData }
    }

    #[inline]
    pub(crate) fn into_ref(self) -> &'a Directory {
        self.directory
    }

    /// Returns a component of an entity, or `None` if it is dead or lacks it.
    ///
    /// # Complexity
    /// O(1): location, column, value.
    #[inline]
    pub fn get<C: Component>(self, entity: EntityId) -> Option<&'a mut C> {
        // SAFETY: the directory speaks the truth (`DirectoryMut::new`): a valid
        // `C` lies there, and `self` was the only way to the rows for `'a`.
        self.directory.value_mut::<C>(entity).map(|mut value| unsafe { value.as_mut() })
    }

    /// Returns a component of an entity, or `None` if it is dead or lacks it.
    pub fn get_erased(self, entity: EntityId, component: ComponentId) -> Option<ErasedMut<'a>> {
        let at = self.directory.locate(entity)?;
        self.rows(at.table(), component, at.row()..at.row() + 1)?.into_get(at.row())
    }

    /// Returns the values that a table has of a component.
    pub fn column(self, table: TableId, component: ComponentId) -> Option<ErasedSliceMut<'a>> {
        let len = self.directory.len(table);
        self.rows(table, component, 0..len)
    }

    /// Returns the values that a table has of a component, of which some are
    /// written.
    fn rows(
        self,
        table: TableId,
        component: ComponentId,
        written: Range<usize>,
    ) -> Option<ErasedSliceMut<'a>> {
        let first = NonNull::new(self.directory.column(table, component))?;
        let info = self.directory.components[component.index()].info?;
        // SAFETY: lent for writing (`DirectoryMut::new`); the column is there, and
        // the callers' rows are.
        unsafe { self.directory.mark_written(table, component, written) };
        // SAFETY: as in `get`: the column holds `len` valid values.
        Some(unsafe { ErasedSliceMut::from_raw(info, first, self.directory.len(table)) })
    }

    /// Returns a component of several entities at once.
    ///
    /// `None` stands for one that is dead or lacks the component, or that was
    /// listed before.
    pub fn get_many<C: Component, const N: usize>(
        self,
        entities: [EntityId; N],
    ) -> [Option<&'a mut C>; N] {
        let mut places = [None; N];
        for (n, &entity) in entities.iter().enumerate() {
            // Equal ids are the only way to one row twice: an entity has one row.
            if entities[..n].contains(&entity) {
                continue;
            }
            places[n] = self.directory.value_mut::<C>(entity);
        }
        // SAFETY: at each place lies a valid `C` in a row of its own, and `self`
        // was the only way to the rows for `'a`.
        places.map(|place| place.map(|mut value| unsafe { value.as_mut() }))
    }
}
