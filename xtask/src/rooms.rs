//! Unsafe code stands in few rooms, and each is described.
//!
//! The workspace denies unsafe code; a room is a file that opens with
//! `#![expect(unsafe_code, reason = "room: …")]`. What lies in the folder of the
//! same name belongs to it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::report::{Report, StepResult, Verdict};
use crate::workspace::root;

const MOST: usize = 7;
const DESCRIPTION: &str = "docs/unsafe.md";

pub(crate) fn check(report: &mut Report) {
    report.step("rooms of unsafe code", || {
        let rooms = rooms()?;
        for room in &rooms {
            println!("{room}");
        }
        judge(&rooms)
    });
}

/// Names the crates that have a room.
pub(crate) fn crates_with_rooms() -> Result<Vec<String>, String> {
    let name = |room: String| room.split('/').nth(1).map(str::to_owned);
    let mut names: Vec<_> = rooms()?.into_iter().filter_map(name).collect();
    names.dedup();
    Ok(names)
}

fn judge(rooms: &[String]) -> StepResult {
    if rooms.len() > MOST {
        return Err(format!("{} rooms, where {MOST} are allowed", rooms.len()));
    }
    if let Some(room) = rooms.iter().find(|room| room.ends_with("/src/lib.rs")) {
        return Err(format!("{room}: a room is a module, not a crate"));
    }
    let described = fs::read_to_string(root().join(DESCRIPTION)).unwrap_or_default();
    match rooms.iter().find(|room| !described.contains(room.as_str())) {
        Some(room) => Err(format!("{room} is not listed in {DESCRIPTION}")),
        None => Ok(Verdict::Passed),
    }
}

/// Lists the files that permit unsafe code, as paths in the repository.
fn rooms() -> Result<Vec<String>, String> {
    let mut rooms = Vec::new();
    for file in sources().map_err(|error| format!("crates/ could not be read: {error}"))? {
        let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let path = file.strip_prefix(root()).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        match permission(&text) {
            Permission::None => {}
            Permission::Room => rooms.push(path),
            Permission::Other => {
                return Err(format!("{path} permits unsafe code, but not as a room"));
            }
        }
    }
    rooms.sort();
    Ok(rooms)
}

#[derive(Debug, PartialEq)]
enum Permission {
    None,
    /// For the whole file, with a reason that begins with `room:`.
    Room,
    /// In any other way, as with `allow`, for one item or without a reason.
    Other,
}

fn permission(text: &str) -> Permission {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = code.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
    let permits = |level| code.matches(&format!("[{level}(unsafe_code")).count();
    let room = r#"#![expect(unsafe_code,reason="room:"#;
    match (code.matches(room).count(), permits("expect"), permits("allow") + permits("warn")) {
        (0, 0, 0) => Permission::None,
        (1, 1, 0) => Permission::Room,
        _ => Permission::Other,
    }
}

/// Every Rust file under `crates/*/src`.
fn sources() -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for package in fs::read_dir(root().join("crates"))? {
        collect(&package?.path().join("src"), &mut files)?;
    }
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_known_by_its_first_attribute() {
        let room = "//! Doc.\n#![expect(\n    unsafe_code,\n    reason = \"room: a column\"\n)]\n";
        assert_eq!(permission(room), Permission::Room);
        assert_eq!(permission("//! `#![allow(unsafe_code)]`\nfn f() {}"), Permission::None);
    }

    #[test]
    fn side_doors_are_seen() {
        for door in [
            "#![allow(unsafe_code)]",
            "#[expect(unsafe_code, reason = \"room: one function\")]",
            "#![expect(unsafe_code)]",
            "#![expect(unsafe_code, reason = \"room: a\")]\n#[allow(unsafe_code)] fn f() {}",
        ] {
            assert_eq!(permission(door), Permission::Other, "{door}");
        }
    }
}
