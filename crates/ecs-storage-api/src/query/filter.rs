//! Filters: conditions on which entities a query sees.

use std::fmt;
use std::marker::PhantomData;

use ecs_core::{Component, ComponentId};

use super::matcher::Matcher;

/// A condition on the components of an entity, without a look at their values.
///
/// Filters are [`With`], [`Without`], [`Or`] and tuples, which ask for all
/// their members.
pub trait Filter: 'static {
    /// Narrows `matcher`.
    fn describe(matcher: &mut Matcher);

    /// Tells whether a set meets the condition; `has` says what it holds.
    fn holds(has: &impl Fn(ComponentId) -> bool) -> bool;
}

/// A tuple of filters of which one must hold.
pub trait Alternatives: 'static {
    /// Returns each as a condition of its own.
    fn describe() -> Vec<Matcher>;

    /// Tells whether one of them holds.
    fn holds(has: &impl Fn(ComponentId) -> bool) -> bool;
}

/// Keeps entities that have `C`.
pub struct With<C>(PhantomData<fn() -> C>);

/// Keeps entities that lack `C`.
pub struct Without<C>(PhantomData<fn() -> C>);

/// Keeps entities that meet one of a tuple of filters.
pub struct Or<T>(PhantomData<fn() -> T>);

impl<C: Component> Filter for With<C> {
    #[inline]
    fn describe(matcher: &mut Matcher) {
        matcher.require(ComponentId::of::<C>());
    }

    #[inline]
    fn holds(has: &impl Fn(ComponentId) -> bool) -> bool {
        has(ComponentId::of::<C>())
    }
}

impl<C: Component> Filter for Without<C> {
    #[inline]
    fn describe(matcher: &mut Matcher) {
        matcher.exclude(ComponentId::of::<C>());
    }

    #[inline]
    fn holds(has: &impl Fn(ComponentId) -> bool) -> bool {
        !has(ComponentId::of::<C>())
    }
}

impl<T: Alternatives> Filter for Or<T> {
    fn describe(matcher: &mut Matcher) {
        matcher.any_of(T::describe());
    }

    #[inline]
    fn holds(has: &impl Fn(ComponentId) -> bool) -> bool {
        T::holds(has)
    }
}

// impl<A: Filter, B: Filter> Filter for (A, B) {
//     fn describe(matcher) { A::describe(matcher); B::describe(matcher); }
//     fn holds(has) -> bool { A::holds(has) && B::holds(has) }
// }
// impl<A: Filter, B: Filter> Alternatives for (A, B) {
//     fn describe() -> Vec<Matcher> { vec![matcher_of::<A>(), matcher_of::<B>()] }
//     fn holds(has) -> bool { A::holds(has) || B::holds(has) }
// }
macro_rules! tuple_filter {
    ($($name:ident)*) => {
        impl<$($name: Filter),*> Filter for ($($name,)*) {
            #[inline]
            fn describe(_matcher: &mut Matcher) {
                $($name::describe(_matcher);)*
            }

            #[inline]
            fn holds(_has: &impl Fn(ComponentId) -> bool) -> bool {
                true $(&& $name::holds(_has))*
            }
        }

        impl<$($name: Filter),*> Alternatives for ($($name,)*) {
            fn describe() -> Vec<Matcher> {
                vec![$(matcher_of::<$name>()),*]
            }

            #[inline]
            fn holds(_has: &impl Fn(ComponentId) -> bool) -> bool {
                false $(|| $name::holds(_has))*
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
