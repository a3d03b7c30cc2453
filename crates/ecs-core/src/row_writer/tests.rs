//! Rows that are finished, abandoned, or written wrongly.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::*;
use crate::Description;

#[derive(Clone, Debug, PartialEq)]
struct Counted(Arc<()>);

impl Component for Counted {
    fn describe() -> Description<Self> {
        Description::transient("row_writer::Counted").cloneable()
    }
}

struct Plain;

impl Component for Plain {
    fn describe() -> Description<Self> {
        Description::transient("row_writer::Plain")
    }
}

#[test]
fn an_unfinished_row_drops_what_was_written() {
    let count = Arc::new(());
    let info = ComponentId::of::<Counted>().info();
    let mut column = Vec::<Counted>::with_capacity(4);
    let first = NonNull::new(column.as_mut_ptr()).unwrap().cast();
    let targets = [RowTarget::new(info, first, false); 1];
    let mut done = 0;
    // SAFETY: the vector has room for four values, and is not touched meanwhile.
    let mut rows = unsafe { RowWriter::new(&targets, 0..column.capacity(), &mut done) };
    rows.put(Counted(count.clone()));
    assert!(rows.finish_row());
    assert!(!rows.finish_row(), "an empty row is not complete");
    rows.put(Counted(count.clone()));
    drop(rows);
    assert_eq!((done, Arc::strong_count(&count)), (1, 2));
    // SAFETY: one row was finished.
    unsafe { column.set_len(done) };
    drop(column);
    assert_eq!(Arc::strong_count(&count), 1);
}

#[test]
fn a_bundle_that_puts_what_it_did_not_announce_panics_and_leaks_nothing() {
    let count = Arc::new(());
    let info = ComponentId::of::<Counted>().info();
    let mut column = Vec::<Counted>::with_capacity(1);
    let first = NonNull::new(column.as_mut_ptr()).unwrap().cast();
    let targets = [RowTarget::new(info, first, false)];
    let mut done = 0;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the vector has room for a value, and is not touched meanwhile.
        let mut rows = unsafe { RowWriter::new(&targets, 0..column.capacity(), &mut done) };
        rows.put(Counted(count.clone()));
        rows.put(Plain);
    }));
    assert!(outcome.is_err());
    assert_eq!((done, Arc::strong_count(&count)), (0, 1));
}

#[test]
fn overwritten_values_return_when_the_row_is_abandoned() {
    let (old, new) = (Arc::new(()), Arc::new(()));
    let mut column = vec![Counted(old.clone())];
    let first = NonNull::new(column.as_mut_ptr()).unwrap().cast();
    let targets = [RowTarget::new(ComponentId::of::<Counted>().info(), first, true); 2];
    let mut done = 0;
    // SAFETY: one valid value lies there, and only the first target is used.
    let mut rows = unsafe { RowWriter::new(&targets, 0..column.capacity(), &mut done) };
    rows.put(Counted(new.clone()));
    drop(rows);
    assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (2, 1));
    assert!(Arc::ptr_eq(&column[0].0, &old));
}
