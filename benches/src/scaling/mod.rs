//! How the cost of an item grows with the number of entities and of archetypes.
//!
//! An [`Operation`] makes a row of any size; its contenders are those of the
//! comparison where it has them.

mod archetypes;
mod entities;
mod point;
mod report;

pub use archetypes::by_archetypes;
pub use entities::by_entities;
pub use point::{Axis, Point, measure};
pub use report::{markdown, plot};

use crate::compare::Row;

/// Work that can be done at any size.
pub struct Operation {
    /// What is done.
    pub name: &'static str,
    make: Box<dyn Fn(usize) -> Row>,
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Operation").field(&self.name).finish()
    }
}

impl Operation {
    fn new(name: &'static str, make: impl Fn(usize) -> Row + 'static) -> Self {
        Self { name, make: Box::new(make) }
    }

    /// Returns the work at one size.
    pub fn of_size(&self, size: usize) -> Row {
        (self.make)(size)
    }
}
