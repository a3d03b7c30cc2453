//! Filters: conditions on which entities a query sees.

use std::fmt;

use ecs_core::{Component, ComponentId, Invariant};

use super::matcher::{Answer, Matcher};
use super::row_condition::RowCondition;

mod sealed {
    use super::*;

    /// What a filter asks, behind the public face.
    ///
    /// Queries that run side by side are told apart by what `describe` says, and
    /// look-ups by id go by `answer`: a filter in which the two differ would let
    /// both borrow one value. So nobody else writes filters.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is no filter of a query",
        label = "a query can't be filtered by this",
        note = "filters are `With<C>`, `Without<C>`, `Changed<C>`, `Added<C>`, `Or` and tuples of them; values are asked for in the first parameter"
    )]
    pub trait Condition: 'static {
        /// Whether something is asked of single rows.
        const ROWS: bool = false;

        /// Narrows `matcher`.
        fn describe(matcher: &mut Matcher);

        /// Tells which sets meet the condition; `has` says which hold a
        /// component.
        fn answer<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A;

        /// Returns what is asked of single rows, if anything.
        fn rows() -> Option<RowCondition> {
            None
        }
    }

    /// A tuple of filters of which one must hold.
    pub trait Alternatives: 'static {
        /// Whether one of them asks something of single rows.
        const ROWS: bool;

        /// Returns each as a condition of its own.
        fn describe() -> Vec<Matcher>;

        /// Tells for which sets one of them holds.
        fn answer<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A;

        /// Returns what is asked of single rows, if anything.
        fn rows() -> Option<RowCondition>;
    }
}

pub(crate) use sealed::{Alternatives, Condition};

/// A condition on the components of an entity, without a look at their values.
///
/// Filters are [`With`], [`Without`], [`Changed`], [`Added`], [`Or`] and tuples,
/// which ask for all their members.
pub trait Filter: Condition {}

impl<F: Condition> Filter for F {}

/// Keeps entities that have `C`.
pub struct With<C>(Invariant<C>);

/// Keeps entities that lack `C`.
pub struct Without<C>(Invariant<C>);

/// Keeps entities whose `C` changed since the query was asked last, in a system
/// since it ran last: its value came, was replaced, or was lent for writing,
/// whatever was written then.
///
/// Of a component that is tracked
/// ([`Component::TRACK`](ecs_core::Component::TRACK)) these are exactly the
/// entities that changed. Of others they are the rows of the
/// [pages](crate::PAGE_ROWS) in which something changed, or to which a row came or
/// was moved: never too few.
///
/// To a query that is asked by a shared reference of a store or a world everything is new,
/// since nothing is remembered of it.
///
/// The query sees what matched when it was asked, also by
/// [`get`](super::Query::get) and in a [`view`](super::Query::view). For others
/// it counts as a reader of `C`.
///
/// # Complexity
/// O(pages of the tables with `C`), and of a tracked component O(rows) of the
/// pages in which something changed.
pub struct Changed<C>(Invariant<C>);

/// Keeps entities whose `C` came since the query was asked last, in a system
/// since it ran last. `C` must be tracked; a value that replaces another has not
/// come, but [`Changed`].
///
/// # Complexity
/// As [`Changed`].
pub struct Added<C>(Invariant<C>);

/// Keeps entities that meet one of a tuple of filters.
pub struct Or<T>(Invariant<T>);

impl<C: Component> Condition for With<C> {
    #[inline]
    fn describe(matcher: &mut Matcher) {
        matcher.require(ComponentId::of::<C>());
    }

    #[inline]
    fn answer<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A {
        has(ComponentId::of::<C>())
    }
}

impl<C: Component> Condition for Without<C> {
    #[inline]
    fn describe(matcher: &mut Matcher) {
        matcher.exclude(ComponentId::of::<C>());
    }

    #[inline]
    fn answer<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A {
        !has(ComponentId::of::<C>())
    }
}

impl<C: Component> Condition for Changed<C> {
    const ROWS: bool = true;

    #[inline]
    fn describe(matcher: &mut Matcher) {
        With::<C>::describe(matcher);
    }

    #[inline]
    fn answer<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A {
        With::<C>::answer(has)
    }

    fn rows() -> Option<RowCondition> {
        Some(RowCondition::Changed(ComponentId::of::<C>()))
    }
}

impl<C: Component> Condition for Added<C> {
    const ROWS: bool = true;

