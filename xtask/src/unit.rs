//! Every test and doctest.

use crate::command::{cargo, run};
use crate::report::Report;

pub(crate) fn check(report: &mut Report) {
    report
        .step("tests and doctests", || run(&mut cargo(["test", "--workspace", "--no-fail-fast"])));
}
