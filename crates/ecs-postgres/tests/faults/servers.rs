//! The server that the tests of this program share, and stores on it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use ecs_postgres::PostgresOptions;
use ecs_test_postgres::Server;

/// Lends a server that waits for the disk; the last who lets go of it ends it.
pub(crate) fn shared() -> Arc<Server> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return server;
    }
    let server = Arc::new(safe());
    *shared = Arc::downgrade(&server);
    server
}

/// Starts a server that waits for the disk.
pub(crate) fn safe() -> Server {
    Server::builder().fsync(true).start().expect("PostgreSQL is installed")
}

/// Names what nothing else has the name of.
pub(crate) fn unique(kind: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{kind}_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Says how a schema is reached in the name of a program.
pub(crate) fn options(url: &str, schema: &str, program: &str) -> PostgresOptions {
    let url = format!("{url}?application_name={program}");
    PostgresOptions::new(url).schema(schema).time_limit(Duration::from_secs(20))
}

/// Counts the rows of an answer to the superuser.
pub(crate) fn count(server: &Server, from: &str) -> u64 {
    let rows = server.execute(&format!("select count(*) from {from}")).expect("it can be counted");
    rows[0][0].as_deref().and_then(|count| count.parse().ok()).expect("a count is a number")
}

/// Waits until a program has neither a transaction nor a lock on a server.
pub(crate) fn await_rest(server: &Server, program: &str) {
    let busy = format!(
        "pg_stat_activity as session where application_name = '{program}' and \
         (state <> 'idle' or exists (select from pg_locks where pid = session.pid))"
    );
    let patience = Instant::now() + Duration::from_secs(10);
    while count(server, &busy) != 0 {
        assert!(Instant::now() < patience, "{program} has left something open");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until a program has no connection to a server.
pub(crate) fn await_end(server: &Server, program: &str) {
    let there = format!("pg_stat_activity where application_name = '{program}'");
    let patience = Instant::now() + Duration::from_secs(25);
    while count(server, &there) != 0 {
        assert!(Instant::now() < patience, "{program} is still there");
        std::thread::sleep(Duration::from_millis(2));
    }
}
