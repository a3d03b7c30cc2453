//! Encrypted connections.

use ecs_postgres::{ConnectError, PostgresOptions};
use ecs_storage_api::{AsyncStorage, AsyncStorageExt};
use ecs_test_postgres::Server;
use pollster::block_on;

use crate::model::{Model, Title};

/// Reads the certificate of a server's authority.
fn authority(server: &Server) -> Vec<u8> {
    let text = std::fs::read_to_string(server.authority().expect("it offers TLS")).unwrap();
    let inner = text.lines().filter(|line| !line.starts_with("-----"));
    decode(&inner.collect::<String>())
}

/// Reads base 64.
fn decode(text: &str) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut kept) = (Vec::new(), 0u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = letters.iter().position(|other| *other == letter).expect("base 64");
        bits = bits << 6 | value as u32;
        kept += 6;
        if kept >= 8 {
            kept -= 8;
            bytes.push((bits >> kept) as u8);
        }
    }
    bytes
}

#[test]
fn an_encrypted_store_is_a_store() {
    let server = Server::builder().tls(true).start().unwrap();
    let other = Server::builder().tls(true).start().unwrap();
    let url = format!("{}?sslmode=require", server.database().unwrap());
    let options = || PostgresOptions::new(&url).schema("world");
    let store = options().certificates([authority(&server)]).connect().unwrap();
    let mut model = Model::new(1);
    let batch = model.batch();
    block_on(store.apply_updates_async(&batch, None)).unwrap();
    model.apply(&batch);
    model.assert_same(&store);
    let entity = block_on(store.create_async((Title("secret".to_owned()),))).unwrap();
    assert!(block_on(store.entity_exists_async(entity)).unwrap());
    let sessions = "select count(*) from pg_stat_ssl join pg_stat_activity using (pid) \
                    where ssl and application_name = 'ecs-postgres'";
    assert_ne!(server.execute(sessions).unwrap(), [[Some("0".to_owned())]]);

    // Another authority's certificate, that of nobody, and the system's.
    for certificates in [Some(vec![authority(&other)]), Some(Vec::new()), None] {
        let options = match certificates {
            Some(certificates) => options().certificates(certificates),
            None => options(),
        };
        match options.connect().unwrap_err() {
            ConnectError::Remote(error) => {
                assert!(!error.is_retryable(), "{error}");
                assert!(error.to_string().contains("certificate"), "{error}");
            }
            error => panic!("{error}"),
        }
    }
    let error = options().certificates([b"no certificate".to_vec()]).connect().unwrap_err();
    assert!(matches!(error, ConnectError::Certificate(_)), "{error}");

    let plain = Server::start().unwrap();
    let url = format!("{}?sslmode=require", plain.database().unwrap());
    let error = PostgresOptions::new(url).certificates([authority(&server)]).connect().unwrap_err();
    assert!(error.to_string().contains("does not support TLS"), "{error}");
}
