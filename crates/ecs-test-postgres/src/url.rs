//! Addresses of databases.

/// The host of every address.
pub(crate) const HOST: &str = "127.0.0.1";

/// Writes `postgresql://user:password@127.0.0.1:port/database`.
pub(crate) fn write(user: &str, password: &str, port: u16, database: &str) -> String {
    let [user, password, database] = [user, password, database].map(escape);
    format!("postgresql://{user}:{password}@{HOST}:{port}/{database}")
}

/// Names another port, if the address has the expected one.
pub(crate) fn with_port(url: &str, from: u16, to: u16) -> Option<String> {
    let at = format!("@{HOST}:{from}");
    let (before, after) = url.split_once(&at)?;
    let ends = after.is_empty() || after.starts_with(['/', '?']);
    ends.then(|| format!("{before}@{HOST}:{to}{after}"))
}

/// Escapes what has a meaning in an address.
fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_an_address_is_escaped() {
        let url = write("a@b", "p:/%é", 5, "d?");
        assert_eq!(url, "postgresql://a%40b:p%3A%2F%25%C3%A9@127.0.0.1:5/d%3F");
    }

    #[test]
    fn only_the_whole_port_is_replaced() {
        let url = write("u", "p", 5432, "d");
        assert_eq!(with_port(&url, 5432, 7), Some(write("u", "p", 7, "d")));
        assert_eq!(with_port(&url, 543, 7), None);
        assert_eq!(with_port(&url, 5433, 7), None);
    }
}
