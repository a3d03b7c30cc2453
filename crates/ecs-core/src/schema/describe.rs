//! Types that know their schema, and how schemas nest.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::marker::PhantomData;
use std::num::{NonZero, Wrapping};
use std::rc::Rc;
use std::sync::Arc;

use super::{Field, Schema};
use crate::EntityId;

/// A type that knows what its values consist of.
///
/// Every type that derives `Component` has it; others derive `HasSchema`, to be
/// seen through where they are fields. Here it is written for primitive types,
/// text, ids, arrays, tuples of up to eight, and std's containers, pointers and
/// wrappers; numbers that are never zero count as numbers.
///
/// # Example
/// ```
/// use ecs_core::{Field, HasSchema, Nesting, Schema};
///
/// struct Tree {
///     children: Vec<Tree>,
/// }
/// // What the derive writes, by hand:
/// impl HasSchema for Tree {
///     fn schema(within: &mut Nesting) -> Schema {
///         within.enter::<Self>("Tree", |within| {
///             let children = Field::new("children", <Vec<Tree>>::schema(within));
///             Schema::Struct(vec![children.at(std::mem::offset_of!(Self, children))])
///         })
///     }
/// }
/// assert_eq!(Schema::of::<Tree>().to_string(), "{children: list<opaque(Tree)>}");
/// ```
pub trait HasSchema: 'static {
    /// Describes the type, inside of those that are being described.
    ///
    /// [`Schema::of`] is the way to call it from outside.
    fn schema(within: &mut Nesting) -> Schema;
}

/// The types that are being described, outermost first.
#[derive(Debug, Default)]
pub struct Nesting(Vec<TypeId>);

impl Nesting {
    /// Describes `T` by `describe`, or as [`Schema::Opaque`] under this name where
    /// `T` is inside itself: so a description ends.
    pub fn enter<T: 'static>(
        &mut self,
        name: &str,
        describe: impl FnOnce(&mut Self) -> Schema,
    ) -> Schema {
        let this = TypeId::of::<T>();
        if self.0.contains(&this) {
            return Schema::Opaque(name.to_owned());
        }
        self.0.push(this);
        let schema = describe(self);
        self.0.pop();
        schema
    }
}

macro_rules! plain {
    ($($type:ty => $schema:ident),* $(,)?) => {
        $(impl HasSchema for $type {
            fn schema(_: &mut Nesting) -> Schema {
                Schema::$schema
            }
        })*
    };
}

plain! {
    bool => Bool,
    i8 => I8, i16 => I16, i32 => I32, i64 => I64, i128 => I128, isize => Isize,
    u8 => U8, u16 => U16, u32 => U32, u64 => U64, u128 => U128, usize => Usize,
    f32 => F32, f64 => F64,
    char => Char, String => String, str => String,
    EntityId => Entity, () => Unit,
    NonZero<i8> => I8, NonZero<i16> => I16, NonZero<i32> => I32, NonZero<i64> => I64,
    NonZero<i128> => I128, NonZero<isize> => Isize,
    NonZero<u8> => U8, NonZero<u16> => U16, NonZero<u32> => U32, NonZero<u64> => U64,
    NonZero<u128> => U128, NonZero<usize> => Usize,
}

// What serde writes as if it were what is inside.
macro_rules! transparent {
    ($([$($bounds:tt)*] $type:ty => $inside:ty),* $(,)?) => {
        $(impl<$($bounds)*> HasSchema for $type {
            fn schema(within: &mut Nesting) -> Schema {
                <$inside>::schema(within)
            }
        })*
    };
}

transparent! {
    [T: HasSchema + ?Sized] Box<T> => T,
    [T: HasSchema + ?Sized] Rc<T> => T,
    [T: HasSchema + ?Sized] Arc<T> => T,
    [T: HasSchema + ?Sized] &'static T => T,
    [T: HasSchema + ToOwned + ?Sized] Cow<'static, T> => T,
    [T: HasSchema] Wrapping<T> => T,
}

macro_rules! list {
    ($([$($bounds:tt)*] $type:ty),* $(,)?) => {
        $(impl<T: HasSchema, $($bounds)*> HasSchema for $type {
            fn schema(within: &mut Nesting) -> Schema {
                Schema::List(Box::new(T::schema(within)))
            }
        })*
    };
}

