//! Whether a server works on this machine's processors.

use std::net::IpAddr;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// Tells whether all servers that a connection may be made to are reached without a
/// network.
pub(super) fn is_near(config: &Config) -> bool {
    match config.get_hostaddrs() {
        [] => config.get_hosts().iter().all(is_here),
        // They are taken instead of names.
        addresses => addresses.iter().all(IpAddr::is_loopback),
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_sockets_are_near_and_no_other_way() {
        for (url, expected) in [
            ("postgresql://localhost/worlds", true),
            ("postgresql://127.0.0.1:5433/worlds", true),
            ("postgresql://[::1]/worlds", true),
            ("host=/var/run/postgresql", true),
            ("host=example.org hostaddr=127.0.0.1", true),
            ("postgresql://example.org/worlds", false),
            ("postgresql://192.0.2.7/worlds", false),
            ("postgresql://localhost,example.org/worlds", false),
            ("host=localhost hostaddr=192.0.2.7", false),
        ] {
            assert_eq!(is_near(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
