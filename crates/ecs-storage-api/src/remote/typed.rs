//! The typed methods of the specification, over any remote backend.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use ecs_core::{Bundle, Component, ComponentId, ComponentSet, EntityId, ErasedValue, ErasedVec};
use futures_core::Stream;

use super::async_storage::AsyncStorage;
use super::error::RemoteError;
use super::query::{Page, Projection, RemoteQuery};
use super::{BoxFuture, BoxStream};
use crate::owned_chunk::OwnedChunk;
use crate::update_batch::UpdateBatch;

/// The typed face of an [`AsyncStorage`], with the specification's names.
pub trait AsyncStorageExt: AsyncStorage {
    /// Returns a component, or `None` if the entity is dead or lacks it.
    ///
    /// # Errors
    /// Those of [`AsyncStorage::get_component_erased_async`].
    fn get_component_async<C: Component>(
        &self,
        entity: EntityId,
    ) -> BoxFuture<'_, Result<Option<C>, RemoteError>> {
        Box::pin(async move {
            let value = self.get_component_erased_async(entity, ComponentId::of::<C>()).await?;
            let wrong = |_| RemoteError::nonsense("a value came of another component");
            value.map(|value| value.downcast().map_err(wrong)).transpose()
        })
    }

    /// Adds or replaces a component.
    ///
    /// # Errors
    /// Those of [`AsyncStorage::set_component_erased_async`].
    fn set_component_async<C: Component>(
        &self,
        entity: EntityId,
        component: C,
    ) -> BoxFuture<'_, Result<(), RemoteError>> {
        self.set_component_erased_async(entity, ErasedValue::new(component))
    }

    /// Takes a component away; tells whether the entity had it.
    ///
    /// # Errors
    /// Those of [`AsyncStorage::remove_component_erased_async`].
    fn remove_component_async<C: Component>(
        &self,
        entity: EntityId,
    ) -> BoxFuture<'_, Result<bool, RemoteError>> {
        self.remove_component_erased_async(entity, ComponentId::of::<C>())
    }

    /// Tells whether the entity lives and has the component.
    ///
    /// # Errors
    /// Those of [`AsyncStorage::has_component_erased_async`].
    fn has_component_async<C: Component>(
        &self,
        entity: EntityId,
    ) -> BoxFuture<'_, Result<bool, RemoteError>> {
        self.has_component_erased_async(entity, ComponentId::of::<C>())
    }

    /// Makes an entity with the components of a bundle.
    ///
    /// # Errors
    /// Those of [`AsyncStorage::apply_updates_async`].
    fn create_async<B: Bundle>(&self, bundle: B) -> BoxFuture<'_, Result<EntityId, RemoteError>> {
        let batch = UpdateBatch::new().spawn(bundle);
        Box::pin(async move {
            let applied = self.apply_updates_async(&batch, None).await;
            let created = applied.map_err(RemoteError::of_single)?.created.first().copied();
            created.ok_or_else(|| RemoteError::nonsense("an entity was made and has no id"))
        })
    }

    /// Finds the entities that have all components of the tuple `D`, in
    /// ascending order, and brings them.
    ///
    /// # Errors
    /// The stream ends after the first, which is one of
    /// [`AsyncStorage::query_erased_async`].
    fn query_async<D: OwnedRow>(&self) -> BoxStream<'_, Result<(EntityId, D), RemoteError>> {
        self.query_rows_async(RemoteQuery::new())
    }

    /// Finds the entities that have the component, in ascending order, and
    /// brings it.
    ///
    /// # Errors
    /// As [`query_async`](Self::query_async).
    fn query_single_async<C: Component>(
        &self,
    ) -> BoxStream<'_, Result<(EntityId, C), RemoteError>> {
        let rows = self.query_async::<(C,)>();
        Box::pin(Single(rows))
    }

    /// As [`query_async`](Self::query_async), among the entities that `query`
    /// asks for; what it projects is replaced by `D`.
    ///
    /// # Errors
    /// As [`query_async`](Self::query_async).
    fn query_rows_async<D: OwnedRow>(
        &self,
        mut query: RemoteQuery,
    ) -> BoxStream<'_, Result<(EntityId, D), RemoteError>> {
        let components = D::components();
        components.iter().for_each(|component| query.matcher.require(component));
        query.projection = Projection::Components(components);
        let pages = self.query_erased_async(query);
        Box::pin(Rows { pages, chunks: Vec::new().into_iter(), rows: None })
    }
}

