//! The program that starts benchmarks under callgrind and adds up.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{cargo, run};
use crate::workspace;

/// The folder that the program lies in.
pub(crate) struct Runner(PathBuf);

impl Runner {
    /// The search path with the program's folder before all others.
    pub(crate) fn first_in_path(&self) -> Result<OsString, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.0.clone()).chain(std::env::split_paths(&path));
        std::env::join_paths(folders).map_err(|error| error.to_string())
    }
}

/// Finds the program of the version that the lock file names, below the target
/// folder; installs it there if it is missing or another one.
pub(crate) fn installed(target: &Path) -> Result<Runner, String> {
    // The library and the program speak to each other only at equal versions.
    let version = workspace::locked_version("gungraun")?;
    let root = target.join("tools");
    let runner = Runner(root.join("bin"));
    let found = Command::new(runner.0.join("gungraun-runner")).arg("--version").output();
    let current = found.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).split_whitespace().last() == Some(&version)
    });
    if !current {
        // Unoptimised, since it only starts others, and so compiles in half the time.
        let mut install = cargo(["install", "--locked", "--debug", "--force", "--root"]);
        install.arg(&root).arg(format!("gungraun-runner@{version}"));
        run(install.env("CARGO_PROFILE_DEV_DEBUG", "false"))?;
    }
    Ok(runner)
}
