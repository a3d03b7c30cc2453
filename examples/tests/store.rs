//! A run that is committed to a database leaves what a run without leaves, however often
//! it is ended.

mod common;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{epidemic, file, run, timeless};
use ecs_test_postgres::{Server, query};
use serde_json::Value;

const SIZE: &str = "--people 5000 --first-cases 60 --tick-minutes 240";

fn start(folder: &Path, arguments: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_epidemic"));
    command.current_dir(folder).args(arguments.split_whitespace());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

fn end(child: Child) -> Output {
    child.wait_with_output().expect("the program ends")
}

/// Runs the program to a bad end, and returns its one line.
fn fails(folder: &Path, arguments: &str) -> String {
    let output = end(start(folder, arguments));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments}: {text}");
    assert_eq!(text.lines().count(), 1, "{arguments}: {text}");
    text
}

/// The version of the store: how often it was committed to.
fn version(url: &str) -> u64 {
    let rows = query(url, "select committed from epidemic._store");
    rows.ok().and_then(|rows| rows[0][0].as_ref()?.parse().ok()).unwrap_or(0)
}

/// Waits until the store has a version; `false` if the run ends before.
fn reaches(child: &mut Child, url: &str, wanted: u64) -> bool {
    let end = Instant::now() + Duration::from_secs(120);
    while version(url) < wanted {
        assert!(Instant::now() < end, "the run comes to version {wanted}");
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        sleep(Duration::from_millis(5));
    }
    true
}

fn summary(folder: &Path, out: &str) -> Value {
    serde_json::from_slice(&file(folder, &format!("{out}/summary.json"))).unwrap()
}

fn assert_same_outputs(folder: &Path, out: &str, other: &str) {
    assert_eq!(timeless(summary(folder, out)), timeless(summary(folder, other)));
    for name in ["series.csv", "arrivals.csv"] {
        let [one, two] = [out, other].map(|out| file(folder, &format!("{out}/{name}")));
        assert!(one == two, "{name} is the same");
    }
}

#[test]
fn a_run_with_a_store_leaves_what_one_without_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::shared().unwrap();
    let url = server.database().unwrap();
    epidemic(folder, "plain", &format!("{SIZE} --days 7"));
    for (backend, schema, how) in [
        ("archetype", "one", ""),
        ("local", "two", "--store-rows-every 1"),
        ("archetype", "three", "--store-rows-every 3 --store-skip"),
    ] {
        let store = format!("--backend {backend} --store {url} --store-schema {schema} {how}");
        epidemic(folder, "half", &format!("{SIZE} --days 2 {store}"));
        // The last day is committed, due or not.
        let options = "--days 7 --threads 3 --store-every 4";
        epidemic(folder, "kept", &format!("{options} {store}"));
        assert_same_outputs(folder, "kept", "plain");
        let asked =
            format!("select _store.version, committed, tick from {schema}._store, {schema}._world");
        let rows = query(&url, &asked).unwrap();
        let [version, committed, tick] = [0, 1, 2].map(|at| rows[0][at].clone().unwrap());
        // The tables show the last tick, of seven days of six.
        assert_eq!((&version, &*tick), (&committed, "42"));
        assert!(how.contains("skip") || committed == "5", "the start, and days 1, 2, 4 and 7");
    }
    // At its end there is nothing to do, unless its outputs are not there.
    let again = format!("{SIZE} --days 7 --store {url} --store-schema one");
    let said = run(folder, &format!("{again} --out kept"));
    assert!(said.contains("nothing to do"), "{said}");
    epidemic(folder, "half", &again);
    assert_same_outputs(folder, "half", "plain");
}

#[test]
fn a_run_that_is_killed_goes_on_from_its_last_commit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::shared().unwrap();
    let url = server.database().unwrap();
    // More days than commits come about in nine rounds.
    let arguments = format!("{SIZE} --days 90 --quiet --store {url} --out kept");
    // Any number does; the same ones fail again.
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut kills = 0;
    for round in 0..9 {
        let mut child = start(folder, &arguments);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let moment = Duration::from_millis((random >> 33) % 30);
        // At the start too, where nothing is committed or all of it is being read.
        let goes_on = round % 3 == 0 || reaches(&mut child, &url, version(&url) + 1);
        sleep(moment);
        if goes_on && child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            kills += 1;
        }
        end(child);
    }
    assert!(kills >= 5, "{kills} kills before the end");
    let output = end(start(folder, &arguments));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    epidemic(folder, "plain", &format!("{SIZE} --days 90"));
    assert_same_outputs(folder, "kept", "plain");
}

#[test]
fn a_server_that_is_away_for_a_while_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::builder().fsync(true).start().unwrap();
    let url = server.database().unwrap();
    server.stop().unwrap();
    let mut child = start(folder, &format!("{SIZE} --days 20 --store {url} --out kept"));
    sleep(Duration::from_secs(2));
    server.restart().unwrap();
    assert!(reaches(&mut child, &url, 2), "the run has not ended");
    server.kill();
    sleep(Duration::from_millis(500));
    server.restart().unwrap();
    let output = end(child);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("it is tried again for 30s"), "{told}");
    epidemic(folder, "plain", &format!("{SIZE} --days 20"));
    assert_same_outputs(folder, "kept", "plain");
}

#[test]
fn what_contradicts_the_store_or_is_not_there_is_refused_and_no_password_shown() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::shared().unwrap();
    let url = server.database().unwrap();
    let (before, _) = url.rsplit_once('@').unwrap();
    let (_, password) = before.rsplit_once(':').unwrap();
    let output =
        end(start(folder, &format!("{SIZE} --days 2 --plan --seed 5 --store {url} --out out")));
    assert!(output.status.success());
    let mut said = vec![output.stdout, output.stderr, file(folder, "out/summary.json")];
    let wrong = url.replace(password, "hidden");
    query(&url, "create schema other; create table other._store (format int)").unwrap();
    query(&url, "insert into other._store values (99)").unwrap();
    for (options, message) in [
        (format!("--seed 6 --store {url}"), "--seed: 6 contradicts the store, which has 5"),
        (format!("--people 9 --store {url}"), "--people: 9 contradicts the store"),
        (format!("--no-flights --store {url}"), "--no-flights: on contradicts the store"),
        (format!("--store {wrong}"), "password authentication failed"),
        (format!("--store {url}_gone"), "does not exist"),
        (format!("--store {url}?sslmode=hidden"), "can't be read"),
        (format!("--store {url} --store-schema pg_x"), "reserved"),
        (format!("--store {url} --store-schema other"), "format 99"),
    ] {
        let text = fails(folder, &format!("--days 9 --out none {options}"));
        assert!(text.starts_with("error: ") && text.contains(message), "{options}: {text}");
        assert!(!text.contains("hidden"), "{text}");
        said.push(text.into_bytes());
    }
    assert!(!folder.join("none").exists());
    // Whose rows others have changed, its sums no longer hold.
    query(&url, "delete from epidemic.\"epidemic::Exposed\"").unwrap();
    query(&url, "update epidemic._store set committed = version + 1, version = version + 1")
        .unwrap();
    let text = fails(folder, &format!("--days 9 --out none --store {url}"));
    assert!(text.contains("others have changed its rows"), "{text}");
    said.push(text.into_bytes());
    for text in said {
        assert!(!String::from_utf8_lossy(&text).contains(password));
    }
}
