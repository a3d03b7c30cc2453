//! Finished columns, from which entities are made without a loop over rows.

use crate::component::Component;
use crate::erased::ErasedVec;

/// Columns of one length: a tuple of vectors, one a component.
///
/// # Example
/// ```
/// # use ecs_core::{Columns, Component, Description};
/// # macro_rules! component { ($t:ident) => { struct $t; impl Component for $t {
/// #     fn describe() -> Description<Self> { Description::transient(concat!("columns::", stringify!($t))) }
/// # } } }
/// # component!(Position); component!(Velocity);
/// let columns = (vec![Position, Position], vec![Velocity, Velocity]).into_columns();
/// assert_eq!(columns.iter().map(|column| column.len()).collect::<Vec<_>>(), [2, 2]);
/// ```
pub trait Columns {
    /// Hands the vectors over, without copying them.
    fn into_columns(self) -> Vec<ErasedVec>;
}

impl<C: Component> Columns for Vec<C> {
    fn into_columns(self) -> Vec<ErasedVec> {
        vec![ErasedVec::from_vec(self)]
    }
}

// impl<A: Component, B: Component> Columns for (Vec<A>, Vec<B>) {
//     fn into_columns(self) -> Vec<ErasedVec> {
//         let (a, b) = self;
//         vec![ErasedVec::from_vec(a), ErasedVec::from_vec(b)]
//     }
// }
macro_rules! tuple_columns {
    ($($name:ident)*) => {
        impl<$($name: Component),*> Columns for ($(Vec<$name>,)*) {
            fn into_columns(self) -> Vec<ErasedVec> {
                #[allow(non_snake_case)]
                let ($($name,)*) = self;
                vec![$(ErasedVec::from_vec($name)),*]
            }
        }
    };
}

tuple_columns!(A);
tuple_columns!(A B);
tuple_columns!(A B C);
tuple_columns!(A B C D);
tuple_columns!(A B C D E);
tuple_columns!(A B C D E F);
tuple_columns!(A B C D E F G);
tuple_columns!(A B C D E F G H);
tuple_columns!(A B C D E F G H I);
tuple_columns!(A B C D E F G H I J);
tuple_columns!(A B C D E F G H I J K);
tuple_columns!(A B C D E F G H I J K L);
