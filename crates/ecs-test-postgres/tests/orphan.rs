//! A test that is killed leaves no server for long.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ecs_test_postgres::Server;

/// Asks this program to be the one that is killed.
const VICTIM: &str = "ECS_TEST_POSTGRES_VICTIM";

/// Not a test of its own: it starts a server, says where, and waits for its end.
#[test]
fn victim() {
    if std::env::var_os(VICTIM).is_none() {
        return;
    }
    // Started by a thread that ends, as a test's thread may.
    let server = thread::spawn(Server::start).join().expect("no panic");
    let server = server.expect("PostgreSQL is installed");
    let small = server.small_tablespace(1 << 20).is_ok();
    thread::sleep(Duration::from_millis(200));
    assert!(server.is_running(), "it outlives the thread that asked for it");
    let pid = server.process_id().expect("it runs");
    println!("\nvictim {pid} {small} {}", server.folder().display());
    thread::sleep(Duration::from_secs(600));
}

#[test]
fn a_server_ends_with_a_test_that_is_killed_and_its_folder_with_the_next_start() {
    let mut victim = Command::new(std::env::current_exe().expect("this program"));
    victim.args(["--exact", "victim", "--nocapture"]).env(VICTIM, "1").stdout(Stdio::piped());
    let mut victim = victim.spawn().expect("this program starts");
    let lines = BufReader::new(victim.stdout.take().expect("it is piped")).lines();
    let line = lines.map_while(Result::ok).find(|line| line.starts_with("victim "));
    let line = line.expect("the victim says where its server is");
    let words: Vec<&str> = line.splitn(4, ' ').collect();
    let [_, pid, _, folder] = words[..] else { panic!("{line}") };

    victim.kill().expect("it runs");
    victim.wait().expect("it has ended");
    let patience = Instant::now() + Duration::from_secs(30);
    while is_alive(pid) {
        assert!(Instant::now() < patience, "the server {pid} lives on");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(Path::new(folder).exists());
    let _server = Server::start().expect("PostgreSQL is installed");
    assert!(!Path::new(folder).exists());
}

/// Whether a process runs; one that nobody has buried yet does not.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}
