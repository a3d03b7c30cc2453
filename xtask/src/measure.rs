//! Long runs: benchmarks, and backends against the oracle.

use crate::command::{cargo, run};
use crate::report::Report;

/// Runs the benchmarks, and hands `arguments` on to criterion.
pub(crate) fn bench(report: &mut Report, arguments: &[String]) {
    report.step("benchmarks", || {
        let mut bench = cargo(["bench", "--package", "ecs-benches"]);
        if !arguments.is_empty() {
            bench.arg("--").args(arguments);
        }
        run(&mut bench)
    });
}

/// Compares the backends with the oracle for `ops` operations.
pub(crate) fn differential(report: &mut Report, ops: u64) {
    report.step("differential", || {
        let mut test = cargo(["test", "--release", "--package", "ecs-testkit"]);
        test.args(["--test", "differential", "--", "--nocapture"]);
        run(test.env("ECS_DIFF_OPS", ops.to_string()))
    });
}
