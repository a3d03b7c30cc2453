//! The documentation of every item.

use crate::command::{cargo, run};
use crate::report::Report;

pub(crate) fn check(report: &mut Report) {
    report.step("documentation", || {
        let mut doc = cargo(["doc", "--workspace", "--no-deps"]);
        run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    });
}
