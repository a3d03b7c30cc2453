//! A server for the tests of a file, and empty stores on it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use ecs_postgres::{PostgresOptions, PostgresStorage};
use ecs_test_postgres::Server;

/// A store, and the server that it needs.
#[derive(Debug)]
pub struct Store {
    storage: PostgresStorage,
    _server: Arc<Server>,
}
