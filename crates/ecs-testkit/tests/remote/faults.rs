//! The line fails at every call of a whole session, in both directions.

use std::sync::Arc;

use ecs_archetype::ArchetypeStorage;
use ecs_core::EntityId;
use ecs_local::LocalStorage;
use ecs_storage_api::{
    Blocking, LocalAsync, RemoteError, Storage, StorageError, StorageExt, UpdateBatch,
};

use crate::components::*;
use crate::wilful::Wilful;
use crate::wire::{Fault, Lost, Wire};

type Far = Arc<LocalAsync<LocalStorage>>;
type Near = Blocking<Wire<Far>, ArchetypeStorage>;

/// Does something with the entities that there are, and reports an error.
type Step = fn(&mut Near, &[EntityId]) -> Result<(), StorageError>;

const SESSION: [Step; 12] = [
    |near, _| near.create((Position(1.0), Name("one".to_owned()))).map(drop),
    |near, _| near.create_many((0..1500).map(|n| (Position(n as f32), Handle(n)))).map(drop),
    |near, ids| near.set_component(ids[1], Asleep(())),
    |near, _| {
        near.query_mut::<&mut Position>().for_each(|(_, position)| position.0 += 1.0);
        near.flush()
    },
    |near, ids| {
        near.get_component_mut::<Position>(ids[2]).expect("each has a position").0 = 7.0;
        near.destroy_entity(ids[0])
    },
    |near, ids| near.remove_component::<Position>(ids[3]).map(drop),
    |near, _| near.reserve_entities(5).map(drop),
    |near, _| {
        // None, if the answer to the reservation was lost.
        let reserved = near.allocator_state().reserved;
        reserved.first().map_or(Ok(()), |&id| near.adopt(id))
    },
    |near, _| {
        let reserved = near.allocator_state().reserved;
        reserved.last().map_or(Ok(()), |&id| near.release_reserved(id))
    },
    |near, ids| near.destroy_batch(&ids[5..25]),
    |near, ids| {
        let batch = UpdateBatch::new().spawn(Name("two".to_owned())).destroy(ids[9]);
        near.apply_updates(batch.insert(ids[8], Asleep(())))
            .map(drop)
            .map_err(|error| RemoteError::from(error).into())
    },
    |near, _| {
        let bytes = near.snapshot().expect("the mirror can be written");
        near.clear()?;
        near.restore(&bytes).map_err(|error| StorageError::from(RemoteError::from(error)))
    },
];

fn session(fault: Option<Fault>) -> usize {
    let far: Far = Arc::new(LocalAsync::new(filled(LocalStorage::new(0), 40).0));
    let wire = Wire::new(far.clone());
    let mut near = Near::connect(wire.clone()).unwrap();
    let equal = |near: &Near, when: &str| {
        assert_eq!(hash(near), far.read(hash), "{when}: {fault:?}");
    };
    if let Some(fault) = fault {
        wire.plant(fault);
    }
    let start = wire.calls();
    let mut failures = 0;
    for step in SESSION {
        let mut ids: Vec<_> =
            near.query_single::<Position>().into_iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        let armed = wire.is_planted();
        let Err(error) = step(&mut near, &ids) else {
            assert_eq!(armed, wire.is_planted(), "a failure was swallowed: {fault:?}");
            continue;
        };
        // The failure reaches the caller as it was.
        failures += 1;
        let fault = fault.expect("only a planted fault makes a step fail");
        assert!(
            matches!(&error, StorageError::Backend(error) if error.is_retryable() == fault.retryable),
            "{error}"
        );
        match fault.lost {
            // Nothing happened, or all that was told; what was written through
            // references is still here.
            Lost::Call => near.flush().unwrap(),
            // Something may have happened: then it is a conflict.
            Lost::Answer => {
                if let Err(error) = near.create_entity() {
                    let found = RemoteError::find_in(&error);
                    assert!(matches!(found, Some(RemoteError::Conflict { .. })), "{error}");
                }
                near.refresh().unwrap();
            }
        }
        equal(&near, "after the failure");
    }
    near.flush().unwrap();
    equal(&near, "at the end");
    assert_eq!(failures, usize::from(fault.is_some()));
    wire.calls() - start
}

#[test]
fn mirror_and_remote_store_stay_equal_wherever_the_line_fails() {
    let calls = session(None);
    assert!(calls > SESSION.len());
    for at in 0..calls {
        for lost in [Lost::Call, Lost::Answer] {
            session(Some(Fault { at, lost, retryable: at % 2 == 0 }));
        }
    }
}

#[test]
fn a_mirror_that_could_not_follow_is_loaded_before_the_next_change() {
    for at in 0..24 {
        let far: Far = Arc::new(LocalAsync::new(filled(LocalStorage::new(0), 4).0));
        let wire = Wire::new(Wilful(far.clone()));
        let mut near: Blocking<_, ArchetypeStorage> = Blocking::connect(wire.clone()).unwrap();
        wire.plant(Fault { at, lost: Lost::Call, retryable: true });
        let outcomes: Vec<_> = (0..6).map(|n| near.create(Position(n as f32))).collect();
        let failures = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        assert_eq!(failures, usize::from(!wire.is_planted()), "call {at}");
        for made in outcomes.into_iter().flatten() {
            assert!(near.entity_exists(made), "call {at}");
        }
        near.flush().unwrap();
        assert_eq!(hash(&near), far.read(hash), "call {at}");
    }
}
