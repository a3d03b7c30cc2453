//! The components of a bundle, listed at compile time.

use std::any::TypeId;
use std::fmt;

use crate::component::{Component, ComponentId};

/// One component type: its type, and how to ask for its id.
#[derive(Clone, Copy)]
pub(crate) struct ComponentType {
    pub(crate) type_id: TypeId,
    pub(crate) id: fn() -> ComponentId,
}

/// Lists the component types of a bundle in the order in which it puts them.
///
/// It is a constant of every [`Bundle`](crate::Bundle), so that what a bundle
/// puts is compared with what it announced while the program is compiled: of
/// the comparison nothing is left in the loop that writes rows.
///
/// # Example
/// ```
/// # use ecs_core::{Component, ComponentList, Description};
/// # struct Place; impl Component for Place {
/// #     fn describe() -> Description<Self> { Description::transient("list::Place") }
/// # }
/// # struct Speed; impl Component for Speed {
/// #     fn describe() -> Description<Self> { Description::transient("list::Speed") }
/// # }
/// const BOTH: ComponentList = ComponentList::of::<Place>().and(ComponentList::of::<Speed>());
/// assert_eq!(BOTH.len(), 2);
/// ```
#[derive(Clone, Copy)]
pub struct ComponentList {
    len: usize,
    types: [Option<ComponentType>; Self::MAX],
}

impl ComponentList {
    /// The most components that a bundle can have.
    pub const MAX: usize = 128;

    /// Lists nothing.
    pub const EMPTY: Self = Self { len: 0, types: [None; Self::MAX] };

    /// Lists one component.
    #[must_use]
    pub const fn of<C: Component>() -> Self {
        let mut list = Self::EMPTY;
        list.types[0] =
            Some(ComponentType { type_id: TypeId::of::<C>(), id: ComponentId::of::<C> });
        list.len = 1;
        list
    }

    /// Lists the components of another list behind these.
    ///
    /// # Panics
    /// If they are more than [`MAX`](Self::MAX) together; in a constant that is
    /// an error of the compiler.
    #[must_use]
    pub const fn and(mut self, other: Self) -> Self {
        assert!(self.len + other.len <= Self::MAX, "a bundle has at most 128 components");
        let mut at = 0;
        while at < other.len {
            self.types[self.len + at] = other.types[at];
            at += 1;
        }
        self.len += other.len;
        self
    }

    /// Returns how many there are.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Tells whether the list is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Asks for the ids of the components, which registers them.
    pub fn ids(&self) -> impl Iterator<Item = ComponentId> {
        self.types[..self.len].iter().flatten().map(|component| (component.id)())
    }

    /// Tells whether the component at a place is `C`.
    #[inline(always)]
    pub(crate) fn names<C: Component>(&self, at: usize) -> bool {
        at < self.len
            && matches!(&self.types[at], Some(listed) if listed.type_id == TypeId::of::<C>())
    }
}

impl fmt::Debug for ComponentList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids().map(|id| id.info().name())).finish()
    }
}
