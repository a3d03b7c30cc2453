//! Fuzzing, which goes on from where it stopped.
//!
//! What the fuzzer finds worth keeping lies in `fuzz/corpus/`, which git ignores, and
//! a fault in `fuzz/artifacts/`. An input that showed a fault is kept in
//! `fuzz/regressions/` with its mend; the tests run those.

use std::fs;
use std::path::PathBuf;

use crate::asan::missing;
use crate::command::{cargo, nightly, run, works};
use crate::report::{Report, StepResult, Verdict};
use crate::workspace::{self, root};

/// How long a target runs if nothing is said.
const SECONDS: u64 = 60;

/// What to run, and for how long.
pub(crate) struct Wish {
    /// One target, or all.
    pub(crate) target: Option<String>,
    pub(crate) runs: Option<u64>,
    pub(crate) seconds: Option<u64>,
    /// Without AddressSanitizer and debug assertions, and guided by functions: many
    /// more inputs a second, of which only what the targets compare is checked.
    pub(crate) fast: bool,
}

/// Runs targets one after the other.
pub(crate) fn fuzz(report: &mut Report, wish: &Wish) {
    if !works(nightly(["rustc", "--version"])) {
        report.step("fuzzing", missing);
        return;
    }
    report.step("fuzzing: cargo-fuzz", || match works(nightly(["cargo", "fuzz", "--version"])) {
        true => Ok(Verdict::Passed),
        false => run(&mut cargo(["install", "cargo-fuzz"])),
    });
    report.step("fuzzing: seeds", write_seeds);
    match targets() {
        Err(reason) => report.step("fuzzing", || Err(reason)),
        Ok(targets) => {
            let wanted = |name: &&String| wish.target.as_ref().is_none_or(|only| only == *name);
            if !targets.iter().any(|name| wanted(&name)) {
                report.step("fuzzing", || Err(format!("the targets are {}", targets.join(", "))));
            }
            for target in targets.iter().filter(wanted) {
                report.step(&format!("fuzzing: {target}"), || run_target(target, wish));
            }
        }
    }
}

/// The targets are the files in their folder.
fn targets() -> Result<Vec<String>, String> {
    let folder = folder().join("fuzz_targets");
    let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let name = |file: PathBuf| Some(file.file_stem()?.to_str()?.to_owned());
    let mut names: Vec<_> = files.flatten().filter_map(|file| name(file.path())).collect();
    names.sort();
    Ok(names)
}

fn folder() -> PathBuf {
    root().join("fuzz")
}

/// Where the seeds are written to.
fn seeds() -> Result<PathBuf, String> {
    Ok(workspace::target()?.join("fuzz-seeds"))
}

fn write_seeds() -> StepResult {
    let mut write = cargo(["run", "--package", "ecs-testkit", "--example", "fuzz_seeds", "--"]);
    run(write.arg(seeds()?))
}

fn run_target(target: &str, wish: &Wish) -> StepResult {
    // Comparisons are not traced: seeds have what a fuzzer would learn from them, and
    // a fourth of the time went there.
    let mut fuzz = nightly(["cargo", "fuzz", "run", "--no-trace-compares"]);
    fuzz.current_dir(folder());
    if wish.fast {
        // Other flags, so a folder of its own, or each change of mind builds everything.
        fuzz.args(["--sanitizer", "none", "--release", "--target-dir", "target/fast"]);
        // Functions are traced and not branches: noting down which branches an input
        // took was most of the time.
        fuzz.env("RUSTFLAGS", "-Cllvm-args=-sanitizer-coverage-level=1");
    }
    fuzz.arg(target);
    let corpus = folder().join("corpus").join(target);
    // The first is added to; the others are read.
    for folder in [corpus, seeds()?.join(target), folder().join("regressions").join(target)] {
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        fuzz.arg(folder);
    }
    // What an input costs follows its length. The seeds of containers are shorter than
    // this; operations are a few bytes each, and no more than some are read.
    let longest = if matches!(target, "restore" | "delta" | "journal") { 2_048 } else { 64 };
    fuzz.args(["--", "-timeout=20", "-print_final_stats=1"]).arg(format!("-max_len={longest}"));
    if wish.fast {
        // Which of the inputs are rare is not asked: a third of the time.
        fuzz.args(["-entropic=0", "-reduce_inputs=0"]);
    }
    if let Some(runs) = wish.runs {
        fuzz.arg(format!("-runs={runs}"));
    }
    if let Some(seconds) = wish.seconds.or(wish.runs.is_none().then_some(SECONDS)) {
        fuzz.arg(format!("-max_total_time={seconds}"));
    }
    run(&mut fuzz)
}
