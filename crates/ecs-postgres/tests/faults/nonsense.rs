//! Tables that somebody changed, and answers that are none: errors, and no panic.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use ecs_postgres::PostgresOptions;
use ecs_storage_api::{AsyncStorage, AsyncStorageExt, RemoteQuery, UpdateBatch, remote::next};
use pollster::block_on;

use crate::model::{Dice, Place, Title};
use crate::servers;

#[test]
fn changed_tables_are_errors() {
    let server = servers::shared();
    for change in [
        "alter table world._store alter version type text",
        "update world._store set version = -5",
        "update world._store set version = 9223372036854775807",
        "delete from world._store",
        "delete from world._allocator",
        "update world._allocator set next_index = -1",
        "update world._allocator set free = 7",
        "update world._allocator set next_index = 99999999999",
        "insert into world._free values (0, -1)",
        "alter table world._entity alter entity type text",
        "insert into world._entity values (0)",
        "delete from world._entity",
        "drop table world._entity",
        "alter table world._component alter id drop identity; \
         alter table world._component alter id type text",
        "update world._component set \"table\" = 'nowhere' where name like '%Title'",
        "alter table world.\"fault::Place\" drop column x",
        "alter table world.\"fault::Place\" alter x type text",
        "alter table world.\"fault::Title\" rename to other",
        "drop schema world cascade",
    ] {
        let url = server.database().unwrap();
        let open = || servers::options(&url, "world", "odd").attempts(2);
        let store = open().connect().unwrap();
        let place = Place { x: 1, y: 2 };
        let entity = block_on(store.create_async((place, Title("t".to_owned())))).unwrap();
        ecs_test_postgres::query(&url, change).unwrap_or_else(|error| panic!("{error}"));
        // Whatever comes of it, nobody panics, and nobody is told to try again.
        let batch = UpdateBatch::new().spawn((place,)).update(entity, place);
        let mut errors = Vec::new();
        errors.extend(block_on(store.version_async()).err());
        errors.extend(block_on(store.image_async()).err());
        errors.extend(block_on(store.allocator_state_async()).err());
        let mut pages = store.query_erased_async(RemoteQuery::new().all());
        errors.extend(block_on(next(&mut pages)).and_then(Result::err));
        errors.extend(block_on(store.reserve_ids_async(9)).err());
        errors.extend(block_on(store.apply_updates_async(&batch, None)).err());
        let anew = open().connect().err();
        assert!(!errors.is_empty() || anew.is_some(), "{change} is noticed by nobody");
        for error in errors {
            assert!(!error.is_retryable(), "{change}: {error}");
        }
    }
}

/// A server that says something, whatever it is told.
#[test]
fn answers_that_are_none_are_errors() {
    let mut dice = Dice::new(12);
    let noises: [&[u8]; 7] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"E\xff\xff\xff\xff",
        b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I",
        b"R\0\0\0\x08\0\0\0\x63",
        b"E\0\0\0\x05\0",
        b"N",
        &[0; 64],
    ];
    for noise in noises {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("postgresql://a:b@127.0.0.1:{port}/c?sslmode=disable");
        thread::spawn({
            let noise = noise.to_vec();
            let wait = dice.roll(3);
            move || {
                while let Ok((mut stream, _)) = listener.accept() {
                    let _ = stream.read(&mut [0; 512]);
                    thread::sleep(Duration::from_millis(wait));
                    let _ = stream.write_all(&noise);
                }
            }
        });
        let options = PostgresOptions::new(url).time_limit(Duration::from_millis(500));
        options.connect().unwrap_err();
    }
}
