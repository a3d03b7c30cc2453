//! Every size does the same work, and what came of it is drawn.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use ecs_benches::compare::verify;
use ecs_benches::scaling::{by_archetypes, by_entities};

#[test]
fn loops_by_hand_do_the_same_work() {
    for (operations, sizes) in [(by_entities(), [1, 300]), (by_archetypes(400), [1, 200])] {
        for operation in operations {
            for size in sizes {
                let row = operation.of_size(size);
                verify(&row).unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
}

#[test]
fn figures_are_drawn() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("scaling");
    let mut scaling = Command::new(env!("CARGO_BIN_EXE_scaling"));
    scaling.args(["--seconds", "0", "--max-entities", "10000", "--max-archetypes", "100"]);
    scaling.args(["--entities", "1000", "--plot"]).arg(&folder);
    let output = scaling.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("| ns an item | 1 | 10 | 100 |"), "{table}");
    for file in ["scaling_entities.svg", "scaling_archetypes.svg"] {
        assert!(fs::read_to_string(folder.join(file)).unwrap().contains("iterate"));
    }
}
