//! Filters: conditions on which entities a query sees.

use std::fmt;
use std::marker::PhantomData;

use ecs_core::{Component, ComponentId};

use super::matcher::{Answer, Matcher};

mod sealed {
    use super::*;

    /// What a filter asks, behind the public face.
    ///
    /// Queries that run side by side are told apart by what `describe` says, and
    /// look-ups by id go by `answer`: a filter in which the two differ would let
    /// both borrow one value. So nobody else writes filters.
    pub trait Condition: 'static {
        /// Narrows `matcher`.
        fn describe(matcher: &mut Matcher);

        /// Tells which sets meet the condition; `has` says which hold a
        /// component.
        fn answer<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A;
    }

    /// A tuple of filters of which one must hold.
    pub trait Alternatives: 'static {
        /// Returns each as a condition of its own.
        fn describe() -> Vec<Matcher>;

        /// Tells for which sets one of them holds.
        fn answer<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A;
    }
}

pub(crate) use sealed::{Alternatives, Condition};

/// A condition on the components of an entity, without a look at their values.
///
/// Filters are [`With`], [`Without`], [`Or`] and tuples, which ask for all
/// their members.
pub trait Filter: Condition {}

impl<F: Condition> Filter for F {}

/// Keeps entities that have `C`.
pub struct With<C>(PhantomData<fn() -> C>);

/// Keeps entities that lack `C`.
pub struct Without<C>(PhantomData<fn() -> C>);

/// Keeps entities that meet one of a tuple of filters.
pub struct Or<T>(PhantomData<fn() -> T>);

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

impl<T: Alternatives> Condition for Or<T> {
    fn describe(matcher: &mut Matcher) {
        matcher.any_of(T::describe());
    }

    #[inline]
    fn answer<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A {
        T::answer(has)
    }
}

// impl<A: Filter, B: Filter> Condition for (A, B) {
//     fn describe(matcher) { A::describe(matcher); B::describe(matcher); }
//     fn answer(has) { ALL & A::answer(has) & B::answer(has) }
// }
// impl<A: Filter, B: Filter> Alternatives for (A, B) {
//     fn describe() -> Vec<Matcher> { vec![matcher_of::<A>(), matcher_of::<B>()] }
//     fn answer(has) { NONE | A::answer(has) | B::answer(has) }
// }
macro_rules! tuple_filter {
    ($($name:ident)*) => {
        impl<$($name: Filter),*> Condition for ($($name,)*) {
            #[inline]
            fn describe(_matcher: &mut Matcher) {
                $($name::describe(_matcher);)*
            }

            #[inline]
            fn answer<Sets: Answer>(_has: &impl Fn(ComponentId) -> Sets) -> Sets {
                Sets::ALL $(& $name::answer(_has))*
            }
        }

        impl<$($name: Filter),*> Alternatives for ($($name,)*) {
            fn describe() -> Vec<Matcher> {
                vec![$(matcher_of::<$name>()),*]
            }

            #[inline]
            fn answer<Sets: Answer>(_has: &impl Fn(ComponentId) -> Sets) -> Sets {
                Sets::NONE $(| $name::answer(_has))*
            }
        }
    };
}

fn matcher_of<F: Filter>() -> Matcher {
    let mut matcher = Matcher::new();
    F::describe(&mut matcher);
    matcher
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

impl<T> fmt::Debug for Or<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Or<{}>", std::any::type_name::<T>())
    }
}
