//! Bad input ends with status 2 and one line that says what is wrong.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use epidemic_model::input::{AIRPORTS_FILE, CITIES_FILE, FLIGHTS_FILE, default_folder};

const HEADER: &str = "departure,delay_min,distance_mi,origin,destination\n";
const ROW: &str = "2001-06-01T00:00,16,258,LAS,SAN\n";

/// Runs the program small, in a folder of its own.
fn epidemic(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_epidemic"));
    command.current_dir(folder).args(["--people", "5000", "--days", "1", "--quiet"]);
    // An option that is given twice is an error of its own.
    if !arguments.contains(&"--out") {
        command.args(["--out", "out"]);
    }
    command.args(arguments).output().expect("the program starts")
}

/// Checks that the run fails with one line that contains `message`, and leaves no file.
fn fails(folder: &Path, arguments: &[&str], message: &str) {
    let before = count_entries(folder);
    let output = epidemic(folder, arguments);
    let text = String::from_utf8(output.stderr).expect("messages are UTF-8");
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
    assert!(text.starts_with("error: ") && text.contains(message), "{arguments:?}: {text}");
    assert_eq!(count_entries(folder), before, "{arguments:?} leaves something behind");
}

fn count_entries(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| entry.expect("an entry is readable").path())
        .map(|path| 1 + if path.is_dir() { count_entries(&path) } else { 0 })
        .sum()
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("the folder is writable");
    path
}

/// Checks the message for a flight file with this content.
fn flights_fail(content: impl AsRef<[u8]>, message: &str) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "f.csv", content);
    fails(folder.path(), &["--flights", "f.csv"], message);
}

#[test]
fn a_flight_file_that_is_missing_empty_or_of_another_kind() {
    let folder = tempfile::tempdir().unwrap();
    fails(folder.path(), &["--flights", "f.csv"], "f.csv: cannot open it");
    fails(folder.path(), &["--flights", "."], ".: cannot read it");
    flights_fail("", "f.csv: the file is empty: expected a header: departure,delay_min");
    flights_fail(HEADER, "f.csv: the file is empty: expected at least one row");
    flights_fail("a,b\n1,2\n", r#"f.csv:1: column 1: expected the header "departure", found "a""#);
    flights_fail([0xff, 0xfe, 0, b'\n'], "f.csv: the file is damaged: line 1 is not UTF-8");
}

#[test]
fn a_flight_file_that_is_cut_off_or_damaged() {
    let whole = fs::read(default_folder().join(FLIGHTS_FILE)).unwrap();
    flights_fail(&whole[..whole.len() / 2], "f.csv: the file is cut off: the gzip data has no end");
    flights_fail(&whole[..whole.len() - 1], "f.csv: the file is cut off: the gzip data has no end");
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0xff;
    flights_fail(damaged, "f.csv: the file is");
    let row_without_end = ROW.trim_end();
    flights_fail(
        format!("{HEADER}{ROW}{row_without_end}"),
        "f.csv: the file is cut off: its last line, 3, has no end",
    );
}

#[test]
fn a_malformed_row_is_named_with_line_column_and_what_was_expected() {
    for (row, message) in [
        ("2001-06-01T00:00,16,258,LAS\n", "f.csv:3: expected 5 columns, found 4"),
        ("2001-06-01 00:00,16,258,LAS,SAN\n", "f.csv:3: column departure: expected a time like"),
        (
            "2001-06-01T00:00,,258,LAS,SAN\n",
            "f.csv:3: column delay_min: expected whole minutes, found \"\"",
        ),
        (
            "2001-06-01T00:00,16,-258,LAS,SAN\n",
            "f.csv:3: column distance_mi: expected statute miles, not negative",
        ),
        (
            "2001-06-01T00:00,16,290,LAS,SAN\n",
            "f.csv:3: column distance_mi: expected at most 25 miles off the great circle from LAS to SAN",
        ),
        (
            "2001-06-01T00:00,16,258,LAS,QQQ\n",
            "f.csv:3: column destination: expected the code of an airport in the airport file, found \"QQQ\"",
        ),
    ] {
        flights_fail(format!("{HEADER}{ROW}{row}"), message);
    }
}

#[test]
fn a_data_folder_with_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    fails(folder.path(), &["--data", "nowhere"], "us-cities.csv: cannot open it");
    let data = default_folder();
    let change = |name: &str, old: &str, new: &str, message: &str| {
        for file in [CITIES_FILE, AIRPORTS_FILE, FLIGHTS_FILE] {
            fs::copy(data.join(file), folder.path().join(file)).unwrap();
        }
        let text = fs::read_to_string(data.join(name)).unwrap();
        write(folder.path(), name, text.replacen(old, new, 1));
        fails(folder.path(), &["--data", "."], message);
    };
    change(
        CITIES_FILE,
        "8804190",
        "8.8e6",
        "us-cities.csv:2: column population: expected a whole number of people",
    );
    change(
        CITIES_FILE,
        "-118.24368",
        "-198.24368",
        "us-cities.csv:3: column longitude: expected degrees from -180 to 180",
    );
    change(
        AIRPORTS_FILE,
        "ABI,",
        "ABE,",
        "us-airports.csv:3: column iata: expected a code that line 2 does not have",
    );
    change(
        AIRPORTS_FILE,
        "iata",
        "code",
        "us-airports.csv:1: column 1: expected the header \"iata\"",
    );
}

