//! A page of a replica: entities whose indices follow each other.

use ecs_core::{ComponentId, ComponentInfo, EntityId};

/// Rows of a page.
pub(super) const ROWS: usize = 1024;

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

    /// Returns the values of a component, if anybody ever had it.
    pub(super) fn column(&self, component: ComponentId) -> Option<&Column> {
        let column = self.columns.iter().find(|(id, _)| *id == component);
        column.map(|(_, column)| column)
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

    /// Returns the value of a row.
    #[inline]
    pub(super) fn get(&self, row: usize) -> &[u8] {
        match self {
            Self::Plain(stride, bytes) => &bytes[row * stride..(row + 1) * stride],
            Self::Encoded(values) => &values[row],
        }
    }

    /// Replaces the value of a row.
    #[inline]
    pub(super) fn set(&mut self, row: usize, value: &[u8]) {
        match self {
            Self::Plain(stride, bytes) => {
                bytes[row * *stride..(row + 1) * *stride].copy_from_slice(value);
            }
            Self::Encoded(values) if *values[row] == *value => {}
            Self::Encoded(values) => values[row] = value.into(),
        }
    }
}
