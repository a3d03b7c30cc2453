//! Every example, run at a small size.

use crate::command::{cargo, run};
use crate::report::{Report, StepResult, Verdict};
use crate::workspace;

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
    report.step("examples build", || {
        run(cargo(["build", "--package", PACKAGE, "--bins", "--examples"]).args(FEATURES))
    });
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

fn run_example(name: &str, arguments: &[&str]) -> StepResult {
    let examples = examples()?;
    let Some((_, option)) = examples.iter().find(|(example, _)| example == name) else {
        return Err(format!("there is no example {name} any more"));
    };
    let mut example = cargo(["run", "--quiet", "--package", PACKAGE, option, name]);
    run(example.args(FEATURES).arg("--").args(arguments))
}

/// The name of every example, with the option of `cargo run` that chooses it.
fn examples() -> Result<Vec<(String, &'static str)>, String> {
    let packages = workspace::packages()?;
    let package = packages.iter().find(|package| package.name == PACKAGE);
    let package = package.ok_or_else(|| format!("there is no package {PACKAGE}"))?;
    let of_kind = |kind, option| package.targets_of(kind).map(move |n| (n.to_owned(), option));
    Ok(of_kind("bin", "--bin").chain(of_kind("example", "--example")).collect())
}