#[test]
fn parameters_that_do_not_fit_the_input() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fails(
        path,
        &["--first-city", "Atlantis"],
        "--first-city: no city of the city file is called \"Atlantis\"",
    );
    fails(
        path,
        &["--first-cases", "900"],
        "--first-cases: 900 are more than the 211 people of New York City, NY",
    );
    fails(path, &["--seed", "18446744073709551615", "--runs", "2"], "--runs: seeds end");
}

#[test]
fn a_folder_for_the_output_that_cannot_be_written_to() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "file", "");
    fails(folder.path(), &["--out", "file"], "file: cannot make this folder");
    fails(folder.path(), &["--out", "file/inner"], "cannot make this folder");
    fails(folder.path(), &["--out", "/proc/none"], "/proc/none: cannot make this folder");
}

#[test]
fn what_clap_refuses_has_status_2_too() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [["--r0", "0"], ["--tick-minutes", "7"], ["--threads", "0"], ["--backend", "disk"]]
    {
        let output = epidemic(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(arguments[0]));
    }
}

#[test]
fn a_plain_file_and_one_in_two_gzip_members_are_read_alike() {
    let folder = tempfile::tempdir().unwrap();
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    write(folder.path(), "plain.gz", format!("{HEADER}{ROW}"));
    write(folder.path(), "packed.csv", [gzip(HEADER), gzip(ROW)].concat());
    for name in ["plain.gz", "packed.csv"] {
        let output = epidemic(folder.path(), &["--flights", name]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_checkpoint_that_can_not_be_written_is_known_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    fails(folder.path(), &["--save", "nowhere/end.ckpt"], "nowhere/end.ckpt: cannot write it");
}

/// A small run's checkpoint.
fn checkpoint(folder: &Path) -> PathBuf {
    let output = epidemic(folder, &["--save", "good.ckpt"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("good.ckpt")
}

#[test]
fn a_checkpoint_that_is_missing_damaged_or_of_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let good = fs::read(checkpoint(folder)).unwrap();
    let resume = |arguments: &[&str], message| {
        let all: Vec<&str> =
            ["--days", "2", "--out", "later"].iter().chain(arguments).copied().collect();
        let before = count_entries(folder);
        let output = Command::new(env!("CARGO_BIN_EXE_epidemic"))
            .current_dir(folder)
            .args(&all)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), text.lines().count()),
            (Some(2), 1),
            "{arguments:?}: {text}"
        );
        assert!(text.contains(message), "{arguments:?}: {text}");
        assert_eq!(count_entries(folder), before, "{arguments:?} leaves something behind");
    };
    resume(&["--resume", "none.ckpt"], "none.ckpt: cannot open it");
    write(folder, "bad.ckpt", b"something else");
    resume(&["--resume", "bad.ckpt"], "not a snapshot");
    write(folder, "bad.ckpt", &good[..good.len() / 2]);
    resume(&["--resume", "bad.ckpt"], "cut off or damaged");
    let mut damaged = good.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    write(folder, "bad.ckpt", &damaged);
    resume(&["--resume", "bad.ckpt"], "checksum");
    resume(&["--resume", "good.ckpt", "--seed", "7"], "--seed: 7 contradicts the checkpoint");
    resume(
        &["--resume", "good.ckpt", "--people", "6000"],
        "--people: 6000 contradicts the checkpoint",
    );
    resume(
        &["--resume", "good.ckpt", "--no-flights"],
        "--no-flights: on contradicts the checkpoint",
    );
}
