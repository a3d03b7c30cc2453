//! What a server promises.

use std::path::Path;
use std::sync::Arc;

use ecs_test_postgres::{Server, ServerError, query};

fn text(value: &str) -> Vec<Option<String>> {
    vec![Some(value.to_owned())]
}

#[test]
fn databases_do_not_see_each_other() {
    let server = Server::shared().expect("PostgreSQL is installed");
    let [one, other] = [(); 2].map(|()| server.database().expect("a database"));
    query(&one, "create table sheep (name text); insert into sheep values ('Dolly')").unwrap();
    assert_eq!(query(&one, "select name from sheep").unwrap(), [text("Dolly")]);
    assert!(matches!(query(&other, "select name from sheep"), Err(ServerError::Sql { .. })));
}

#[test]
fn the_password_matters() {
    let server = Server::shared().expect("PostgreSQL is installed");
    server.execute("create role guest login password 'p@ss/word'").unwrap();
    let right = server.url_of("guest", "p@ss/word", "postgres");
    assert_eq!(query(&right, "select current_user").unwrap(), [text("guest")]);
    let wrong = server.url_of("guest", "password", "postgres");
    let error = query(&wrong, "select 1").expect_err("a wrong password").to_string();
    assert!(error.contains("password authentication failed"), "{error}");
}

#[test]
fn the_shared_server_is_one() {
    let server = Server::shared().expect("PostgreSQL is installed");
    assert!(Arc::ptr_eq(&server, &Server::shared().expect("PostgreSQL is installed")));
}

#[test]
fn statements_run_within_a_runtime_too() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let rows = runtime.block_on(async {
        let server = Server::shared().expect("PostgreSQL is installed");
        server.execute("select 1")
    });
    assert_eq!(rows.unwrap(), [text("1")]);
}

#[test]
fn committed_rows_outlive_a_kill() {
    let server = Server::builder().fsync(true).start().expect("PostgreSQL is installed");
    let url = server.database().unwrap();
    let first = server.process_id();
    query(&url, "create table sheep (name text)").unwrap();
    query(&url, "insert into sheep values ('Dolly')").unwrap();
    server.kill();
    assert!(!server.is_running());
    assert!(query(&url, "select 1").is_err());
    server.restart().unwrap();
    assert!(server.is_running());
    assert_ne!(server.process_id(), first);
    assert_eq!(query(&url, "select name from sheep").unwrap(), [text("Dolly")]);
    let log = std::fs::read_to_string(server.folder().join("log")).unwrap();
    assert!(log.contains("automatic recovery in progress"), "a kill is a crash: {log}");
}

#[test]
fn no_process_outlives_a_kill() {
    let server = Server::start().expect("PostgreSQL is installed");
    let backends = server.execute("select pid::text from pg_stat_activity").unwrap();
    assert!(backends.len() > 3, "{backends:?}");
    server.kill();
    for pid in backends.iter().filter_map(|row| row[0].as_ref()) {
        // A process that nobody has buried yet is dead all the same.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
    }
}

#[test]
fn a_stopped_server_starts_again_on_its_port_without_recovery() {
    let server = Server::start().expect("PostgreSQL is installed");
    let url = server.database().unwrap();
    server.stop().unwrap();
    server.stop().unwrap();
    assert!(!server.is_running());
    server.restart().unwrap();
    server.restart().unwrap();
    query(&url, "select 1").unwrap();
    let log = server.log_tail();
    assert!(!log.contains("automatic recovery in progress"), "{log}");
}

#[test]
fn dropping_a_server_ends_it_and_leaves_nothing() {
    for kill_first in [false, true] {
        let server = Server::start().expect("PostgreSQL is installed");
        let pid = server.process_id().expect("it runs");
        let folder = server.folder().to_owned();
        let postmaster = std::fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
        let segment = postmaster.lines().nth(6).unwrap().split_whitespace().next().unwrap();
        assert!(has_segment(segment), "line 7 of postmaster.pid is the key of a segment");
        if kill_first {
            server.kill();
        }
        drop(server);
        assert!(!folder.exists());
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
        assert!(!has_segment(segment), "shared memory of a server that is gone");
    }
}

fn has_segment(key: &str) -> bool {
    let segments = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    segments.lines().any(|line| line.split_whitespace().next() == Some(key))
}

#[test]
fn two_servers_stand_side_by_side() {
    let one = Server::start().expect("PostgreSQL is installed");
    let other = Server::start().expect("PostgreSQL is installed");
    assert_ne!(one.port(), other.port());
    one.kill();
    other.execute("select 1").unwrap();
}

#[test]
fn settings_reach_the_server() {
    let server = Server::builder().setting("application_name", r"it's \ here").start();
    let server = server.expect("PostgreSQL is installed");
    let shown = server.execute("show application_name; show fsync; show synchronous_commit");
    assert_eq!(shown.unwrap(), [text(r"it's \ here"), text("off"), text("on")]);
    let socket = server.folder().join(format!("socket/.s.PGSQL.{}", server.port()));
    assert!(socket.exists());
}

#[test]
fn a_start_that_fails_shows_the_log() {
    let error = Server::builder().setting("no_such_setting", "1").start();
    let error = error.expect_err("an unknown setting");
    assert!(matches!(error, ServerError::Crashed { attempts: 2.., .. }), "{error:?}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[test]
fn a_missing_server_is_an_error_that_says_what_to_install() {
    let error = Server::builder().binaries("/nonexistent").start();
    let error = error.expect_err("there is nothing").to_string();
    assert!(error.contains("/nonexistent"), "{error}");
    assert!(error.contains("apt-get install postgresql"), "{error}");
}
