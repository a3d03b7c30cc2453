//! Statements of the tests themselves.

use std::error::Error;
use std::thread;
use std::time::Duration;

use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::error::ServerError;

/// A row as text; `None` is NULL.
pub type Row = Vec<Option<String>>;

/// Runs statements on a connection of their own, and gives back the rows of all of them.
///
/// Several statements at once are one transaction. It waits for the answer on a thread of
/// its own, and so may be called from within a runtime, whose thread it blocks.
///
/// # Errors
///
/// [`ServerError::Sql`] if the connection or a statement fails.
pub fn query(url: &str, sql: &str) -> Result<Vec<Row>, ServerError> {
    // A runtime within a runtime would panic.
    let result = on_a_thread(|| talk(url, sql));
    result.map_err(|source| ServerError::Sql { sql: sql.to_owned(), source: Box::new(source) })
}

/// Asks for an answer within a time; says why there is none.
pub(crate) fn answers(url: &str, time: Duration) -> Result<(), String> {
    on_a_thread(|| async {
        match tokio::time::timeout(time, talk(url, "select 1")).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(words(&error)),
            Err(_) => Err(format!("no answer to `select 1` within {time:?}")),
        }
    })
}

fn on_a_thread<T: Send, F: Future<Output = T>>(work: impl FnOnce() -> F + Send) -> T {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime of one thread can be made").block_on(work())
    };
    match thread::scope(|scope| scope.spawn(run).join()) {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

async fn talk(url: &str, sql: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let messages = client.simple_query(sql).await;
    drop(client);
    // It says goodbye, so that the session has ended when this returns.
    let _ = connection.await;
    let rows = messages?.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
        }
        _ => None,
    });
    Ok(rows.collect())
}

/// The words of an error and of its reasons.
pub(crate) fn words(error: &tokio_postgres::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let reason = error.to_string();
        if !words.contains(&reason) {
            words = format!("{words}: {reason}");
        }
        source = error.source();
    }
    words
}
