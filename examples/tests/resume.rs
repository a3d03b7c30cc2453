//! A run that was saved, ended and resumed leaves what the unbroken run leaves.

mod common;

use common::{epidemic, file, run, timeless};

const SIZE: &str = "--people 20000 --tick-minutes 120";

#[test]
fn a_resumed_run_leaves_what_the_unbroken_run_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let whole = timeless(epidemic(folder, "whole", &format!("{SIZE} --days 10")));
    epidemic(folder, "half", &format!("{SIZE} --days 4 --save half.ckpt"));
    // Other threads, another backend, and options that agree.
    for options in ["--threads 3", "--backend local", "--people 20000"] {
        let resumed = timeless(epidemic(
            folder,
            "resumed",
            &format!("--resume half.ckpt --days 10 {options}"),
        ));
        assert_eq!(resumed, whole, "{options}");
        for name in ["series.csv", "arrivals.csv"] {
            assert_eq!(
                file(folder, &format!("resumed/{name}")),
                file(folder, &format!("whole/{name}"))
            );
        }
    }
}

#[test]
fn a_checkpoint_during_the_run_is_as_good_as_one_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let whole = timeless(epidemic(
        folder,
        "whole",
        &format!("{SIZE} --days 7 --save end.ckpt --save-every 3"),
    ));
    let again = timeless(epidemic(folder, "again", &format!("{SIZE} --days 6 --save six.ckpt")));
    assert_eq!(again["days"], 6);
    let resumed =
        timeless(epidemic(folder, "resumed", "--resume six.ckpt --days 7 --save resumed.ckpt"));
    assert_eq!(resumed, whole);
}

#[test]
fn a_run_that_is_at_its_end_has_nothing_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    epidemic(folder, "out", &format!("{SIZE} --days 2 --save end.ckpt"));
    let said = run(folder, "--resume end.ckpt --days 2 --out other");
    assert!(said.contains("nothing to do"), "{said}");
    assert!(!folder.join("other/summary.json").exists());
}
