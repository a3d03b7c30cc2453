//! Tuples fetch what their members fetch.

use std::ops::Range;

use ecs_core::ComponentId;

use super::{Columns, Fetch, Footprint, ReadOnly};
use crate::changes::Window;
use crate::directory::{Directory, TableId};
use crate::query::matcher::Answer;
use crate::query::shape::QueryShape;

// unsafe impl<A: Fetch, B: Fetch> Fetch for (A, B) {
//     type Static = (A::Static, B::Static);
//     type Columns = (A::Columns, B::Columns);
//     type Item<'w> = (A::Item<'w>, B::Item<'w>);
//     … every method calls A's, then B's.
// }
macro_rules! tuple_fetch {
    ($($name:ident)*) => {
        // SAFETY: the terms of the members, in order; each keeps its promises.
        // That no component is borrowed twice is checked by `QueryShape::check`
        // before records are made.
        #[allow(non_snake_case)]
        unsafe impl<$($name: Fetch),*> Fetch for ($($name,)*) {
            type Static = ($($name::Static,)*);
            type Columns = ($($name::Columns,)*);
            type Item<'w> = ($($name::Item<'w>,)*);
            type Slices<'w> = ($($name::Slices<'w>,)*);
            const READ_ONLY: bool = true $(&& $name::READ_ONLY)*;
            const TERMS: usize = 0 $(+ $name::TERMS)*;
            const WORDS: usize = 0 $(+ $name::WORDS)*;
            const FOOTPRINT: Footprint = Footprint::NONE$(.and($name::FOOTPRINT))*;
            const NONE: Self::Columns = ($($name::NONE,)*);

            #[inline]
            fn footprint(columns: Self::Columns) -> Footprint {
                let ($($name,)*) = columns;
                Footprint::NONE$(.and($name::footprint($name)))*
            }

            #[inline]
            fn describe(shape: &mut QueryShape) {
                $($name::describe(shape);)*
            }

            #[inline]
            fn required<Sets: Answer>(has: &impl Fn(ComponentId) -> Sets) -> Sets {
                Sets::ALL $(& $name::required(has))*
            }

            #[inline]
            fn columns(columns: &mut Columns<'_>) -> Option<Self::Columns> {
                // Each takes its words, whether or not the ones before it found
                // their columns.
                $(let $name = $name::columns(columns);)*
                Some(($($name?,)*))
            }

            #[inline]
            fn look_up(directory: &Directory, table: TableId, window: Window) -> Option<Self::Columns> {
                Some(($($name::look_up(directory, table, window)?,)*))
            }

            #[inline]
            fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
                $($name::words(directory, table, each);)*
            }

            #[inline(always)]
            unsafe fn mark(columns: Self::Columns, rows: Range<usize>) {
                let ($($name,)*) = columns;
                // SAFETY: the caller's, for each member.
                unsafe { $($name::mark($name, rows.clone());)* }
            }

            #[inline(always)]
            unsafe fn mark_row(columns: Self::Columns, row: usize) {
                let ($($name,)*) = columns;
                // SAFETY: the caller's, for each member.
                unsafe { $($name::mark_row($name, row);)* }
            }

            #[inline(always)]
            fn prefetch(columns: Self::Columns, row: usize) {
                let ($($name,)*) = columns;
                $($name::prefetch($name, row);)*
            }

            #[inline]
            unsafe fn item<'w>(columns: Self::Columns, row: usize) -> Self::Item<'w> {
                let ($($name,)*) = columns;
                // SAFETY: the caller's, for each member.
                unsafe { ($($name::item($name, row),)*) }
            }

            #[inline]
            unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> Self::Slices<'w> {
                let ($($name,)*) = columns;
                // SAFETY: the caller's, for each member.
                unsafe { ($($name::slices($name, start, len),)*) }
            }
        }

        impl<$($name: ReadOnly),*> ReadOnly for ($($name,)*) {}
    };
}

tuple_fetch!(A);
tuple_fetch!(A B);
tuple_fetch!(A B C);
tuple_fetch!(A B C D);
tuple_fetch!(A B C D E);
tuple_fetch!(A B C D E F);
tuple_fetch!(A B C D E F G);
tuple_fetch!(A B C D E F G H);
tuple_fetch!(A B C D E F G H I);
tuple_fetch!(A B C D E F G H I J);
tuple_fetch!(A B C D E F G H I J K);
tuple_fetch!(A B C D E F G H I J K L);
