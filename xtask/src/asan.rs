//! AddressSanitizer and LeakSanitizer over the tests of `crates/`.
//!
//! Left out are proc-macro crates, which run inside the compiler, the store in
//! PostgreSQL and its test servers, which have no unsafe code and wait for a server
//! most of their time, and the test targets `compile_fail*`, which only compile. The targets `*_leaks` forget
//! guards on purpose and run without leak detection.

use std::env;
use std::path::PathBuf;

use crate::command::{nightly, run, works};
use crate::report::{Report, StepResult, Verdict};
use crate::workspace::{self, Package};

const TARGET: &str = "x86_64-unknown-linux-gnu";
const SANITIZE: &str = "-Zsanitizer=address";

pub(crate) fn check(report: &mut Report) {
    if !works(nightly(["rustc", "--version"])) {
        report.step("AddressSanitizer", missing);
        return;
    }
    report.step("AddressSanitizer: tests", || {
        let selection = Selection::of_workspace()?;
        run_tests(&selection.packages, &with_flag("--test", &selection.tests, &["--lib"]), true)
    });
    report.step("AddressSanitizer: leaks", || {
        let selection = Selection::of_workspace()?;
        if selection.leaks.is_empty() {
            return Ok(Verdict::Skipped("no test target is named *_leaks".to_owned()));
        }
        run_tests(&selection.packages, &with_flag("--test", &selection.leaks, &[]), false)
    });
    report.step("AddressSanitizer: doctests", || {
        run_tests(&Selection::of_workspace()?.packages, &["--doc".to_owned()], true)
    });
}

/// Without nightly a person goes on without the check; CI must not.
pub(crate) fn missing() -> StepResult {
    let words = "no nightly toolchain (rustup toolchain install nightly)";
    match env::var_os("CI").is_some_and(|ci| ci == "true") {
        true => Err(words.to_owned()),
        false => Ok(Verdict::Skipped(words.to_owned())),
    }
}

/// What is run, by names.
#[derive(Default)]
struct Selection {
    packages: Vec<String>,
    tests: Vec<String>,
    leaks: Vec<String>,
}

impl Selection {
    fn of_workspace() -> Result<Self, String> {
        let mut selection = Self::default();
        for package in workspace::packages()? {
            let waits = package.name.ends_with("-postgres");
            let is_library = package.targets_of("lib").count() == 1;
            if package.folder.starts_with("crates") && is_library && !waits {
                selection.add(&package);
            }
        }
        Ok(selection)
    }

    fn add(&mut self, package: &Package) {
        self.packages.push(package.name.clone());
        for test in package.targets_of("test") {
            if test.ends_with("_leaks") {
                self.leaks.push(test.to_owned());
            } else if !test.starts_with("compile_fail") {
                self.tests.push(test.to_owned());
            }
        }
    }
}

fn run_tests(packages: &[String], targets: &[String], detect_leaks: bool) -> StepResult {
    let mut test = nightly(["cargo", "test", "--no-fail-fast", "--target", TARGET]);
    test.arg("--target-dir").arg(target_folder());
    test.args(with_flag("--package", packages, &[])).args(targets);
    // Doctests are built by rustdoc, which has flags of its own.
    test.env("RUSTFLAGS", SANITIZE).env("RUSTDOCFLAGS", SANITIZE);
    test.env("ASAN_OPTIONS", format!("detect_leaks={}", u8::from(detect_leaks)));
    run(&mut test)
}

/// A folder of its own, since other flags would build everything anew each time.
fn target_folder() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    target.join("asan")
}

fn with_flag(flag: &str, names: &[String], before: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> = before.iter().map(|&word| word.to_owned()).collect();
    let mut names: Vec<_> = names.to_vec();
    names.sort();
    names.dedup();
    arguments.extend(names.into_iter().flat_map(|name| [flag.to_owned(), name]));
    arguments
}
