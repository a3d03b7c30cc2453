//! A view of a query: many entities, one after the other, by id.

use std::fmt;

use ecs_core::EntityId;

use super::fetch::{Fetch, Lookup, QueryData, ReadOnlyQueryData};

/// Finds what a query gives by entity, with the columns of every matching table
/// at hand; see [`Query::view`](super::Query::view).
///
/// A look-up reads where the entity is and then its values, and nothing else.
///
/// # Example
/// ```
/// # use ecs_core::{Component, Description};
/// # use ecs_storage_api::{Query, StorageExt};
/// # struct Health(u32);
/// # impl Component for Health {
/// #     fn describe() -> Description<Self> {
/// #         Description::transient("docs::view::Health")
/// #     }
/// # }
/// # fn heal(storage: &mut dyn ecs_storage_api::Storage, wounded: &[ecs_core::EntityId]) {
/// let mut query: Query<'_, &mut Health> = storage.query_as_mut();
/// let mut view = query.view_mut();
/// for &entity in wounded {
///     if let Some(health) = view.get_mut(entity) {
///         health.0 += 1;
///     }
/// }
/// # }
/// ```
pub struct QueryView<'q, D: QueryData>(pub(super) Lookup<'q, D>);

impl<D: QueryData> QueryView<'_, D> {
    /// Returns what the query gives for one entity, or `None` if it is dead or
    /// does not match.
    ///
    /// # Complexity
    /// O(1).
    #[inline]
    pub fn get(&self, entity: EntityId) -> Option<<D as Fetch>::Item<'_>>
    where
        D: ReadOnlyQueryData,
    {
        self.0.get(entity)
    }

    /// Returns what the query gives for one entity, or `None` if it is dead or
    /// does not match.
    ///
    /// # Complexity
    /// O(1).
    #[inline]
    pub fn get_mut(&mut self, entity: EntityId) -> Option<<D as Fetch>::Item<'_>> {
        self.0.get_mut(entity)
    }

    /// Returns what the query gives for several entities at once, each `None`
    /// if the entity is dead, does not match, or was listed before.
    ///
    /// # Complexity
    /// O(N²) comparisons of ids.
    pub fn get_many_mut<const N: usize>(
        &mut self,
        entities: [EntityId; N],
    ) -> [Option<<D as Fetch>::Item<'_>>; N] {
        self.0.get_many_mut(entities)
    }

    /// Gives what the query gives for each of many entities, in their order, `None` for
    /// one that is dead or does not match.
    ///
    /// Entities without order lie anywhere in memory. This looks a block of them up side
    /// by side, so that memory is waited for once a block, where one [`get`](Self::get)
    /// after another waits for nearly each.
    ///
    /// # Complexity
    /// O(entities).
    #[inline]
    pub fn get_each<'v>(
        &'v self,
        entities: impl IntoIterator<Item = EntityId>,
        each: impl FnMut(EntityId, Option<<D as Fetch>::Item<'v>>),
    ) where
        D: ReadOnlyQueryData,
    {
        self.0.get_each(entities.into_iter(), each);
    }

    /// Gives what the query gives for each of many entities, in their order, `None` for
    /// one that is dead or does not match; as [`get_each`](Self::get_each), to change
    /// them. One that is listed twice is given twice, one time after the other.
    ///
    /// # Complexity
    /// O(entities).
    ///
    /// # Example
    /// ```
    /// # use ecs_core::{Component, Description, EntityId};
    /// # use ecs_storage_api::{Query, StorageExt};
    /// # struct Health(u32);
    /// # impl Component for Health {
    /// #     fn describe() -> Description<Self> {
    /// #         Description::transient("docs::view::Health")
    /// #     }
    /// # }
    /// # fn hurt(storage: &mut dyn ecs_storage_api::Storage, hits: &[(EntityId, u32)]) {
    /// let mut query: Query<'_, &mut Health> = storage.query_as_mut();
    /// let mut harm = hits.iter().map(|(_, harm)| harm);
    /// query.view_mut().get_each_mut(hits.iter().map(|(target, _)| *target), |_, health| {
    ///     let harm = harm.next().expect("there is one for each target");
    ///     if let Some(health) = health {
    ///         health.0 = health.0.saturating_sub(*harm);
    ///     }
    /// });
    /// # }
    /// ```
    #[inline]
    pub fn get_each_mut(
        &mut self,
        entities: impl IntoIterator<Item = EntityId>,
        each: impl FnMut(EntityId, Option<<D as Fetch>::Item<'_>>),
    ) {
        self.0.get_each_mut(entities.into_iter(), each);
    }

    /// Tells whether an entity matches.
    pub fn contains(&self, entity: EntityId) -> bool {
        self.0.contains(entity)
    }
}

impl<D: QueryData> fmt::Debug for QueryView<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueryView").field(&self.0).finish()
    }
}
