//! A server for the tests of a file, and empty stores on it.
#![allow(dead_code, reason = "each file uses some of it")]

pub(crate) mod world;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ecs_postgres::{PostgresOptions, PostgresStorage};
use ecs_test_postgres::Server;

thread_local! {
    /// Kept for as long as the thread of a test runs: the last one stops the server.
    static SERVER: RefCell<Option<Arc<Server>>> = const { RefCell::new(None) };
}

/// Returns the server of this process.
pub(crate) fn server() -> Arc<Server> {
    SERVER.with_borrow_mut(|server| {
        server.get_or_insert_with(|| Server::shared().expect("a server can be started")).clone()
    })
}

/// Names a schema that is not there.
pub(crate) fn schema() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("world {}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Says how a store of its own is reached.
pub(crate) fn options() -> PostgresOptions {
    PostgresOptions::new(server().admin_url()).schema(schema())
}

/// Makes an empty store.
pub(crate) fn fresh() -> PostgresStorage {
    options().connect().expect("the server is there")
}
