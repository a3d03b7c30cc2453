//! A page of a replica: entities whose indices follow each other.

use ecs_core::{ComponentId, ComponentInfo, EntityId};

use crate::snapshot::capture::{CapturedColumn, CapturedValues};
use crate::snapshot::row_changes::is_same;

/// Rows of a page: so many that a capture of scattered rows has several in each.
pub(super) const ROWS: usize = 8192;

/// Entities with the numbers of their sets of components, and values.
#[derive(Debug)]
pub(super) struct Page {
    rows: Box<[Option<(EntityId, u32)>]>,
    /// In the order in which they came: few, and those that are asked for stand
    /// together.
    columns: Vec<(ComponentId, Column)>,
}

/// The values of a component, where an entity has it; elsewhere anything.
#[derive(Debug)]
pub(super) enum Column {
    /// Of so many bytes each.
    Plain(usize, Box<[u8]>),
    Encoded(Vec<Box<[u8]>>),
}

impl Default for Page {
    fn default() -> Self {
        Self { rows: vec![None; ROWS].into(), columns: Vec::new() }
    }
}

impl Page {
    /// Returns who is in a row, and with which set of components.
    #[inline]
    pub(super) fn row(&self, row: usize) -> Option<(EntityId, u32)> {
        self.rows[row]
    }

    /// Returns everybody.
    pub(super) fn entities(&self) -> impl Iterator<Item = EntityId> + '_ {
        self.rows.iter().flatten().map(|(id, _)| *id)
    }

    /// Says who is in a row.
    #[inline]
    pub(super) fn begin(&mut self, row: usize, id: EntityId, set: u32) {
        self.rows[row] = Some((id, set));
    }

    /// Says that nobody is in a row.
    pub(super) fn end(&mut self, row: usize) {
        self.rows[row] = None;
    }

    /// Returns the values of a component.
    ///
    /// # Panics
    /// If nobody has ever had it.
    pub(super) fn column(&self, component: ComponentId) -> &Column {
        let column = self.columns.iter().find(|(id, _)| *id == component);
        &column.expect("whoever has a component has a value of it").1
    }

    /// Returns the values of a component, to be written.
    pub(super) fn column_mut(&mut self, component: ComponentId) -> &mut Column {
        let known = self.columns.iter().position(|(id, _)| *id == component);
        let at = known.unwrap_or_else(|| {
            self.columns.push((component, Column::new(component.info())));
            self.columns.len() - 1
        });
        &mut self.columns[at].1
    }
}

impl Column {
    fn new(info: &ComponentInfo) -> Self {
        match info.is_pod() {
            true => Self::Plain(info.stride(), vec![0; info.stride() * ROWS].into()),
            false => Self::Encoded(vec![Box::default(); ROWS]),
        }
    }

    /// Calls `differs` with those of some pairs of rows, of a capture and of this, whose
    /// values differ.
    pub(super) fn compare(
        &self,
        captured: &CapturedColumn,
        rows: &[(u32, u32)],
        mut differs: impl FnMut(u32),
    ) {
        match (self, captured.values()) {
            (Self::Plain(0, _), _) => {}
            (Self::Plain(2, known), CapturedValues::Plain(new)) => {
                compare_values::<2>(known, new, rows, differs);
            }
            (Self::Plain(4, known), CapturedValues::Plain(new)) => {
                compare_values::<4>(known, new, rows, differs);
            }
            (Self::Plain(8, known), CapturedValues::Plain(new)) => {
                compare_values::<8>(known, new, rows, differs);
            }
            _ => {
                for &(row, there) in rows {
                    if !is_same(self.get(there as usize), captured.get(row as usize)) {
                        differs(row);
                    }
                }
            }
        }
    }

    /// Replaces the values of rows by those of a capture from `start` on.
    pub(super) fn put(&mut self, captured: &CapturedColumn, start: usize, rows: &[u32]) {
        match (self, captured.values()) {
            (Self::Plain(0, _), _) => {}
            (Self::Plain(2, known), CapturedValues::Plain(new)) => {
                put_values::<2>(known, new, start, rows);
            }
            (Self::Plain(4, known), CapturedValues::Plain(new)) => {
                put_values::<4>(known, new, start, rows);
            }
            (Self::Plain(8, known), CapturedValues::Plain(new)) => {
                put_values::<8>(known, new, start, rows);
            }
            (this, _) => {
                for (row, &there) in (start..).zip(rows) {
                    this.set(there as usize, captured.get(row));
                }
            }
        }
    }

    fn get(&self, row: usize) -> &[u8] {
        match self {
            Self::Plain(stride, bytes) => &bytes[row * stride..(row + 1) * stride],
            Self::Encoded(values) => &values[row],
        }
    }

    fn set(&mut self, row: usize, value: &[u8]) {
        match self {
            Self::Plain(stride, bytes) => {
                bytes[row * *stride..(row + 1) * *stride].copy_from_slice(value);
            }
            Self::Encoded(values) if *values[row] == *value => {}
            Self::Encoded(values) => values[row] = value.into(),
        }
    }
}

/// Compares values of `N` bytes: a call for each would take longer than the values.
#[inline]
fn compare_values<const N: usize>(
    known: &[u8],
    new: &[u8],
    rows: &[(u32, u32)],
    mut differs: impl FnMut(u32),
) {
    let ((known, _), (new, _)) = (known.as_chunks::<N>(), new.as_chunks::<N>());
    for &(row, there) in rows {
        if known[there as usize] != new[row as usize] {
            differs(row);
        }
    }
}

#[inline]
fn put_values<const N: usize>(known: &mut [u8], new: &[u8], start: usize, rows: &[u32]) {
    let ((known, _), (new, _)) = (known.as_chunks_mut::<N>(), new.as_chunks::<N>());
    for (new, &there) in new[start..].iter().zip(rows) {
        known[there as usize] = *new;
    }
}
