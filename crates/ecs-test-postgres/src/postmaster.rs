//! The server's first process, and those that it started.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// For how long a process that was killed is waited for.
const DEATH: Duration = Duration::from_secs(10);

/// A running server.
///
/// Dropping it kills the server.
#[derive(Debug)]
pub(crate) struct Postmaster {
    pid: Pid,
    /// Names the process even after its number has gone to another one.
    process: OwnedFd,
    keeper: Option<JoinHandle<io::Result<ExitStatus>>>,
}

impl Postmaster {
    /// Starts a server on a thread of its own, which lives as long as the server does.
    ///
    /// The kernel signals the end of a parent when the *thread* ends that started the
    /// child, so that the thread of a test will not do.
    pub(crate) fn launch(mut command: Command) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let keeper =
            thread::Builder::new().name("postgres keeper".to_owned()).spawn(move || {
                let mut child = match command.spawn() {
                    Ok(child) => child,
                    Err(error) => {
                        let _ = sender.send(Err(error));
                        return Err(io::ErrorKind::NotFound.into());
                    }
                };
                let pid = Pid::from_child(&child);
                match pidfd_open(pid, PidfdFlags::empty()) {
                    Ok(process) => {
                        let _ = sender.send(Ok((pid, process)));
                    }
                    Err(error) => {
                        let _ = child.kill();
                        let _ = sender.send(Err(error.into()));
                    }
                }
                child.wait()
            })?;
        let (pid, process) = receiver.recv().expect("the keeper sends before it ends")?;
        Ok(Self { pid, process, keeper: Some(keeper) })
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn is_running(&self) -> bool {
        !has_ended(&self.process, Duration::ZERO)
    }

    /// Sends a signal to the first process alone.
    pub(crate) fn signal(&self, signal: Signal) {
        // It may have ended by itself.
        let _ = pidfd_send_signal(&self.process, signal);
    }

    /// Waits for the end; says whether it came in time.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        has_ended(&self.process, time)
    }

    /// Kills all processes of the server at once, and waits until they are gone.
    pub(crate) fn kill(&self) {
        if self.is_running() {
            kill_family(self.pid);
            self.wait(DEATH);
        }
    }

    /// Tells how a server that has ended did so.
    pub(crate) fn ended(mut self) -> String {
        match self.keeper.take().map(JoinHandle::join) {
            Some(Ok(Ok(status))) => status.to_string(),
            Some(Ok(Err(error))) => error.to_string(),
            _ => "its keeper is gone".to_owned(),
        }
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        self.kill();
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

/// Kills a server's first process and its children, and waits until they are gone.
pub(crate) fn kill_family(pid: Pid) {
    // While it stands still it starts no child, and none of its children's numbers can
    // go to another process, since it is the one to bury them.
    let _ = kill_process(pid, Signal::STOP);
    let patience = Instant::now() + DEATH;
    while state(pid).is_some_and(|state| !matches!(state, 'T' | 'Z')) && Instant::now() < patience {
        thread::sleep(Duration::from_micros(100));
    }
    let family: Vec<(Pid, Option<OwnedFd>)> = children(pid)
        .into_iter()
        .chain([pid])
        .map(|pid| (pid, pidfd_open(pid, PidfdFlags::empty()).ok()))
        .collect();
    for &(pid, _) in &family {
        let _ = kill_process(pid, Signal::KILL);
    }
    for process in family.iter().filter_map(|(_, process)| process.as_ref()) {
        has_ended(process, patience.saturating_duration_since(Instant::now()));
    }
}

fn has_ended(process: &OwnedFd, time: Duration) -> bool {
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).expect("a wait is shorter than the world's age");
        let mut wanted = [PollFd::new(process, PollFlags::IN)];
        match poll(&mut wanted, Some(&left)) {
            Err(rustix::io::Errno::INTR) => {}
            result => return result.is_ok_and(|count| count > 0),
        }
    }
}

fn children(parent: Pid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Pid::from_raw)
        .filter(|&pid| stat(pid).is_some_and(|(_, of)| of == parent.as_raw_pid()))
        .collect()
}

fn state(pid: Pid) -> Option<char> {
    stat(pid).map(|(state, _)| state)
}

/// The state of a process and the number of its parent.
fn stat(pid: Pid) -> Option<(char, i32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may contain anything, even parentheses.
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
