//! Instruction counts of the hot paths, beside those kept in the repository.
//!
//! Callgrind counts what a processor is asked to do, which a busy machine does
//! not change; so a slow-down shows where a clock would show noise.

mod counts;
mod runner;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::command::{cargo, works};
use crate::report::{Report, StepResult, Verdict};
use crate::workspace;
use counts::Counts;

/// Counts, and compares with what is kept, or keeps what was counted.
pub(crate) fn check(report: &mut Report, update: bool) {
    report.step("instruction counts", || {
        let mut valgrind = Command::new("valgrind");
        valgrind.arg("--version");
        if !works(valgrind) {
            let words = "valgrind is not installed (apt-get install valgrind)";
            return Ok(Verdict::Skipped(words.to_owned()));
        }
        let counted = count()?;
        if update { keep(&counted) } else { counts::compare(&read_kept()?, &counted) }
    });
}

/// Where the kept counts lie.
fn kept() -> PathBuf {
    workspace::root().join("benches/instructions/counts.json")
}

fn read_kept() -> Result<Counts, String> {
    let text = std::fs::read(kept()).map_err(|error| format!("{}: {error}", kept().display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", kept().display()))
}

fn keep(counted: &Counts) -> StepResult {
    let text = serde_json::to_string_pretty(counted).map_err(|error| error.to_string())?;
    std::fs::write(kept(), text + "\n")
        .map_err(|error| format!("{}: {error}", kept().display()))?;
    println!("{} counts kept in {}", counted.len(), kept().display());
    Ok(Verdict::Passed)
}

/// Runs the benchmarks under callgrind.
fn count() -> Result<Counts, String> {
    let target = workspace::target()?;
    let runner = runner::installed(&target)?;
    let home = target.join("instructions");
    // What an earlier run left there would be compared with once more.
    if home.exists() {
        std::fs::remove_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    }
    let mut bench = cargo(["bench", "--package", "ecs-instructions", "--"]);
    bench.arg("--output-format=json").arg("--home").arg(&home);
    // The benchmarks find the program by its name, else by this.
    bench.env("PATH", runner.first_in_path()?);
    let output = bench
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("{}; its output is above", output.status));
    }
    counts::read(&output.stdout)
}
