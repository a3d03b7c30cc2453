//! Rows that are finished, abandoned, or written wrongly.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::*;
use crate::{BundleBatch, BundleRows, Description, DynBundle, ErasedBundle};

macro_rules! component {
    ($name:ident) => {
        #[derive(Clone, Debug)]
        struct $name(#[expect(dead_code, reason = "counted, not read")] Arc<()>);

        impl Component for $name {
            fn describe() -> Description<Self> {
                Description::transient(concat!("row_writer::", stringify!($name))).cloneable()
            }
        }
    };
}

component!(First);
component!(Second);

/// A bundle that announces `(First, Second)` and puts what it likes.
struct Puts(fn(&mut dyn FnMut(usize)), Arc<()>);

impl Bundle for Puts {
    const COMPONENTS: ComponentList = <(First, Second)>::COMPONENTS;

    fn put_all(self, sink: &mut impl ComponentSink) {
        (self.0)(&mut |which| match which {
            1 => sink.put(First(self.1.clone())),
            _ => sink.put(Second(self.1.clone())),
        });
    }
}

/// Lets `write` write up to four rows of both components, and returns how many
/// values live afterwards, and how many rows were finished.
fn written(write: impl Fn(RowWriter<'_>, &Arc<()>)) -> (usize, usize) {
    let count = Arc::new(());
    let (mut first, mut second) = (Vec::<First>::with_capacity(4), Vec::<Second>::with_capacity(4));
    let mut targets = RowTargets::new(&BundleKind::of::<(First, Second)>());
    targets.set_address(0, NonNull::new(first.as_mut_ptr()).unwrap().cast());
    targets.set_address(1, NonNull::new(second.as_mut_ptr()).unwrap().cast());
    let mut done = 0;
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the vectors have room for four values, and are not touched
        // meanwhile.
        write(unsafe { RowWriter::new(&targets, 0..4, &mut done) }, &count);
    }));
    // SAFETY: so many rows were finished.
    unsafe {
        first.set_len(done);
        second.set_len(done);
    }
    let alive = Arc::strong_count(&count) - 1;
    drop((first, second));
    assert_eq!(Arc::strong_count(&count), 1, "every value is dropped once");
    (alive, done)
}

fn both(count: &Arc<()>) -> (First, Second) {
    (First(count.clone()), Second(count.clone()))
}

#[test]
fn rows_are_written_as_long_as_there_is_room() {
    assert_eq!(written(|rows, count| rows.put_bundle(both(count))), (2, 1));
    let many = |n: usize| {
        written(move |rows, count| {
            let mut bundles = (0..n).map(|_| both(count));
            bundles = rows.put_bundles(bundles);
            assert_eq!(bundles.len(), n.saturating_sub(4), "no bundle is lost");
        })
    };
    assert_eq!([many(0), many(3), many(4), many(9)], [(0, 0), (6, 3), (8, 4), (8, 4)]);
}

#[test]
fn an_iterator_that_panics_leaves_the_rows_before() {
    let outcome = written(|rows, count| {
        let _ = rows.put_bundles((0..4).map(|n| {
            assert!(n < 2, "in the middle");
            both(count)
        }));
    });
    assert_eq!(outcome, (4, 2));
}

#[test]
fn a_batch_whose_iterator_panicked_has_ended_and_drops_the_rest() {
    let outcome = written(|rows, count| {
        let bundles: Vec<_> = (0..4).map(|_| both(count)).collect();
        let mut batch = BundleRows::new(bundles.into_iter().enumerate().map(|(n, bundle)| {
            assert!(n < 2, "in the middle");
            bundle
        }));
        let write = catch_unwind(AssertUnwindSafe(|| batch.write(rows)));
        assert!(write.is_err(), "the panic goes on");
        assert_eq!(Arc::strong_count(count) - 1, 4, "of two rows that were written");
        assert_eq!((batch.size_hint(), batch.take_row(&mut |_| ())), ((0, Some(0)), false));
    });
    assert_eq!(outcome, (4, 2));
}

#[test]
fn a_bundle_that_breaks_its_word_panics_and_leaks_nothing() {
    type Lie = fn(&mut dyn FnMut(usize));
    let lies: [Lie; 6] = [
        |_| (),
        |put| put(1),
        |put| put(2),
        |put| [2, 1].into_iter().for_each(put),
        |put| [1, 2, 2].into_iter().for_each(put),
        |put| {
            put(1);
            panic!("half-way");
        },
    ];
    for lie in lies {
        assert_eq!(written(|rows, count| rows.put_bundle(Puts(lie, count.clone()))), (0, 0));
    }
    let truth: fn(&mut dyn FnMut(usize)) = |put| [1, 2].into_iter().for_each(put);
    assert_eq!(written(|rows, count| rows.put_bundle(Puts(truth, count.clone()))), (2, 1));
}

#[test]
fn bundles_of_other_components_are_refused() {
    let single = |rows: RowWriter<'_>, count: &Arc<()>| rows.put_bundle(First(count.clone()));
    assert_eq!(written(single), (0, 0));
    let turned = |rows: RowWriter<'_>, count: &Arc<()>| {
        let (first, second) = both(count);
        rows.put_bundle((second, first));
    };
    assert_eq!(written(turned), (0, 0));
    let erased = |rows: RowWriter<'_>, count: &Arc<()>| {
        ErasedBundle::of((First(count.clone()),)).write(rows);
    };
    assert_eq!(written(erased), (0, 0));
    assert_eq!(written(|rows, count| ErasedBundle::of(both(count)).write(rows)), (2, 1));
}

/// One of many components.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
struct Nth<const N: usize>(u32);

impl<const N: usize> Component for Nth<N> {
    fn describe() -> Description<Self> {
        const NAMES: [&str; HELD + 2] = [
            "Nth0", "Nth1", "Nth2", "Nth3", "Nth4", "Nth5", "Nth6", "Nth7", "Nth8", "Nth9",
            "Nth10", "Nth11", "Nth12", "Nth13", "Nth14", "Nth15", "Nth16", "Nth17",
        ];
        Description::transient(NAMES[N])
    }
}

#[test]
fn rows_of_more_components_than_addresses_are_held_are_written_too() {
    macro_rules! bundle {
        ($row:expr; $($n:literal)*) => { ($(Nth::<$n>($row * 100 + $n),)*) };
    }
    let row = |row: u32| (bundle!(row; 0 1 2 3 4 5 6 7 8), bundle!(row; 9 10 11 12 13 14 15 16 17));
    let mut columns = [[0u32; 5]; HELD + 2];
    fn kind_of<B: Bundle>(_: &B) -> BundleKind {
        BundleKind::of::<B>()
    }
    let mut targets = RowTargets::new(&kind_of(&row(0)));
    for (at, column) in columns.iter_mut().enumerate() {
        targets.set_address(at, NonNull::from(column).cast());
    }
    let mut done = 0;
    // SAFETY: each column has five places, and is not touched meanwhile.
    let rows = unsafe { RowWriter::new(&targets, 1..4, &mut done) };
    let rest = rows.put_bundles((0..5).map(row));
    assert_eq!((done, rest.len()), (3, 2));
    for (column, at) in columns.iter().zip(0..) {
        assert_eq!(*column, [0, at, 100 + at, 200 + at, 0], "component {at}");
    }
}
