//! Miri over the unit tests of the crates with unsafe code.

use std::path::Path;

use crate::command::{nightly, run, works};
use crate::report::{Report, Verdict};
use crate::rooms;

pub(crate) fn check(report: &mut Report) {
    report.step("Miri", || {
        if !works(nightly(["cargo", "miri", "--version"])) || !has_rust_src() {
            let words = "not installed (rustup +nightly component add miri rust-src)";
            return Ok(Verdict::Skipped(words.to_owned()));
        }
        let packages = rooms::crates_with_rooms()?;
        if packages.is_empty() {
            return Ok(Verdict::Skipped("no crate has unsafe code".to_owned()));
        }
        let mut miri = nightly(["cargo", "miri", "test", "--lib"]);
        run(miri.args(packages.iter().flat_map(|package| ["--package", package])))
    });
}

/// Miri builds the standard library from its source.
fn has_rust_src() -> bool {
    let Ok(output) = nightly(["rustc", "--print", "sysroot"]).output() else { return false };
    let sysroot = String::from_utf8_lossy(&output.stdout);
    Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/std").is_dir()
}
