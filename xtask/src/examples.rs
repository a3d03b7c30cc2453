//! Every example, run at a small size.

use std::process::Command;

use crate::command::{cargo, run};
use crate::report::{Report, StepResult, Verdict};
use crate::workspace::{self, EXTRA_FEATURES};

const PACKAGE: &str = "ecs-examples";

/// Features that examples need.
const FEATURES: [&str; 2] = ["--features", "postgres"];

/// Each example with arguments that let it end within seconds.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("first_steps", &[]),
    ("queries", &[]),
    ("structure_changes", &[]),
    ("own_backend", &[]),
    ("both_backends", &[]),
    ("checkpoint", &[]),
    ("factory", &[]),
    ("fork_the_epidemic", &[]),
    ("rewind_to_the_fault", &[]),
    ("epidemic_in_sql", &[]),
    (
        "epidemic",
        &["--people", "20000", "--days", "10", "--quiet", "--out", "target/epidemic-small"],
    ),
];

pub(crate) fn check(report: &mut Report) {
    report.step("examples are all known", all_known);
    // Built with no more than they need, they would share nothing with the tests.
    report.step("examples need no other features", || {
        run(cargo(["check", "--package", PACKAGE, "--bins", "--examples"]).args(FEATURES))
    });
    report.step("examples build", build);
    for (name, arguments) in EXAMPLES {
        report.step(&format!("example {name}"), || run_example(name, arguments));
    }
}

/// An example that nobody runs goes stale.
fn all_known() -> StepResult {
    for (name, _) in examples()? {
        if !EXAMPLES.iter().any(|(known, _)| *known == name) {
            return Err(format!("example {name} is missing in xtask/src/examples.rs"));
        }
    }
    Ok(Verdict::Passed)
}

/// Builds the examples as `unit` builds them, so that it finds them built: features are
/// those of the whole workspace.
fn build() -> StepResult {
    let mut build = cargo(["build", "--workspace", "--examples"]);
    for (name, _) in examples()?.iter().filter(|(_, folder)| folder.is_empty()) {
        build.args(["--bin", name]);
    }
    run(build.args(EXTRA_FEATURES))
}

fn run_example(name: &str, arguments: &[&str]) -> StepResult {
    let examples = examples()?;
    let Some((_, folder)) = examples.iter().find(|(example, _)| example == name) else {
        return Err(format!("there is no example {name} any more"));
    };
    // Where cargo puts what it builds for a target that was named.
    let triple = std::env::var_os("CARGO_BUILD_TARGET").unwrap_or_default();
    let program = workspace::target()?.join(triple).join("debug").join(folder).join(name);
    run(Command::new(program).args(arguments).current_dir(workspace::root()))
}

/// The name of every example, with the folder among what is built that it lies in.
fn examples() -> Result<Vec<(String, &'static str)>, String> {
    let packages = workspace::packages()?;
    let package = packages.iter().find(|package| package.name == PACKAGE);
    let package = package.ok_or_else(|| format!("there is no package {PACKAGE}"))?;
    let of_kind = |kind, folder| package.targets_of(kind).map(move |n| (n.to_owned(), folder));
    Ok(of_kind("bin", "").chain(of_kind("example", "examples")).collect())
}
