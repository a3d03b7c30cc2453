//! Every interleaving of the counts that threads change without a lock, by loom.
//!
//! All else that threads hand over goes by locks of a library, or by rayon. Numbers that
//! are only drawn or stamped, such as identities and versions of pages, have no more
//! steps than the one.

use crate::command::{cargo, run};
use crate::report::Report;
use crate::workspace;

pub(crate) fn check(report: &mut Report) {
    report.step("loom", || {
        let packages = ["--package", "ecs-core", "--package", "ecs-world"];
        let mut test = cargo(["test", "--lib"].into_iter().chain(packages));
        // What explores few interleavings takes less time than what compiles better.
        test.args(["--config", "profile.dev.opt-level=0"]);
        // A folder of its own, since the flag would build everything anew each time.
        test.arg("--target-dir").arg(workspace::target()?.join("loom"));
        // All others of these tests would run outside of a model.
        test.args(["--", "loom_"]);
        run(test.env("RUSTFLAGS", "--cfg loom"))
    });
}
