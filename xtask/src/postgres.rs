//! The PostgreSQL server that tests start for themselves.

use std::path::PathBuf;
use std::process::Command;

use crate::command::{run, works};
use crate::report::{Report, StepResult, Verdict};

// The tests look at the same places. Read as a file, since the crate would have the
// chores compile a client of the database.
#[path = "../../crates/ecs-test-postgres/src/binaries.rs"]
mod binaries;

/// Sees to the installation: where the server is missing, it is installed, or else this
/// fails. Without it tests of the database fail; none is skipped.
pub(crate) fn check(report: &mut Report) {
    report.step("PostgreSQL is installed", || {
        if let Ok(folder) = binaries::find() {
            return found(folder);
        }
        install()?;
        binaries::find().map_err(missing).and_then(found)
    });
}

fn found(folder: PathBuf) -> StepResult {
    println!("{}", folder.display());
    Ok(Verdict::Passed)
}

/// Installs Debian's package, as far as that is this user's right. A place that a person
/// has named is not overruled; what is wrong with it is told.
fn install() -> Result<(), String> {
    let named = std::env::var_os(binaries::VARIABLE).is_some();
    if named || !is_root() || !works(apt_get(["--version"])) {
        return Ok(());
    }
    // An old list of packages may name versions that are gone.
    run(&mut apt_get(["update"]))?;
    run(&mut apt_get(["install", "--yes", "--no-install-recommends", "postgresql"]))?;
    Ok(())
}

fn apt_get<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("--user").output();
    output.is_ok_and(|output| output.stdout == b"0\n")
}

fn missing(looked: Vec<String>) -> String {
    format!(
        "no PostgreSQL server; looked at {}. Install it (apt-get install postgresql), or name \
         the folder of `initdb` and `postgres` in {}",
        looked.join(", "),
        binaries::VARIABLE,
    )
}
