//! Why a URL can't be read, in words that quote nothing of it.

use std::error::Error;

/// Tells what of a database's URL can't be read. Nothing of the URL is in it, as any part
/// may be that of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlFault {
    /// It is no URL of PostgreSQL.
    #[error("it doesn't begin with postgresql://")]
    Scheme,
    /// A setting has a value that is none of those that are known here.
    #[error("the value of `{0}` is not known here")]
    Value(&'static str),
    /// A setting of libpq's that is not known here.
    #[error("`{0}` is not known here")]
    Setting(&'static str),
    /// Something else.
    #[error("a part of it is not as it has to be")]
    Form,
}

/// Settings whose values are looked at when a URL is read.
const CHECKED: [&str; 12] = [
    "channel_binding",
    "connect_timeout",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "port",
    "sslmode",
    "sslnegotiation",
    "target_session_attrs",
];

/// Settings that URLs for libpq have, and that nobody here knows.
const UNKNOWN: [&str; 14] = [
    "client_encoding",
    "gssencmode",
    "keepalives_count",
    "krbsrvname",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "service",
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslpassword",
    "sslrootcert",
];

impl UrlFault {
    /// Finds out why a URL was refused. What the parser says may quote the URL, so only
    /// names are taken from it that are known beforehand.
    pub(crate) fn of(url: &str, error: &tokio_postgres::Error) -> Self {
        let words = error.source().map(ToString::to_string).unwrap_or_default();
        let named = |name: &&str| words.ends_with(&format!(" `{name}`"));
        let is_ours = ["postgresql://", "postgres://"].iter().any(|it| url.starts_with(it));
        if let Some(name) = CHECKED.into_iter().find(named) {
            return Self::Value(name);
        }
        match UNKNOWN.into_iter().find(named) {
            Some(name) => Self::Setting(name),
            None if is_ours => Self::Form,
            None => Self::Scheme,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::Config;

    use super::*;

    fn fault(url: &str) -> UrlFault {
        UrlFault::of(url, &url.parse::<Config>().unwrap_err())
    }

    #[test]
    fn what_is_wrong_is_named() {
        for name in CHECKED {
            assert_eq!(fault(&format!("postgresql://me@here/db?{name}=x")), UrlFault::Value(name));
        }
        for name in UNKNOWN {
            let url = format!("postgresql://me@here/db?{name}=x");
            assert_eq!(fault(&url), UrlFault::Setting(name));
        }
        assert_eq!(fault("postgres://me@here:port/db"), UrlFault::Value("port"));
        assert_eq!(fault("mysql://me@here/db"), UrlFault::Scheme);
        assert_eq!(fault("nonsense"), UrlFault::Scheme);
        assert_eq!(fault("postgres://me@here/db?sslmode"), UrlFault::Form);
    }

    #[test]
    fn a_password_that_is_taken_for_a_setting_is_not_quoted() {
        for password in ["geheim", "sslmode", "a `port`"] {
            let words = fault(&format!("postgresql://me:a@b/?{password}=1@here/db")).to_string();
            assert!(!words.contains("geheim") && !words.contains('1'), "{words}");
        }
    }
}