impl<R: AsyncStorage + ?Sized> AsyncStorageExt for R {}

/// A tuple of components that are brought from far, as values of their own.
///
/// Values are moved out of the chunks they come in; nothing is cloned.
pub trait OwnedRow: Sized + Send + 'static {
    /// Returns the components.
    fn components() -> ComponentSet;

    /// Takes a chunk apart.
    ///
    /// # Errors
    /// [`RemoteError::Backend`] if the chunk lacks one of the components, which
    /// also happens if the tuple names one twice.
    fn rows(chunk: OwnedChunk) -> Result<BoxRows<Self>, RemoteError>;
}

/// Entities and what was brought of them.
type BoxRows<D> = Box<dyn Iterator<Item = (EntityId, D)> + Send>;

/// Takes the values of one component out of a chunk's columns.
fn take_column<C: Component>(columns: &mut Vec<ErasedVec>) -> Result<Vec<C>, RemoteError> {
    let id = ComponentId::of::<C>();
    let at = columns.iter().position(|column| column.id() == id);
    let column = at.and_then(|at| columns.swap_remove(at).into_vec().ok());
    column.ok_or_else(|| RemoteError::nonsense(format!("a chunk came without component `{id}`")))
}

// impl<A: Component, B: Component> OwnedRow for (A, B) {
//     fn components() -> ComponentSet { [ComponentId::of::<A>(), ComponentId::of::<B>()].into_iter().collect() }
//     fn rows(chunk) -> Result<BoxRows<Self>, RemoteError> {
//         let (ids, mut columns) = chunk.into_parts();
//         let mut A = take_column::<A>(&mut columns)?.into_iter();
//         let mut B = take_column::<B>(&mut columns)?.into_iter();
//         Ok(Box::new(ids.into_iter().map_while(move |id| Some((id, (A.next()?, B.next()?))))))
//     }
// }
macro_rules! owned_row {
    ($($name:ident)*) => {
        impl<$($name: Component),*> OwnedRow for ($($name,)*) {
            fn components() -> ComponentSet {
                [$(ComponentId::of::<$name>()),*].into_iter().collect()
            }

            #[allow(non_snake_case)]
            fn rows(chunk: OwnedChunk) -> Result<BoxRows<Self>, RemoteError> {
                let (ids, mut columns) = chunk.into_parts();
                $(let mut $name = take_column::<$name>(&mut columns)?.into_iter();)*
                Ok(Box::new(ids.into_iter().map_while(move |id| Some((id, ($($name.next()?,)*))))))
            }
        }
    };
}

owned_row!(A);
owned_row!(A B);
owned_row!(A B C);
owned_row!(A B C D);
owned_row!(A B C D E);
owned_row!(A B C D E F);
owned_row!(A B C D E F G);
owned_row!(A B C D E F G H);

/// The rows of pages.
struct Rows<'a, D> {
    pages: BoxStream<'a, Result<Page, RemoteError>>,
    chunks: vec::IntoIter<OwnedChunk>,
    rows: Option<BoxRows<D>>,
}

impl<D: OwnedRow> Stream for Rows<'_, D> {
    type Item = Result<(EntityId, D), RemoteError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(row) = self.rows.as_mut().and_then(Iterator::next) {
                return Poll::Ready(Some(Ok(row)));
            }
            if let Some(chunk) = self.chunks.next() {
                self.rows = Some(D::rows(chunk)?);
                continue;
            }
            match ready!(self.pages.as_mut().poll_next(context)) {
                Some(page) => self.chunks = page?.chunks.into_iter(),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// Rows of one component, without the tuple around it.
struct Single<'a, C>(BoxStream<'a, Result<(EntityId, (C,)), RemoteError>>);

impl<C: Component> Stream for Single<'_, C> {
    type Item = Result<(EntityId, C), RemoteError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let row = ready!(self.0.as_mut().poll_next(context));
        Poll::Ready(row.map(|row| row.map(|(entity, (component,))| (entity, component))))
    }
}
