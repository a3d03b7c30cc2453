//! Several clients change the same entities.

use std::collections::BTreeSet;
use std::thread;

use ecs_core::{DynamicComponent, ErasedValue};
use ecs_derive::Component;
use ecs_postgres::PostgresStorage;
use ecs_storage_api::remote::next;
use ecs_storage_api::{AsyncStorage, AsyncStorageExt, RemoteError, RemoteQuery, UpdateBatch};
use pollster::block_on;
use serde::{Deserialize, Serialize};

use crate::model::{Place, Title};
use crate::{rounds, servers};

#[derive(Component, Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "fault::Counter")]
struct Counter(u64);

fn pair() -> (std::sync::Arc<ecs_test_postgres::Server>, [PostgresStorage; 2]) {
    let server = servers::shared();
    let url = server.database().unwrap();
    let open = || servers::options(&url, "world", "rival").pool_size(2).connect().unwrap();
    let stores = [open(), open()];
    (server, stores)
}

#[test]
fn increments_on_condition_are_neither_lost_nor_doubled() {
    let (_server, [one, other]) = pair();
    let entity = block_on(one.create_async((Counter(0),))).unwrap();
    let conflicts = thread::scope(|scope| {
        let workers = [&one, &other].map(|store| {
            scope.spawn(move || {
                let (mut done, mut conflicts) = (0, 0);
                while done < rounds() {
                    let query = RemoteQuery::new().read::<Counter>().among([entity]);
                    let mut pages = store.query_erased_async(query);
                    let page = block_on(next(&mut pages)).expect("it lives").unwrap();
                    let columns = page.chunks[0].columns();
                    let Counter(value) = columns[0].as_slice().downcast::<Counter>().unwrap()[0];
                    let batch = UpdateBatch::new().update(entity, Counter(value + 1));
                    match block_on(store.apply_updates_async(&batch, Some(page.version))) {
                        Ok(_) => done += 1,
                        Err(RemoteError::Conflict { expected, found }) => {
                            assert!(found > expected);
                            conflicts += 1;
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                conflicts
            })
        });
        workers.into_iter().map(|worker| worker.join().unwrap()).sum::<usize>()
    });
    let counter = block_on(one.get_component_async::<Counter>(entity)).unwrap();
    assert_eq!(counter, Some(Counter(2 * rounds() as u64)));
    println!("{conflicts} conflicts");
}

#[test]
fn batches_without_condition_all_go_in_and_ids_never_collide() {
    let (_server, stores) = pair();
    let shared: Vec<_> =
        (0..20).map(|n| block_on(stores[0].create_async((Counter(n),))).unwrap()).collect();
    let named = thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (store, shared) = (&stores[worker % 2], &shared);
                scope.spawn(move || {
                    let mut named = Vec::new();
                    for round in 0..rounds() {
                        let reserved = block_on(store.reserve_ids_async(3)).unwrap();
                        // The same entities, in another order each time.
                        let mut batch = UpdateBatch::new();
                        for n in 0..shared.len() {
                            let entity = shared[(n * 7 + worker * 3 + round) % shared.len()];
                            batch = batch.update(entity, Counter(round as u64));
                        }
                        batch =
                            batch.spawn_as(reserved[0], (Counter(0),)).spawn((Title("t".into()),));
                        let applied = block_on(store.apply_updates_async(&batch, None)).unwrap();
                        block_on(store.release_ids_async(&reserved[1..2])).unwrap();
                        named.extend(applied.created);
                        named.push(reserved[2]);
                    }
                    named
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
    });
    let unique: BTreeSet<_> = named.iter().copied().chain(shared).collect();
    assert_eq!(unique.len(), 4 * rounds() * 3 + 20);
}

#[test]
fn a_table_that_two_make_at_once_is_made_once() {
    let (_server, stores) = pair();
    for round in 0..rounds() {
        let name = format!("fault::made at once {round}");
        let component = DynamicComponent::new(name, 4, 4).register().unwrap();
        thread::scope(|scope| {
            for store in &stores {
                scope.spawn(move || {
                    let entity = block_on(store.create_entity_async()).unwrap();
                    let value = ErasedValue::from_bytes(component, &[1, 2, 3, 4]).unwrap();
                    block_on(store.set_component_erased_async(entity, value)).unwrap();
                    block_on(store.image_async()).unwrap();
                });
            }
        });
    }
}

#[test]
fn a_store_that_many_open_at_once_is_made_once() {
    let server = servers::shared();
    let url = server.database().unwrap();
    for round in 0..rounds() {
        let schema = format!("new {round}");
        let stores: Vec<_> = thread::scope(|scope| {
            let open = || servers::options(&url, &schema, "opening").connect().unwrap();
            let opening: Vec<_> = (0..3).map(|_| scope.spawn(open)).collect();
            opening.into_iter().map(|store| store.join().unwrap()).collect()
        });
        let place = Place { x: round as i64, y: 0 };
        let entity = block_on(stores[0].create_async((place,))).unwrap();
        assert_eq!(block_on(stores[2].get_component_async(entity)).unwrap(), Some(place));
    }
}
