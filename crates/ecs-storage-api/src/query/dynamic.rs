//! Queries put together at run time, by component id.

use std::fmt;

use ecs_core::{ComponentId, EntityId, ErasedSlice, ErasedSliceMut};

use super::fetch::RecordColumns;
use super::gather::Prepared;
use super::matcher::Matcher;
use super::records::{QueryCost, Records};
use super::row_condition::RowCondition;
use super::shape::{QueryError, QueryShape, TermAccess};
use crate::changes::Window;
use crate::storage::Storage;

/// Puts a dynamic query together.
///
/// # Example
/// ```
/// # use ecs_core::DynamicComponent;
/// # use ecs_storage_api::DynamicQuery;
/// let mana = DynamicComponent::new("docs::Mana", 4, 4).register()?;
/// let cost = DynamicComponent::new("docs::Cost", 4, 4).register()?;
/// let query = DynamicQuery::builder().write(mana).read(cost).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct DynamicQueryBuilder {
    shape: QueryShape,
}

impl DynamicQueryBuilder {
    /// Asks for a component, for reading.
    pub fn read(mut self, component: ComponentId) -> Self {
        self.shape.add_dynamic(component, TermAccess::Read);
        self
    }

    /// Asks for a component, for writing.
    pub fn write(mut self, component: ComponentId) -> Self {
        self.shape.add_dynamic(component, TermAccess::Write);
        self
    }

    /// Reads a component where it is there.
    pub fn optional_read(mut self, component: ComponentId) -> Self {
        self.shape.optional(|shape| shape.add_dynamic(component, TermAccess::Read));
        self
    }

    /// Writes a component where it is there.
    pub fn optional_write(mut self, component: ComponentId) -> Self {
        self.shape.optional(|shape| shape.add_dynamic(component, TermAccess::Write));
        self
    }

    /// Keeps entities that have a component.
    pub fn with(mut self, component: ComponentId) -> Self {
        self.shape.matcher_mut().require(component);
        self
    }

    /// Keeps entities whose component changed since the query was asked last; see
    /// [`Changed`](super::Changed).
    pub fn changed(mut self, component: ComponentId) -> Self {
        self.shape.require_row(RowCondition::Changed(component));
        self.with(component)
    }

    /// Keeps entities whose component came since the query was asked last; see
    /// [`Added`](super::Added).
    ///
    /// # Panics
    /// If the component is not tracked.
    pub fn added(mut self, component: ComponentId) -> Self {
        assert!(component.info().is_tracked(), "`{component}` is not tracked");
        self.shape.require_row(RowCondition::Added(component));
        self.with(component)
    }

    /// Keeps entities that lack a component.
    pub fn without(mut self, component: ComponentId) -> Self {
        self.shape.matcher_mut().exclude(component);
        self
    }

    /// Keeps entities that meet one of several conditions.
    pub fn any_of(mut self, alternatives: Vec<Matcher>) -> Self {
        self.shape.matcher_mut().any_of(alternatives);
        self
    }

    /// Ends the description.
    ///
    /// # Errors
    /// [`QueryError::Conflict`] if a component that is written occurs twice.
    pub fn build(self) -> Result<DynamicQuery, QueryError> {
        self.shape.check()?;
        Ok(DynamicQuery { prepared: Prepared::new(self.shape) })
    }
}

/// A prepared query by component id; see [`DynamicQueryBuilder`].
#[derive(Debug, Clone)]
pub struct DynamicQuery {
    prepared: Prepared,
}

impl DynamicQuery {
    /// Begins a description.
    pub fn builder() -> DynamicQueryBuilder {
        DynamicQueryBuilder::default()
    }

    /// Asks what another query asks, by component id: one that the program knows by
    /// its types, say, through [`QueryShape::of`].
    ///
    /// # Errors
    /// [`QueryError::Conflict`] if a component that is written occurs twice.
    ///
    /// # Example
    /// ```
    /// # use ecs_core::{Component, ComponentId, Description};
    /// # use ecs_storage_api::{DynamicQuery, QueryShape, With};
    /// # struct Mana(u32);
    /// # impl Component for Mana {
    /// #     fn describe() -> Description<Self> { Description::transient("docs::of::Mana") }
    /// # }
    /// let query = DynamicQuery::of(QueryShape::of::<Option<&Mana>, With<Mana>>()?)?;
    /// assert_eq!(query.shape().terms()[0].component, ComponentId::of::<Mana>());
    /// # Ok::<(), ecs_storage_api::QueryError>(())
    /// ```
    pub fn of(shape: QueryShape) -> Result<Self, QueryError> {
        DynamicQueryBuilder { shape }.build()
    }

    /// Gives every matching chunk to `f`, for reading.
    ///
    /// # Errors
    /// [`QueryError::ReadOnly`] if the query writes.
    pub fn for_each_chunk<S: Storage + ?Sized>(
        &mut self,
        storage: &S,
        f: impl FnMut(DynamicChunk<'_>),
    ) -> Result<QueryCost, QueryError> {
        Ok(each(self.prepared.read(storage)?, f))
    }

    /// Gives every matching chunk to `f`.
    ///
    /// # Errors
    /// [`QueryError::Conflict`] if the backend offers a value twice.
    pub fn for_each_chunk_mut<S: Storage + ?Sized>(
        &mut self,
        storage: &mut S,
        f: impl FnMut(DynamicChunk<'_>),
    ) -> Result<QueryCost, QueryError> {
        Ok(each(self.prepared.write(storage)?, f))
    }

    /// Says what counts as new from now on; see [`Prepared::set_window`].
    pub fn set_window(&mut self, window: Window) {
        self.prepared.set_window(window);
    }

    /// Returns what the query asks for.
    pub fn shape(&self) -> &QueryShape {
        self.prepared.shape()
    }
}

fn each(mut records: Records<'_>, mut f: impl FnMut(DynamicChunk<'_>)) -> QueryCost {
    let cost = records.cost();
    RecordColumns::each(&mut records).for_each(|columns| f(DynamicChunk(columns)));
    cost
}

/// A run of entities that a dynamic query matched.
pub struct DynamicChunk<'w>(RecordColumns<'w>);

impl<'w> DynamicChunk<'w> {
    /// Returns the entities.
    pub fn ids(&self) -> &'w [EntityId] {
        self.0.ids()
    }

    /// Returns how many rows there are.
    pub fn len(&self) -> usize {
        self.ids().len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the values of a component that the query reads or writes, or
    /// `None` if it does neither or the chunk lacks it.
    pub fn column(&self, component: ComponentId) -> Option<ErasedSlice<'_>> {
        self.0.read(component)
    }

    /// Returns the values of a component that the query writes, or `None` if it
    /// does not or the chunk lacks it.
    pub fn column_mut(&mut self, component: ComponentId) -> Option<ErasedSliceMut<'_>> {
        self.0.write(component)
    }
}

impl fmt::Debug for DynamicChunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicChunk").field("rows", &self.len()).finish_non_exhaustive()
    }
}