    #[inline]
    fn describe(matcher: &mut Matcher) {
        With::<C>::describe(matcher);
    }

    #[inline]
    fn answer<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A {
        With::<C>::answer(has)
    }

    fn rows() -> Option<RowCondition> {
        const {
            assert!(
                C::TRACK,
                "`Added` needs a tracked component: derive it with `#[component(track)]`"
            );
        }
        Some(RowCondition::Added(ComponentId::of::<C>()))
    }
}

impl<T: Alternatives> Condition for Or<T> {
    const ROWS: bool = T::ROWS;

    fn describe(matcher: &mut Matcher) {
        matcher.any_of(T::describe());
    }

    #[inline]
    fn answer<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A {
        T::answer(has)
    }

    fn rows() -> Option<RowCondition> {
        T::rows()
    }
}

// impl<A: Filter, B: Filter> Condition for (A, B) {
//     fn describe(matcher) { A::describe(matcher); B::describe(matcher); }
//     fn answer(has) { ALL & A::answer(has) & B::answer(has) }
//     fn rows() { ROWS.then(All(A::rows(), B::rows())) }
// }
// impl<A: Filter, B: Filter> Alternatives for (A, B) {
//     fn describe() -> Vec<Matcher> { vec![matcher_of::<A>(), matcher_of::<B>()] }
//     fn answer(has) { NONE | A::answer(has) | B::answer(has) }
//     fn rows() { ROWS.then(Any(alternative::<A>(), alternative::<B>())) }
// }
macro_rules! tuple_filter {
    ($($name:ident)*) => {
        impl<$($name: Filter),*> Condition for ($($name,)*) {
            const ROWS: bool = false $(|| $name::ROWS)*;

            #[inline]
            fn describe(_matcher: &mut Matcher) {
                $($name::describe(_matcher);)*
            }

            #[inline]
            fn answer<Sets: Answer>(_has: &impl Fn(ComponentId) -> Sets) -> Sets {
                Sets::ALL $(& $name::answer(_has))*
            }

            fn rows() -> Option<RowCondition> {
                if !<Self as Condition>::ROWS {
                    return None;
                }
                let all: Vec<Option<RowCondition>> = vec![$($name::rows()),*];
                Some(RowCondition::All(all.into_iter().flatten().collect()))
            }
        }

        impl<$($name: Filter),*> Alternatives for ($($name,)*) {
            const ROWS: bool = false $(|| $name::ROWS)*;

            fn describe() -> Vec<Matcher> {
                vec![$(matcher_of::<$name>()),*]
            }

            #[inline]
            fn answer<Sets: Answer>(_has: &impl Fn(ComponentId) -> Sets) -> Sets {
                Sets::NONE $(| $name::answer(_has))*
            }

            fn rows() -> Option<RowCondition> {
                if !<Self as Alternatives>::ROWS {
                    return None;
                }
                Some(RowCondition::Any(vec![$(alternative::<$name>()),*]))
            }
        }
    };
}

fn matcher_of<F: Filter>() -> Matcher {
    let mut matcher = Matcher::new();
    F::describe(&mut matcher);
    matcher
}

/// Returns a filter as one of several, of which the others may let a table match
/// that it does not.
fn alternative<F: Filter>() -> RowCondition {
    let table = RowCondition::Table(matcher_of::<F>());
    RowCondition::All(std::iter::once(table).chain(F::rows()).collect())
}

tuple_filter!();
tuple_filter!(A);
tuple_filter!(A B);
tuple_filter!(A B C);
tuple_filter!(A B C D);
tuple_filter!(A B C D E);
tuple_filter!(A B C D E F);
tuple_filter!(A B C D E F G);
tuple_filter!(A B C D E F G H);
tuple_filter!(A B C D E F G H I);
tuple_filter!(A B C D E F G H I J);
tuple_filter!(A B C D E F G H I J K);
tuple_filter!(A B C D E F G H I J K L);

impl<C> fmt::Debug for With<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "With<{}>", std::any::type_name::<C>())
    }
}

impl<C> fmt::Debug for Without<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Without<{}>", std::any::type_name::<C>())
    }
}

impl<C> fmt::Debug for Changed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Changed<{}>", std::any::type_name::<C>())
    }
}

impl<C> fmt::Debug for Added<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Added<{}>", std::any::type_name::<C>())
    }
}

impl<T> fmt::Debug for Or<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Or<{}>", std::any::type_name::<T>())
    }
}
