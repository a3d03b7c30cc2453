//! How often something is tried.

use std::time::{Duration, Instant};

use ecs_storage_api::RemoteError;

use crate::error::is_passing;

/// Counts attempts, with a pause after each that is longer than the one before.
#[derive(Debug)]
pub(crate) struct Patience {
    left: u32,
    pause: Duration,
    end: Instant,
}

impl Patience {
    /// Allows so many attempts, of which none begins after the time limit.
    pub(crate) fn new(attempts: u32, time_limit: Duration) -> Self {
        Self { left: attempts, pause: Duration::from_millis(2), end: Instant::now() + time_limit }
    }

    /// Says whether to try again after an error, once it is time to.
    pub(crate) async fn allows(&mut self, error: &RemoteError) -> bool {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || !is_passing(error) || Instant::now() + self.pause > self.end {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause *= 4;
        true
    }
}
