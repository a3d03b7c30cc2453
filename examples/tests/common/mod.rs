//! Running the program small, and reading what it leaves.
#![allow(dead_code, reason = "each file uses some of it")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Runs the program in a folder, where it leaves `out`, and returns its summary.
pub(crate) fn epidemic(folder: &Path, out: &str, arguments: &str) -> Value {
    run(folder, &format!("--quiet --out {out} {arguments}"));
    let json =
        std::fs::read(folder.join(out).join("summary.json")).expect("a run leaves its summary");
    serde_json::from_slice(&json).expect("the summary is JSON")
}

/// Runs the program in a folder, to a good end, and returns what it printed.
pub(crate) fn run(folder: &Path, arguments: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_epidemic"));
    let output = command
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .output()
        .expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {errors}");
    String::from_utf8(output.stdout).expect("what it prints is UTF-8")
}

/// What does not depend on the machine or the session.
pub(crate) fn timeless(mut summary: Value) -> Value {
    let fields = summary.as_object_mut().unwrap();
    for timed in [
        "load_s",
        "simulate_s",
        "person_ticks_per_s",
        "system_s",
        "peak_rss_bytes",
        "threads",
        "backend",
    ] {
        assert!(fields.remove(timed).is_some(), "{timed} is in the summary");
    }
    summary
}

pub(crate) fn file(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}
