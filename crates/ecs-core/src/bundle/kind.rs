//! What components a bundle has, for storages that plan by it.

use std::any::TypeId;
use std::fmt;

use smallvec::SmallVec;

use super::Bundle;
use crate::component::ComponentId;
use crate::component_list::ComponentList;

/// The ids of a bundle's components, in the bundle's own order.
pub type ComponentIds = SmallVec<[ComponentId; 8]>;

/// Says which components a bundle has, in its own order.
///
/// That of a typed bundle has a [`key`](Self::key): equal keys have equal
/// components, so a storage finds what it planned without looking at them.
#[derive(Clone)]
pub struct BundleKind(Kind);

#[derive(Clone)]
enum Kind {
    Typed(TypeId, fn() -> ComponentIds),
    Listed(ComponentIds),
}

impl BundleKind {
    /// Returns the kind of a typed bundle.
    #[inline]
    #[must_use]
    pub fn of<B: Bundle>() -> Self {
        Self(Kind::Typed(TypeId::of::<B>(), || Listed::<B>::COMPONENTS.ids().collect()))
    }

    /// Returns the kind of a bundle that is put together at run time.
    #[must_use]
    pub fn listed(components: impl IntoIterator<Item = ComponentId>) -> Self {
        Self(Kind::Listed(components.into_iter().collect()))
    }

    /// Names the type of the bundle, if it has one.
    #[inline]
    #[must_use]
    pub fn key(&self) -> Option<TypeId> {
        match self.0 {
            Kind::Typed(key, _) => Some(key),
            Kind::Listed(_) => None,
        }
    }

    /// Returns the first component that occurs twice, if one does: such a bundle
    /// can't be added.
    #[must_use]
    pub fn duplicate(&self) -> Option<ComponentId> {
        let ids = self.component_ids();
        let twice = ids.iter().enumerate().find(|(at, id)| ids[..*at].contains(id));
        twice.map(|(_, &id)| id)
    }

    /// Returns the ids of the components in the order in which they are put.
    #[must_use]
    pub fn component_ids(&self) -> ComponentIds {
        match &self.0 {
            Kind::Typed(_, ids) => ids(),
            Kind::Listed(ids) => ids.clone(),
        }
    }
}

/// Gives a bundle's list an address.
struct Listed<B>(B);

impl<B: Bundle> Listed<B> {
    const COMPONENTS: &'static ComponentList = &B::COMPONENTS;
}

impl fmt::Debug for BundleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.component_ids().iter().map(|id| id.info().name())).finish()
    }
}
