//! Every test and doctest.

use crate::command::{cargo, run};
use crate::report::Report;
use crate::workspace;

pub(crate) fn check(report: &mut Report) {
    report.step("tests and doctests", || {
        run(cargo(["test", "--workspace", "--no-fail-fast"]).args(workspace::EXTRA_FEATURES))
    });
}
