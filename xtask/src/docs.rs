//! The documentation of every item.

use crate::command::{cargo, run};
use crate::report::Report;
use crate::workspace;

pub(crate) fn check(report: &mut Report) {
    report.step("documentation", || {
        // Of the default members: the peers that benchmarks compare with are not
        // built for this.
        let mut doc = cargo(["doc", "--no-deps"]);
        run(doc.args(workspace::EXTRA_FEATURES).env("RUSTDOCFLAGS", "-D warnings"))
    });
}
