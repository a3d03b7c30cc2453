//! ThreadSanitizer over the tests that use several threads.
//!
//! The standard library comes without its instrumentation, so what its slow paths
//! do is not seen: of the waits of a pool, of the channels by which the test
//! harness gets its results. `xtask/tsan.txt` silences reports whose topmost frame
//! is rayon's, and no others; library calls of code that is not instrumented, such
//! as `free`, are not looked at. That a race of our own would still be seen is
//! proved each time, by one that is planted.

use std::process::{Command, Stdio};

use crate::asan::missing;
use crate::command::{nightly, run, show, works};
use crate::report::{Report, StepResult, Verdict};
use crate::workspace::{self, root};

const TARGET: &str = "x86_64-unknown-linux-gnu";
/// With the name that lets crossbeam's deques, which rayon uses, do without fences:
/// ThreadSanitizer does not know those.
const SANITIZE: &str = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer \
                        --cfg crossbeam_sanitize_thread";
/// By name, since others only compile.
const TESTS: [&str; 4] = ["changes", "determinism", "schedule", "world"];
const SUPPRESSIONS: &str = "xtask/tsan.txt";
const REPORTED: &str = "WARNING: ThreadSanitizer: data race";

pub(crate) fn check(report: &mut Report) {
    if !works(nightly(["rustc", "--version"])) {
        report.step("ThreadSanitizer", missing);
        return;
    }
    report.step("ThreadSanitizer: suppressions", suppressions);
    report.step("ThreadSanitizer: planted race", planted);
    report.step("ThreadSanitizer: tests", || {
        let tests = TESTS.iter().flat_map(|test| ["--test", test]);
        let mut test = sanitized("test", ["--no-fail-fast", "--lib"].into_iter().chain(tests))?;
        // Fewer schedules: every memory access costs ten of them.
        run(test.env("ECS_DETERMINISM_CASES", "3"))
    });
}

/// Checks that no line silences more than a report's topmost frame: `race:` of a
/// pool's crate would silence everything that runs on it.
fn suppressions() -> StepResult {
    let text = std::fs::read_to_string(root().join(SUPPRESSIONS))
        .map_err(|error| format!("{SUPPRESSIONS}: {error}"))?;
    match text.lines().find(|line| !silences_the_top_alone(line)) {
        Some(line) => Err(format!("{SUPPRESSIONS}: `{line}` is not a `race_top:`")),
        None => Ok(Verdict::Passed),
    }
}

fn silences_the_top_alone(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#') || line.starts_with("race_top:")
}

/// Runs a program that races, which must be reported.
fn planted() -> StepResult {
    let mut race = sanitized("run", ["--example", "planted_race"])?;
    println!("$ {}", show(&race));
    let output = race
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    let words = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    let seen = words.contains(REPORTED) && words.contains("planted_write");
    match seen && !output.status.success() {
        true => Ok(Verdict::Passed),
        false => Err(format!("a race under `rayon::join` was not reported:\n{words}")),
    }
}

fn sanitized<'a>(
    verb: &str,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Result<Command, String> {
    let mut cargo = nightly(["cargo", verb, "--target", TARGET, "--package", "ecs-world"]);
    // The suppressions name paths, which functions that are inlined have in full debug
    // information alone.
    cargo.args(["--config", "profile.dev.debug=true"]);
    cargo.args(["--config", r#"profile.dev.package."*".debug=true"#]);
    // A folder of its own, since other flags would build everything anew each
    // time.
    cargo.arg("--target-dir").arg(workspace::target()?.join("tsan")).args(arguments);
    cargo.env("RUSTFLAGS", SANITIZE);
    let suppressions = root().join(SUPPRESSIONS);
    let options = format!("ignore_interceptors_accesses=1 suppressions={}", suppressions.display());
    cargo.env("TSAN_OPTIONS", options);
    Ok(cargo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_top_of_a_report_may_be_silenced() {
        for line in ["", "# why", "race_top:std::sync::", "  race_top:rayon_core::"] {
            assert!(silences_the_top_alone(line), "{line}");
        }
        for line in ["race:rayon_core", "called_from_lib:libstd", "thread:spawn", "race_to:std"] {
            assert!(!silences_the_top_alone(line), "{line}");
        }
    }
}
