//! The user that the server runs as.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::error::{Doing, ServerError};

/// An unprivileged user, if the test is run as root; PostgreSQL refuses root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account(Option<Ids>);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Ids {
    user: u32,
    group: u32,
}

impl Account {
    /// Chooses Debian's `postgres`, or else `nobody`, if the test is run as root; and the
    /// user of the test if it is not.
    pub(crate) fn choose() -> Result<Self, ServerError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let ids = ["postgres", "nobody"].iter().find_map(|name| look_up(&passwd, name));
        ids.map(|ids| Self(Some(ids))).ok_or(ServerError::NoAccount)
    }

    /// Lets a program run as this user.
    pub(crate) fn runs(self, command: &mut Command) {
        if let Some(ids) = self.0 {
            // The standard library gives up root's other groups with it.
            command.uid(ids.user).gid(ids.group);
        }
    }

    /// Makes this user the owner of a file.
    pub(crate) fn owns(self, path: &Path) -> Result<(), ServerError> {
        match self.0 {
            Some(ids) => {
                chown(path, Some(ids.user), Some(ids.group)).doing("giving the server", path)
            }
            None => Ok(()),
        }
    }
}

/// Reads a line `name:password:user:group:…` of /etc/passwd.
fn look_up(passwd: &str, name: &str) -> Option<Ids> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        (user != 0).then_some(Ids { user, group })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:8:::\npostgres:x:101:104:PG:/:/sh\n";
        assert_eq!(look_up(passwd, "postgres"), Some(Ids { user: 101, group: 104 }));
        assert_eq!(look_up(passwd, "nobody"), None);
    }

    #[test]
    fn another_name_of_root_is_not_taken() {
        assert_eq!(look_up("postgres:x:0:0:::", "postgres"), None);
    }
}
