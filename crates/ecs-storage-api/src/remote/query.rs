//! What a remote store is asked for, and the pages it answers with.

use ecs_core::{Component, ComponentId, ComponentSet, EntityId};

use super::field::{Comparison, FieldCondition, FieldValue};
use super::version::Version;
use crate::owned_chunk::OwnedChunk;
use crate::query::{Filter, Matcher};

/// Asks a remote store for entities: which ones, and which of their components.
///
/// Everything here can be pushed down to a database: the condition is a
/// [`Matcher`], whose parts can be read; pages follow each other by id, so one
/// begins where the last one ended.
///
/// # Example
/// ```
/// # use ecs_core::{Component, Description};
/// # macro_rules! component { ($t:ident) => { struct $t; impl Component for $t {
/// #     fn describe() -> Description<Self> { Description::transient(concat!("remote::", stringify!($t))) }
/// # } } }
/// # component!(Position); component!(Velocity); component!(Asleep);
/// use ecs_storage_api::{RemoteQuery, Without};
///
/// let moving = RemoteQuery::new()
///     .read::<Position>()
///     .read::<Velocity>()
///     .filter::<Without<Asleep>>()
///     .page_size(500);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RemoteQuery {
    /// Which components to bring.
    pub projection: Projection,
    /// What an entity must have and lack.
    pub matcher: Matcher,
    /// How fields of its components must compare.
    pub conditions: Vec<FieldCondition>,
    /// Only these entities, if given, in any order.
    pub among: Option<Vec<EntityId>>,
    /// Only entities with a greater id: where an earlier stream ended.
    pub after: Option<EntityId>,
    /// How many entities a page is to have: a hint.
    pub page_size: usize,
}

/// Which components a remote store is to bring.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Projection {
    /// Those of this set that the entity has; none, if the set is empty.
    Components(ComponentSet),
    /// Every persistent one that the entity has, as in a snapshot. A component
    /// that this process has not registered is an error, not a gap.
    All,
}

/// A part of a query's answer.
///
/// Every entity of a page has a greater id than those of the pages before, and
/// at most [`resume`](Self::resume). Inside a page entities are grouped by the
/// components that were brought, each group in ascending order of id.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page {
    /// The entities with what was asked for of each; can be empty.
    pub chunks: Vec<OwnedChunk>,
    /// Where the page ends: a query [`after`](RemoteQuery::after) this id goes
    /// on with the next page.
    pub resume: EntityId,
    /// The version of the store that the page was read at.
    pub version: Version,
}

impl RemoteQuery {
    /// How many entities a page is to have unless the query says otherwise.
    pub const PAGE_SIZE: usize = 1024;

    /// Asks for the ids of all entities.
    pub fn new() -> Self {
        Self {
            projection: Projection::Components(ComponentSet::new()),
            matcher: Matcher::new(),
            conditions: Vec::new(),
            among: None,
            after: None,
            page_size: Self::PAGE_SIZE,
        }
    }

    /// Brings a component, and leaves out entities that lack it.
    pub fn read<C: Component>(self) -> Self {
        self.read_erased(ComponentId::of::<C>())
    }

    /// Brings a component, and leaves out entities that lack it.
    pub fn read_erased(mut self, component: ComponentId) -> Self {
        self.matcher.require(component);
        self.bring(component)
    }

    /// Brings a component where it is there.
    pub fn read_optional<C: Component>(self) -> Self {
        self.bring(ComponentId::of::<C>())
    }

    /// Brings a component where it is there.
    pub fn bring(mut self, component: ComponentId) -> Self {
        if let Projection::Components(components) = &mut self.projection {
            components.insert(component);
        }
        self
    }

    /// Brings every persistent component.
    pub fn all(mut self) -> Self {
        self.projection = Projection::All;
        self
    }

    /// Leaves out entities that do not meet `F`.
    pub fn filter<F: Filter>(mut self) -> Self {
        F::describe(&mut self.matcher);
        self
    }

    /// Leaves out entities that do not meet a condition.
    pub fn matching(mut self, matcher: Matcher) -> Self {
        self.matcher.any_of(vec![matcher]);
        self
    }

    /// Leaves out entities that lack a component, or of whose value a field does not
    /// compare in that way: `compare::<Person>("age", Comparison::Less, 18u8)`. A
    /// tuple's fields are called by their numbers.
    pub fn compare<C: Component>(
        mut self,
        field: impl Into<String>,
        comparison: Comparison,
        value: impl Into<FieldValue>,
    ) -> Self {
        let component = ComponentId::of::<C>();
        self.matcher.require(component);
        let (field, value) = (field.into(), value.into());
        self.conditions.push(FieldCondition { component, field, comparison, value });
        self
    }

    /// Leaves out every entity but these.
    pub fn among(mut self, entities: impl IntoIterator<Item = EntityId>) -> Self {
        self.among = Some(entities.into_iter().collect());
        self
    }

    /// Begins behind an id: that which a [`Page`] named, or any other.
    pub fn after(mut self, entity: EntityId) -> Self {
        self.after = Some(entity);
        self
    }

    /// Says how many entities a page is to have. A backend may give fewer, and
    /// takes 0 for 1.
    pub fn page_size(mut self, entities: usize) -> Self {
        self.page_size = entities;
        self
    }
}

impl Default for RemoteQuery {
    fn default() -> Self {
        Self::new()
    }
}

impl Page {
    /// Puts a page together; for backends.
    pub fn new(chunks: Vec<OwnedChunk>, resume: EntityId, version: Version) -> Self {
        Self { chunks, resume, version }
    }

    /// Returns how many entities there are.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(OwnedChunk::len).sum()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the entities in ascending order.
    pub fn into_ids(self) -> Vec<EntityId> {
        let ids = self.chunks.into_iter().flat_map(|chunk| chunk.into_parts().0);
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        ids
    }
}
