//! What a server that was killed leaves behind: processes, shared memory, mounts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::mount::{UnmountFlags, unmount};
use rustix::process::Pid;

use crate::launch;
use crate::postmaster::kill_family;

/// Ends what runs in a server's folder, and removes the folder.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    for data in launch::data_folders(folder) {
        if let Some(left) = Left::read(&data) {
            left.end(&data);
        }
    }
    for mount in mounts_under(folder) {
        // Lazily: what still has a file open there keeps it, and no name leads there.
        unmount(&mount, UnmountFlags::DETACH)?;
    }
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What `postmaster.pid` tells; a server that was stopped has removed it.
struct Left {
    pid: Pid,
    /// Key and id of a segment of shared memory, a few bytes, by which a server knows
    /// of another one on the same folder.
    segment: Option<(String, String)>,
}

impl Left {
    fn read(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let mut lines = text.lines();
        let pid = Pid::from_raw(lines.next()?.trim().parse().ok()?)?;
        let segment = lines.nth(5).and_then(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            Some((words.next()?, words.next()?))
        });
        Some(Self { pid, segment })
    }

    fn end(&self, data: &Path) {
        if self.runs_in(data) {
            kill_family(self.pid);
        }
        if let Some((key, id)) = &self.segment
            && self.made(key, id)
        {
            let mut remove = Command::new("ipcrm");
            remove.args(["-m", id]).stdout(Stdio::null()).stderr(Stdio::null());
            let _ = remove.status();
        }
    }

    /// Whether the process is the server of this folder, and not a later one that got
    /// its number.
    fn runs_in(&self, data: &Path) -> bool {
        let command = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let data = data.as_os_str().as_encoded_bytes();
        command.split(|&byte| byte == 0).any(|argument| argument == data)
    }

    /// Whether the segment is the one that this process made.
    fn made(&self, key: &str, id: &str) -> bool {
        let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
        segments.lines().any(|line| {
            // key, id, permissions, size, the process that made it
            let words: Vec<&str> = line.split_whitespace().collect();
            let pid = self.pid.to_string();
            words.len() > 4 && words[0] == key && words[1] == id && words[4] == pid
        })
    }
}

/// The mounts within a folder, the innermost first.
fn mounts_under(folder: &Path) -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    // A space is written as an octal number.
    let points = points.map(|point| PathBuf::from(point.replace("\\040", " ")));
    let mut points: Vec<_> = points.filter(|point| point.starts_with(folder)).collect();
    points.reverse();
    points
}
