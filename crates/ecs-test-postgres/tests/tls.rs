//! A server that offers TLS.

#![cfg(feature = "tls")]

use std::io::{Read, Write};
use std::net::TcpStream;

use ecs_test_postgres::Server;

/// Asks as the protocol has it; the answer is one letter.
fn offers_tls(port: u16) -> bool {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).unwrap();
    let mut answer = [0];
    stream.read_exact(&mut answer).unwrap();
    answer == *b"S"
}

#[test]
fn tls_is_offered_if_wanted() {
    let server = Server::builder().tls(true).start().expect("PostgreSQL is installed");
    assert!(offers_tls(server.port()));
    let authority = std::fs::read_to_string(server.authority().expect("a file")).unwrap();
    assert!(authority.starts_with("-----BEGIN CERTIFICATE-----"), "{authority}");

    let plain = Server::start().expect("PostgreSQL is installed");
    assert!(!offers_tls(plain.port()));
    assert!(plain.authority().is_none());
}
