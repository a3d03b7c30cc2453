//! The comparison has the rows that it promises, and every contender does the
//! work.

use std::process::Command;

use ecs_benches::compare::{Size, verify};
use ecs_benches::rows;

const ROWS: &[&str] = &[
    "simple_insert_spawn",
    "simple_insert_batch",
    "simple_iter",
    "fragmented_iter",
    "wide_frag",
    "sparse_match",
    "schedule",
    "heavy_compute",
    "add_remove",
    "add_remove_batch",
    "large_iter",
    "xlarge_iter",
    "large_iter_2of8",
    "random_get",
    "random_get_mut",
    "despawn",
    "despawn_batch",
    "churn",
    "bulk_insert",
    "par_iter",
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
