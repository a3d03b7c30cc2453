//! What is run by hand works at a small size.

use std::process::Command;

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn many_entities_survive_a_snapshot() {
    let table = output(env!("CARGO_BIN_EXE_huge"), &["--entities", "10000"]);
    assert!(table.contains("both worlds agree"), "{table}");
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn every_engine_is_weighed() {
    let json = concat!(env!("CARGO_TARGET_TMPDIR"), "/memory.json");
    let counts = ["--entities", "1000", "--archetypes", "100", "--peak", "1000", "--json", json];
    let table = output(env!("CARGO_BIN_EXE_memory"), &counts);
    assert_eq!(output(env!("CARGO_BIN_EXE_memory"), &["--from", json]), table);
    assert!(table.contains("| live heap (resident) | ecs | hecs | bevy |"), "{table}");
    assert!(table.contains("after remove_empty_archetypes"), "{table}");
}
