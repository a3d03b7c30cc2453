//! Formatting and clippy.

use crate::command::{cargo, run};
use crate::report::Report;
use crate::workspace;

pub(crate) fn check(report: &mut Report) {
    report.step("formatting", || run(&mut cargo(["fmt", "--all", "--check"])));
    report.step("formatting of the fuzz targets", || {
        run(&mut cargo(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
    });
    report.step("clippy", || {
        let mut clippy = cargo(["clippy", "--workspace", "--all-targets"]);
        run(clippy.args(workspace::EXTRA_FEATURES).args(["--", "-D", "warnings"]))
    });
}
