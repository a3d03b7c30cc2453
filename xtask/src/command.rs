//! Programs that the chores run.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::report::{StepResult, Verdict};
use crate::workspace;

/// Prepares cargo with the toolchain of this workspace.
pub(crate) fn cargo<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(workspace::root());
    command
}

/// Prepares a program of the nightly toolchain.
pub(crate) fn nightly<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly"]).args(arguments).current_dir(workspace::root());
    command
}

/// Runs a program to its end, its output passed on.
pub(crate) fn run(command: &mut Command) -> StepResult {
    let shown = show(command);
    println!("$ {shown}");
    match command.status() {
        Ok(status) if status.success() => Ok(Verdict::Passed),
        Ok(status) => Err(format!("{status}; its output is above")),
        Err(error) => Err(format!("`{shown}` could not be started: {error}")),
    }
}

/// Asks a program, in silence, whether it works.
pub(crate) fn works(mut command: Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Writes a command as a person would type it.
pub(crate) fn show(command: &Command) -> String {
    let settings = command.get_envs().filter_map(|(name, value)| {
        let value = value?.to_string_lossy();
        Some(format!("{}={}", name.to_string_lossy(), quote(&value)))
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| quote(&word.to_string_lossy()));
    settings.chain(words).collect::<Vec<_>>().join(" ")
}

fn quote(word: &str) -> String {
    match word.contains(' ') {
        true => format!("'{word}'"),
        false => word.to_owned(),
    }
}
