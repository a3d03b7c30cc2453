//! A connection that listens.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_postgres::{AsyncMessage, Config};

use super::tls::{Listening, Tls};
use crate::name::quote;

/// How long to wait before the server is called again.
const PAUSE: Duration = Duration::from_millis(200);

/// Rings when the server says something on a channel, and when a connection was lost
/// and is there again.
#[derive(Debug)]
pub(crate) struct Bell {
    rung: Arc<Notify>,
    /// The task that listens.
    listening: AbortHandle,
}

impl Bell {
    pub(super) fn new(
        runtime: &tokio::runtime::Handle,
        config: Config,
        tls: Arc<Tls>,
        channel: String,
    ) -> Self {
        let rung = Arc::new(Notify::new());
        let ring = rung.clone();
        let listening = runtime.spawn(async move {
            loop {
                // Whatever ends it, it begins anew: who waits asks now and then anyhow.
                let _ = listen(&config, &tls, &channel, &ring).await;
                ring.notify_one();
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { rung, listening: listening.abort_handle() }
    }

    /// Waits until it rings. A ring that nobody waited for is heard by the next.
    pub(crate) async fn ring(&mut self) {
        self.rung.notified().await;
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(
    config: &Config,
    tls: &Tls,
    channel: &str,
    rung: &Notify,
) -> Result<(), tokio_postgres::Error> {
    let Listening { client, mut messages } = tls.connect_listening(config).await?;
    let listen = format!("listen {}", quote(channel));
    // Messages come only while the connection is polled, and so does the answer.
    let hearing = async {
        while let Some(message) = messages.next().await {
            if let AsyncMessage::Notification(_) = message? {
                rung.notify_one();
            }
        }
        Ok(())
    };
    let asked = async {
        client.batch_execute(&listen).await?;
        // What was said before it listened is asked for now.
        rung.notify_one();
        std::future::pending().await
    };
    match futures_util::future::select(Box::pin(hearing), Box::pin(asked)).await {
        futures_util::future::Either::Left((outcome, _)) => outcome,
        futures_util::future::Either::Right((outcome, _)) => outcome,
    }
}
