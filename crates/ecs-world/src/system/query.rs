//! Queries as parameters.

use std::fmt;
use std::marker::PhantomData;

use ecs_core::Invariant;
use ecs_storage_api::{Alternatives, Filter, Prepared, Query, QueryData, QueryError};

use super::access::{SystemAccess, SystemError};
use super::param::{ParamContext, SystemParam};

impl<D: QueryData + 'static, F: Filter> SystemParam for Query<'_, D, F> {
    type State = ();
    type Item<'w> = Query<'w, D, F>;

    fn init(access: &mut SystemAccess) -> Result<(), SystemError> {
        access.add_queries([Prepared::of::<D, F>()])
    }

    #[inline]
    fn get<'w>(_state: &'w mut (), context: &mut ParamContext<'w>) -> Query<'w, D, F> {
        Query::new(context.records.next_query())
    }
}

/// Names the queries of a [`QuerySet`]: a tuple of two to four.
pub trait AlternativeQueries: 'static {
    /// Prepares each of them, in order.
    fn prepare() -> Vec<Result<Prepared, QueryError>>;
}

/// Lends queries that borrow the same, of which one is used at a time.
///
/// # Example
/// ```
/// use ecs_storage_api::Query;
/// use ecs_world::QuerySet;
/// # use ecs_core::{Component, Description};
/// # struct Heat(f32);
/// # impl Component for Heat {
/// #     fn describe() -> Description<Self> {
/// #         Description::transient("docs::query_set::Heat")
/// #     }
/// # }
///
/// fn cool(mut heat: QuerySet<(Query<&Heat>, Query<&mut Heat>)>) {
///     let total: f32 = heat.first().iter().map(|heat| heat.0).sum();
///     heat.second().for_each(|heat| heat.0 -= total / 100.0);
/// }
/// ```
pub struct QuerySet<'w, T> {
    queries: Alternatives<'w>,
    types: Invariant<T>,
}

impl<T: AlternativeQueries> SystemParam for QuerySet<'_, T> {
    type State = ();
    type Item<'w> = QuerySet<'w, T>;

    fn init(access: &mut SystemAccess) -> Result<(), SystemError> {
        access.add_queries(T::prepare())
    }

    fn get<'w>(_state: &'w mut (), context: &mut ParamContext<'w>) -> QuerySet<'w, T> {
        QuerySet { queries: context.records.next_alternatives(), types: PhantomData }
    }
}

impl<T> fmt::Debug for QuerySet<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QuerySet").field(&self.queries).finish()
    }
}

// impl AlternativeQueries for (Query<'static, D0, F0>, Query<'static, D1, F1>) { … }
// impl QuerySet<'_, (Query<'_, D0, F0>, Query<'_, D1, F1>)> {
//     pub fn first(&mut self) -> Query<'_, D0, F0> { … }
//     pub fn second(&mut self) -> Query<'_, D1, F1> { … }
// }
macro_rules! query_set {
    ($($data:ident $filter:ident $n:literal $method:ident $which:literal),*) => {
        impl<$($data: QueryData + 'static, $filter: Filter),*> AlternativeQueries
            for ($(Query<'static, $data, $filter>,)*)
        {
            fn prepare() -> Vec<Result<Prepared, QueryError>> {
                vec![$(Prepared::of::<$data, $filter>()),*]
            }
        }

        // Of any lifetimes: a function that leaves them out has one of each.
        impl<$($data: QueryData, $filter: Filter),*>
            QuerySet<'_, ($(Query<'_, $data, $filter>,)*)>
        {
            $(
                #[doc = concat!("Returns the ", $which, " query.")]
                pub fn $method(&mut self) -> Query<'_, $data, $filter> {
                    Query::new(self.queries.records($n))
                }
            )*
        }
    };
}

query_set!(A Fa 0 first "first", B Fb 1 second "second");
query_set!(A Fa 0 first "first", B Fb 1 second "second", C Fc 2 third "third");
query_set!(A Fa 0 first "first", B Fb 1 second "second", C Fc 2 third "third", D Fd 3 fourth "fourth");
