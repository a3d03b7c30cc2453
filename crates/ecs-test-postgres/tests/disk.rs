//! Full disks. They take root, with the right to mount.

use ecs_test_postgres::{Server, ServerError, query};

const MEGABYTE: u64 = 1 << 20;

/// Whether this test may mount; if it may not, it must hear so in clear words.
fn may_mount<T: std::fmt::Debug>(result: Result<T, ServerError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error @ ServerError::NoDisk { .. }) => {
            assert!(error.to_string().contains("CAP_SYS_ADMIN"), "{error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_small_tablespace_is_full_until_it_is_given_room() {
    let server = Server::start().expect("PostgreSQL is installed");
    let Some(small) = may_mount(server.small_tablespace(8 * MEGABYTE)) else { return };
    let url = server.database().unwrap();
    query(&url, &format!("create table sheep (name text) tablespace {}", small.name())).unwrap();
    let insert = "insert into sheep select repeat('x', 1000) from generate_series(1, 1000)";
    small.disk().fill().unwrap();
    let error = query(&url, insert).expect_err("the disk is full").to_string();
    assert!(error.contains("No space left on device"), "{error}");
    small.disk().make_room().unwrap();
    query(&url, insert).unwrap();
    let path = small.disk().path().to_owned();
    drop(server);
    assert!(!path.exists());
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(path.to_str().unwrap()), "{mounts}");
}

#[test]
fn a_server_on_a_full_disk_recovers_once_it_is_given_room() {
    let server = Server::builder().disk(256 * MEGABYTE).fsync(true).start();
    let Some(server) = may_mount(server) else { return };
    let url = server.database().unwrap();
    query(&url, "create table sheep (name text); insert into sheep values ('Dolly')").unwrap();
    let disk = server.disk().expect("it has one");
    disk.fill().unwrap();
    let flood = "insert into sheep select repeat('x', 1000) from generate_series(1, 100000)";
    query(&url, flood).expect_err("the disk is full");
    disk.make_room().unwrap();
    server.restart().unwrap();
    let rows = query(&url, "select count(*) from sheep").unwrap();
    assert_eq!(rows, [[Some("1".to_owned())]]);
}
