//! This program once more, in a process that can be killed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use ecs_test_postgres::Server;

use crate::servers;

/// Tells the child, by its environment, where it works.
const URL: &str = "ECS_FAULTS_URL";
/// Tells the child with what it begins to draw.
const SEED: &str = "ECS_FAULTS_SEED";
const ACKNOWLEDGED: &str = "acknowledged ";

/// A process that works on a database and says what has been acknowledged.
pub(crate) struct Worker {
    process: Child,
    /// Its name on the server.
    program: String,
    heard: Receiver<u64>,
}

impl Worker {
    /// Starts one that runs the test of this name.
    pub(crate) fn start(test: &str, url: &str, seed: u64) -> Self {
        let program = servers::unique("worker");
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(URL, format!("{url}?application_name={program}"))
            .env(SEED, seed.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (sender, heard) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let number = line.strip_prefix(ACKNOWLEDGED).and_then(|it| it.parse().ok());
                let _ = number.map(|number: u64| sender.send(number));
            }
        });
        Self { process, program, heard }
    }

    /// Waits for so many acknowledgements and a time, kills it, and returns all that it said.
    pub(crate) fn kill_after(mut self, count: usize, delay: Duration, server: &Server) -> Vec<u64> {
        let mut acknowledged: Vec<u64> = self.heard.iter().take(count).collect();
        thread::sleep(delay);
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        servers::await_end(server, &self.program);
        acknowledged.extend(self.heard);
        acknowledged
    }
}

/// Returns the database and the seed, if this process is such a worker.
pub(crate) fn given() -> Option<(String, u64)> {
    let (url, seed) = (std::env::var(URL).ok()?, std::env::var(SEED).ok()?);
    Some((url, seed.parse().expect("the parent gives a number")))
}

/// Says, as a worker, that something has been acknowledged.
pub(crate) fn acknowledge(number: u64) {
    // The harness would keep what is printed in the usual way.
    let mut out = std::io::stderr().lock();
    writeln!(out, "{ACKNOWLEDGED}{number}").unwrap();
}
