//! The comparison has the rows that it promises, and every contender does the
//! work.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use ecs_benches::compare::{Size, Standing, Unit, verify};
use ecs_benches::figures::write_json;
use ecs_benches::rows;

const ROWS: &[&str] = &[
    "simple_insert_spawn",
    "simple_insert_batch",
    "simple_iter",
    "fragmented_iter",
    "wide_frag",
    "sparse_match",
    "schedule",
    "schedule_pair",
    "schedule_idle",
    "heavy_compute",
    "add_remove",
    "add_remove_batch",
    "add_remove_some",
    "large_iter",
    "xlarge_iter",
    "large_iter_2of8",
    "random_get",
    "random_get_mut",
    "despawn",
    "despawn_batch",
    "churn",
    "despawn_some",
    "bulk_insert",
    "par_iter",
    "change_write",
    "change_scan",
    "par_changed",
    "snapshot_save",
    "snapshot_load",
    "memory",
];

#[test]
fn the_list_has_every_row() {
    let output = Command::new(env!("CARGO_BIN_EXE_compare")).arg("--list").output().unwrap();
    assert!(output.status.success());
    let list = String::from_utf8(output.stdout).unwrap();
    let rows = list.lines().filter(|line| !line.starts_with(' '));
    let names: Vec<_> = rows.filter_map(|line| line.split(':').next()).collect();
    assert_eq!(names, ROWS);
}

#[test]
fn contenders_are_named_once() {
    for row in rows::rows(Size::Tiny) {
        let mut names: Vec<_> = row.contenders.iter().map(|contender| contender.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{}", row.name);
    }
}

#[test]
fn every_contender_does_the_work() {
    for row in rows::rows(Size::Tiny) {
        verify(&row).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Figures of a row that nobody measured.
fn invented(row: &str) -> Vec<Standing> {
    let contenders = [("limit/loop", 3.0), ("ecs/way", 4.0), ("hecs/way", 500.0)];
    let standing = |(contender, median): (&str, f64)| Standing {
        row: row.to_owned(),
        about: "what is done".to_owned(),
        contender: contender.to_owned(),
        items: 10,
        unit: Unit::Nanoseconds,
        median,
        min: median,
        vs_best_peer: Some(median / 500.0),
        vs_limit: Some(median / 3.0),
        samples: 1,
    };
    contenders.map(standing).to_vec()
}

#[test]
fn figures_of_a_file_are_drawn_and_summed_up() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("figures");
    fs::create_dir_all(&folder).unwrap();
    let (json, plots) = (folder.join("figures.json"), folder.join("plots"));
    let figures: Vec<_> = ROWS.iter().flat_map(|row| invented(row)).collect();
    write_json(File::create(&json).unwrap(), &figures).unwrap();
    let text = fs::read_to_string(&json).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    for key in [
        "row",
        "contender",
        "items",
        "unit",
        "median_ns",
        "min_ns",
        "vs_best_peer",
        "vs_limit",
        "samples",
    ] {
        assert!(line.get(key).is_some(), "{key} is missing in {line}");
    }

    let mut compare = Command::new(env!("CARGO_BIN_EXE_compare"));
    compare.arg("--markdown").arg("--from").arg(json).arg("--plot").arg(&plots);
    let output = compare.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for row in ROWS {
        let chart = fs::read_to_string(plots.join(format!("{row}.svg"))).unwrap();
        assert!(chart.contains("hecs/way") && chart.contains("logarithmic"), "{row}");
    }
    let summary = String::from_utf8(output.stdout).unwrap();
    let line = "| 0.400 ns `way` | 50.0 ns `hecs/way` | 0.300 ns `loop` | 0.01 | 1.33 |";
    assert_eq!(summary.lines().filter(|found| found.ends_with(line)).count(), ROWS.len());
}
