//! What a proxy breaks, and when.

use std::time::{Duration, Instant};

use ecs_test_postgres::{Proxy, Server, ServerError, query};
use tokio_postgres::{Client, NoTls};

/// A server with a table of sheep, and a client whose connection is made already.
struct Stage {
    /// The address without the proxy.
    url: String,
    through: String,
    proxy: Proxy,
    client: Client,
    runtime: tokio::runtime::Runtime,
    server: std::sync::Arc<Server>,
}

impl Stage {
    fn new() -> Self {
        let server = Server::shared().expect("PostgreSQL is installed");
        let url = server.database().unwrap();
        query(&url, "create table sheep (name text)").unwrap();
        let proxy = Proxy::start(&server).unwrap();
        let through = proxy.url(&url).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&through, NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        });
        Self { url, through, proxy, client, runtime, server }
    }

    fn insert(&self, name: &str) -> Result<(), tokio_postgres::Error> {
        let sql = format!("insert into sheep values ('{name}')");
        self.runtime.block_on(self.client.batch_execute(&sql))
    }

    fn sheep(&self) -> usize {
        query(&self.url, "select * from sheep").unwrap().len()
    }
}

#[test]
fn what_is_not_cut_comes_through() {
    let stage = Stage::new();
    stage.insert("Dolly").unwrap();
    let rows = query(&stage.through, "select repeat('x', 1000000)").unwrap();
    assert_eq!(rows[0][0].as_ref().map(String::len), Some(1_000_000));
    assert_eq!(stage.sheep(), 1);
    assert_eq!(stage.proxy.connections(), 1);
}

#[test]
fn a_cut_breaks_the_connections_and_takes_new_ones() {
    let stage = Stage::new();
    stage.proxy.cut();
    assert!(stage.insert("Dolly").is_err());
    assert_eq!(stage.sheep(), 0);
    query(&stage.through, "insert into sheep values ('Dolly')").unwrap();
    assert_eq!(stage.sheep(), 1);
}

#[test]
fn a_commit_whose_answer_is_lost_has_happened() {
    let stage = Stage::new();
    stage.proxy.cut_answer_after(0);
    assert!(stage.insert("Dolly").is_err());
    assert_eq!(stage.sheep(), 1);
}

#[test]
fn a_statement_that_is_cut_short_has_not_happened() {
    let stage = Stage::new();
    stage.proxy.cut_after(20);
    assert!(stage.insert("Dolly").is_err());
    assert_eq!(stage.sheep(), 0);
    // The limit is gone with the cut.
    assert!(!stage.proxy.is_limited());
    query(&stage.through, "select 1").unwrap();
}

#[test]
fn a_statement_that_has_gone_as_a_whole_is_done_though_the_client_is_cut() {
    let stage = Stage::new();
    let statement = "insert into sheep values ('Dolly')";
    // The kind of the message, its length, the closing zero.
    stage.proxy.cut_after(1 + 4 + statement.len() as u64 + 1);
    assert!(stage.insert("Dolly").is_err());
    let patience = Instant::now() + Duration::from_secs(10);
    while stage.sheep() == 0 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(stage.sheep(), 1);
}

#[test]
fn a_limit_can_be_given_up() {
    let stage = Stage::new();
    stage.proxy.cut_after(5);
    stage.proxy.cut_answer_after(5);
    assert!(stage.proxy.is_limited());
    stage.proxy.pass_all();
    assert!(!stage.proxy.is_limited());
    stage.insert("Dolly").unwrap();
}

#[test]
fn new_connections_can_be_refused() {
    let stage = Stage::new();
    stage.proxy.refuse(true);
    assert!(query(&stage.through, "select 1").is_err());
    stage.insert("Dolly").unwrap();
    stage.proxy.refuse(false);
    query(&stage.through, "select 1").unwrap();
}

#[test]
fn a_proxy_outlives_a_restart_of_the_server() {
    let server = Server::start().expect("PostgreSQL is installed");
    let proxy = Proxy::start(&server).unwrap();
    let through = proxy.url(&server.admin_url()).unwrap();
    server.kill();
    assert!(query(&through, "select 1").is_err());
    server.restart().unwrap();
    query(&through, "select 1").unwrap();
}

#[test]
fn an_address_of_another_server_is_refused() {
    let stage = Stage::new();
    let error = stage.proxy.url("postgresql://user@127.0.0.1:1/x").unwrap_err();
    assert!(matches!(error, ServerError::ForeignUrl { .. }), "{error}");
    // It was not changed for the server's own address either.
    assert!(stage.proxy.url(&stage.server.admin_url()).is_ok());
}
