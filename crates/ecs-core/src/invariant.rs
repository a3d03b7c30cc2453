//! What stands for a type.

use std::marker::PhantomData;

/// Stands for a type of which no value is held, and makes what has it invariant in that.
///
/// Components are told apart by their types, of which one may be the subtype of another:
/// `for<'a> fn(&'a str)` of `fn(&'static str)`. What was made for the one must not become
/// something for the other.
pub type Invariant<T> = PhantomData<fn(T) -> T>;
