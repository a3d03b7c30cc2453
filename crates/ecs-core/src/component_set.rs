//! A set of components: the type of an archetype.

use std::borrow::Borrow;
use std::fmt;

use smallvec::SmallVec;

use crate::component::{Component, ComponentId};
use crate::memory::OutOfMemory;

/// A set of components, kept sorted by id.
///
/// Up to eight components live inline.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComponentSet {
    ids: SmallVec<[ComponentId; 8]>,
}

impl ComponentSet {
    /// Creates the empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the set of ids that are sorted, where memory may be refused.
    ///
    /// # Errors
    /// [`OutOfMemory`] if it is.
    ///
    /// # Panics
    /// If the ids are not in ascending order, each once.
    pub fn try_from_sorted(sorted: &[ComponentId]) -> Result<Self, OutOfMemory> {
        assert!(sorted.is_sorted_by(|a, b| a < b), "a set is made of sorted ids");
        let mut ids = SmallVec::new();
        ids.try_reserve_exact(sorted.len())
            .map_err(|_| OutOfMemory { bytes: size_of_val(sorted) })?;
        ids.extend_from_slice(sorted);
        Ok(Self { ids })
    }

    /// Tells whether the set holds `id`.
    ///
    /// # Complexity
    /// O(log n).
    pub fn contains(&self, id: ComponentId) -> bool {
        self.ids.binary_search(&id).is_ok()
    }

    /// Tells whether the set holds the component `C`.
    pub fn has<C: Component>(&self) -> bool {
        self.contains(ComponentId::of::<C>())
    }

    /// Adds a component; tells whether it was new.
    ///
    /// # Complexity
    /// O(n).
    pub fn insert(&mut self, id: ComponentId) -> bool {
        match self.ids.binary_search(&id) {
            Ok(_) => false,
            Err(at) => {
                self.ids.insert(at, id);
                true
            }
        }
    }

    /// Takes a component out; tells whether it was there.
    ///
    /// # Complexity
    /// O(n).
    pub fn remove(&mut self, id: ComponentId) -> bool {
        match self.ids.binary_search(&id) {
            Ok(at) => {
                self.ids.remove(at);
                true
            }
            Err(_) => false,
        }
    }

    /// Returns the components in ascending order of id.
    pub fn iter(
        &self,
    ) -> impl ExactSizeIterator<Item = ComponentId> + DoubleEndedIterator + Clone + '_ {
        self.ids.iter().copied()
    }

    /// Returns the components as a sorted slice.
    #[inline]
    pub fn as_slice(&self) -> &[ComponentId] {
        &self.ids
    }

    /// Returns how many components there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Tells whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Returns the components' stable names, sorted by name.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.iter().map(|id| id.info().name()).collect();
        names.sort_unstable();
        names
    }
}

/// A set is found in a map by the slice of its ids: both are hashed and compared
/// as that.
impl Borrow<[ComponentId]> for ComponentSet {
    fn borrow(&self) -> &[ComponentId] {
        &self.ids
    }
}

impl FromIterator<ComponentId> for ComponentSet {
    fn from_iter<I: IntoIterator<Item = ComponentId>>(ids: I) -> Self {
        let mut ids: SmallVec<[ComponentId; 8]> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self { ids }
    }
}

impl Extend<ComponentId> for ComponentSet {
    fn extend<I: IntoIterator<Item = ComponentId>>(&mut self, ids: I) {
        for id in ids {
            self.insert(id);
        }
    }
}

impl fmt::Debug for ComponentSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl fmt::Display for ComponentSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.names().join(", "))
    }
}
