//! Where PostgreSQL is installed.
//!
//! Uses the standard library alone, since the chores read this file too, to see to the
//! installation before tests are built.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the folder of the server's programs, and overrules all other places.
pub(crate) const VARIABLE: &str = "ECS_POSTGRES_BIN";

/// Debian's place of each version; Red Hat's are `/usr/pgsql-15/bin`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Finds the folder of `initdb` and `postgres`: the one that [`VARIABLE`] names, or
/// else the newest version under `/usr/lib/postgresql`, or else the one of
/// `pg_config --bindir`, or else one of `PATH`.
///
/// # Errors
///
/// The places that were looked at, in words.
pub(crate) fn find() -> Result<PathBuf, Vec<String>> {
    if let Some(folder) = env::var_os(VARIABLE) {
        let folder = PathBuf::from(folder);
        return match is_complete(&folder) {
            true => Ok(folder),
            false => Err(vec![format!("{} (named by {VARIABLE})", folder.display())]),
        };
    }
    let candidates = versions(Path::new(VERSIONS)).into_iter().chain(configured()).chain(path());
    let mut candidates = candidates.filter(|folder| is_complete(folder));
    candidates.next().ok_or_else(|| {
        vec![
            format!("{VERSIONS}/*/bin"),
            "the folder of `pg_config --bindir`".to_owned(),
            "PATH".to_owned(),
            format!("{VARIABLE}, which is not set"),
        ]
    })
}

/// Whether a folder has the programs that a server needs.
pub(crate) fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
}

/// The folder of each version, newest first.
fn versions(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            // Versions before 10 have two numbers.
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = name.split('.').next()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

fn configured() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(folder.trim()))
}

fn path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first_by_number() {
        let name = format!("ecs-versions-{}", std::process::id());
        let folder = env::temp_dir().join(name);
        for version in ["9.6", "15", "16", "common"] {
            fs::create_dir_all(folder.join(version)).expect("the temporary folder takes folders");
        }
        let found = versions(&folder);
        fs::remove_dir_all(&folder).expect("what was made can be removed");
        let expected = ["16", "15", "9.6"].map(|version| folder.join(version).join("bin"));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_folder_without_the_programs_is_no_installation() {
        assert!(!is_complete(Path::new("/nonexistent")));
        assert!(!is_complete(&env::temp_dir()));
    }
}