list! {
    [] [T],
    [] Vec<T>,
    [] VecDeque<T>,
    [] BinaryHeap<T>,
    [] BTreeSet<T>,
    [S: 'static] HashSet<T, S>,
}

impl<T: HasSchema> HasSchema for Option<T> {
    fn schema(within: &mut Nesting) -> Schema {
        Schema::Option(Box::new(T::schema(within)))
    }
}

impl<T: HasSchema, const N: usize> HasSchema for [T; N] {
    fn schema(within: &mut Nesting) -> Schema {
        Schema::Array(Box::new(T::schema(within)), N)
    }
}

impl<K: HasSchema, V: HasSchema> HasSchema for BTreeMap<K, V> {
    fn schema(within: &mut Nesting) -> Schema {
        Schema::Map(Box::new(K::schema(within)), Box::new(V::schema(within)))
    }
}

impl<K: HasSchema, V: HasSchema, S: 'static> HasSchema for HashMap<K, V, S> {
    fn schema(within: &mut Nesting) -> Schema {
        Schema::Map(Box::new(K::schema(within)), Box::new(V::schema(within)))
    }
}

impl<T: ?Sized + 'static> HasSchema for PhantomData<T> {
    fn schema(_: &mut Nesting) -> Schema {
        Schema::Unit
    }
}

macro_rules! tuples {
    ($($($letter:ident $number:literal)+;)*) => {
        $(impl<$($letter: HasSchema),+> HasSchema for ($($letter,)+) {
            fn schema(within: &mut Nesting) -> Schema {
                Schema::Tuple(vec![$(Field::new($number, $letter::schema(within))),+])
            }
        })*
    };
}

tuples! {
    A "0";
    A "0" B "1";
    A "0" B "1" C "2";
    A "0" B "1" C "2" D "3";
    A "0" B "1" C "2" D "3" E "4";
    A "0" B "1" C "2" D "3" E "4" F "5";
    A "0" B "1" C "2" D "3" E "4" F "5" G "6";
    A "0" B "1" C "2" D "3" E "4" F "5" G "6" H "7";
}

/// Lets the derives describe the type of a field without asking that it be
/// [`HasSchema`].
///
/// Method lookup on `Probe<T>` prefers the method of the type, which exists where
/// the bound holds, and falls back to that of the trait.
#[doc(hidden)]
pub mod probe {
    use super::{HasSchema, Nesting, PhantomData, Schema};

    /// The thing that is asked.
    #[derive(Debug)]
    pub struct Probe<T: ?Sized>(pub PhantomData<fn() -> PhantomData<T>>);

    impl<T: HasSchema + ?Sized> Probe<T> {
        pub fn schema(&self, within: &mut Nesting, _: &str) -> Schema {
            T::schema(within)
        }
    }

    /// The answer where the bound does not hold.
    pub trait Unknown {
        fn schema(&self, _: &mut Nesting, written: &str) -> Schema {
            Schema::Opaque(written.to_owned())
        }
    }

    impl<T: ?Sized> Unknown for Probe<T> {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<T: HasSchema>() -> String {
        Schema::of::<T>().to_string()
    }

    #[test]
    fn standard_types_are_described() {
        assert_eq!(text::<[Option<EntityId>; 2]>(), "[option<entity>; 2]");
        assert_eq!(text::<HashMap<String, (u8, Box<[char]>)>>(), "map<string, (u8, list<char>)>");
        assert_eq!(text::<BTreeMap<u64, HashSet<NonZero<u16>>>>(), "map<u64, list<u16>>");
        assert_eq!(text::<(Arc<str>, Cow<'static, [f64]>, ())>(), "(string, list<f64>, ())");
        assert_eq!(text::<(Wrapping<i8>, PhantomData<str>, &'static str)>(), "(i8, (), string)");
    }

    #[test]
    fn a_size_is_known_where_it_follows_from_the_schema() {
        assert_eq!(Schema::of::<[[f32; 3]; 2]>().size(), Some(size_of::<[[f32; 3]; 2]>()));
        assert_eq!(Schema::of::<EntityId>().size(), Some(8));
        assert_eq!(Schema::of::<Vec<u8>>().size(), None);
        assert_eq!(Schema::Array(Box::new(Schema::U64), usize::MAX).size(), None);
    }

    #[test]
    fn a_type_twice_side_by_side_is_not_inside_itself() {
        struct Leaf;
        impl HasSchema for Leaf {
            fn schema(within: &mut Nesting) -> Schema {
                within.enter::<Self>("Leaf", |_| Schema::Struct(vec![]))
            }
        }
        assert_eq!(text::<(Leaf, Leaf)>(), "({}, {})");
    }
}
