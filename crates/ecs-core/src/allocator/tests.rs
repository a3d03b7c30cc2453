use super::*;
use crate::id_source::AllocatorStateError;

fn id(shard: u16, index: u32, generation: u32) -> EntityId {
    EntityId::new(shard, index, generation).expect("the parts are in range")
}

#[test]
fn the_sequence_is_that_of_the_specification() {
    let mut allocator = EntityAllocator::new(0);
    let first = allocator.allocate();
    assert_eq!(first, id(0, 1, 0));
    allocator.deallocate(first).unwrap();
    let second = allocator.allocate();
    assert_eq!(second, id(0, 1, 1));
    assert!(!allocator.is_alive(first));
    assert!(allocator.is_alive(second));
    assert_eq!(EntityAllocator::new(1).allocate(), id(1, 1, 0));
}

#[test]
fn the_last_freed_index_is_the_first_to_be_reused() {
    let mut allocator = EntityAllocator::new(7);
    let ids = allocator.allocate_many(4);
    allocator.deallocate_many(&[ids[2], ids[0]]).unwrap();
    allocator.deallocate(ids[3]).unwrap();
    assert_eq!(allocator.allocate(), id(7, 4, 1));
    assert_eq!(allocator.allocate(), id(7, 1, 1));
    assert_eq!(allocator.allocate(), id(7, 3, 1));
    assert_eq!(allocator.allocate(), id(7, 5, 0));
}

#[test]
#[cfg_attr(miri, ignore = "a million steps take too long there")]
fn a_million_reuses_never_revive_an_id_and_the_slot_retires() {
    let mut allocator = EntityAllocator::new(0);
    let first = allocator.allocate();
    let mut current = first;
    for generation in 1..=EntityId::MAX_GENERATION {
        allocator.deallocate(current).unwrap();
        assert!(!allocator.is_alive(current));
        current = allocator.allocate();
        assert_eq!(current, id(0, 1, generation));
        assert!(!allocator.is_alive(first));
    }
    allocator.deallocate(current).unwrap();
    assert_eq!(allocator.state().retired, [1]);
    assert_eq!(allocator.allocate(), id(0, 2, 0));
    assert!((0..=EntityId::MAX_GENERATION).all(|g| !allocator.is_alive(id(0, 1, g))));
    let same = EntityAllocator::from_state(allocator.state(), allocator.iter_alive()).unwrap();
    assert_eq!(same.reserve(), Ok(id(0, 3, 0)));
}

#[test]
fn ids_that_are_not_alive_are_not_taken_back() {
    let mut allocator = EntityAllocator::new(0);
    let dead = allocator.allocate();
    allocator.deallocate(dead).unwrap();
    let foreign = id(1, 1, 1);
    let unknown = id(0, 2, 0);
    assert_eq!(allocator.deallocate(dead), Err(AllocatorError::Dead(dead)));
    assert_eq!(allocator.deallocate(unknown), Err(AllocatorError::NeverAllocated(unknown)));
    let error = allocator.deallocate(foreign).unwrap_err();
    assert_eq!(error, AllocatorError::Foreign { id: foreign, shard: 0 });
    assert_eq!(error.to_string(), "entity 1:1v1 is not of shard 0");
    assert_eq!(allocator.state().free, [id(0, 1, 1)]);
}

#[test]
fn foreign_ids_are_never_alive() {
    let mut allocator = EntityAllocator::new(3);
    allocator.allocate_many(5);
    assert!(allocator.is_alive(id(3, 5, 0)));
    assert!((0..=EntityId::MAX_SHARD).all(|s| s == 3 || !allocator.is_alive(id(s, 5, 0))));
}

#[test]
fn many_are_taken_back_wholly_or_not_at_all() {
    let mut allocator = EntityAllocator::new(0);
    let ids = allocator.allocate_many(5);
    allocator.deallocate(ids[4]).unwrap();
    let before = allocator.state();
    let alive: Vec<_> = allocator.iter_alive().collect();

    let bad: [(&[EntityId], AllocatorError); 4] = [
        (&[ids[0], ids[1], ids[0]], AllocatorError::Repeated(ids[0])),
        (&[ids[0], ids[4]], AllocatorError::Dead(ids[4])),
        (&[ids[2], id(9, 1, 0)], AllocatorError::Foreign { id: id(9, 1, 0), shard: 0 }),
        (&[ids[2], id(0, 9, 0)], AllocatorError::NeverAllocated(id(0, 9, 0))),
    ];
    for (list, error) in bad {
        assert_eq!(allocator.deallocate_many(list), Err(error));
        assert_eq!(allocator.state(), before);
        assert!(allocator.iter_alive().eq(alive.iter().copied()));
        assert_eq!(allocator.alive_count(), 4);
    }
    allocator.deallocate_many(&ids[..4]).unwrap();
    assert_eq!(allocator.alive_count(), 0);
    assert_eq!(allocator.iter_alive().count(), 0);
}

#[test]
fn allocating_many_is_allocating_one_by_one() {
    let mut many = EntityAllocator::new(2);
    let mut single = many.clone();
    for (taken, freed) in [(10, 4), (3, 3), (0, 0), (9, 12), (1, 0)] {
        let given = many.allocate_many(taken);
        let expected: Vec<_> = (0..taken).map(|_| single.allocate()).collect();
        assert_eq!(given, expected);
        let gone: Vec<_> = many.iter_alive().take(freed).collect();
        many.deallocate_many(&gone).unwrap();
        gone.iter().for_each(|&id| single.deallocate(id).unwrap());
        assert_eq!(many.state(), single.state());
        assert!(many.iter_alive().eq(single.iter_alive()));
        assert_eq!(many.alive_count(), single.alive_count());
    }
}

#[test]
fn reserved_ids_are_not_alive_until_claimed() {
    let mut allocator = EntityAllocator::new(0);
    let old = allocator.allocate();
    allocator.deallocate(old).unwrap();
    let (recycled, fresh) = (allocator.reserve().unwrap(), allocator.reserve().unwrap());
    assert_eq!([recycled, fresh], [id(0, 1, 1), id(0, 2, 0)]);
    for id in [recycled, fresh] {
        assert!(!allocator.is_alive(id) && allocator.is_reserved(id));
        assert!(allocator.deallocate(id).is_err());
    }
    allocator.claim(fresh).unwrap();
    assert!(allocator.is_alive(fresh) && !allocator.is_reserved(fresh));
    assert_eq!(allocator.claim(fresh), Err(AllocatorError::NotReserved(fresh)));
    assert_eq!(allocator.release(fresh), Err(AllocatorError::NotReserved(fresh)));
    allocator.release(recycled).unwrap();
    assert!(!allocator.is_alive(recycled) && !allocator.is_reserved(recycled));
    assert_eq!(allocator.allocate(), recycled);
    assert_eq!(allocator.alive_count(), 2);
}

#[test]
fn a_restored_allocator_gives_the_same_ids() {
    let mut allocator = EntityAllocator::new(11);
    let ids = allocator.allocate_many(100);
    allocator.deallocate_many(&[ids[3], ids[50], ids[7]]).unwrap();
    let reserved = allocator.reserve_many(2).unwrap();
    let foreign = id(1, 4_000_000_000, 0);
    let alive: Vec<_> = allocator.iter_alive().chain([foreign]).collect();

    let bytes = postcard::to_allocvec(&allocator.state()).unwrap();
    let state: AllocatorState = postcard::from_bytes(&bytes).unwrap();
    let mut same = EntityAllocator::from_state(state, alive).unwrap();
    assert_eq!(same.state(), allocator.state());
    assert_eq!(same.alive_count(), 97);
    assert!(!same.is_alive(foreign));
    same.claim(reserved[0]).unwrap();
    allocator.claim(reserved[0]).unwrap();
    assert_eq!(same.allocate_many(10), allocator.allocate_many(10));
    assert!(same.iter_alive().eq(allocator.iter_alive()));
}

#[test]
fn states_that_contradict_the_living_are_rejected() {
    let mut allocator = EntityAllocator::new(0);
    let ids = allocator.allocate_many(3);
    allocator.deallocate(ids[0]).unwrap();
    let state = allocator.state();
    let error = |alive: &[EntityId]| {
        let restored = EntityAllocator::from_state(state.clone(), alive.iter().copied());
        let Err(AllocatorError::State(error)) = restored else {
            panic!("expected an error of the state, got {restored:?}");
        };
        error
    };
    assert_eq!(error(&[ids[1]]), AllocatorStateError::Unaccounted { shard: 0, missing: 1 });
    let twice = [ids[1], ids[2], id(0, 2, 4)];
    assert_eq!(error(&twice), AllocatorStateError::Repeated { shard: 0, index: 2 });
    let also_free = [ids[1], ids[2], ids[0]];
    assert_eq!(error(&also_free), AllocatorStateError::Repeated { shard: 0, index: 1 });
    let far = id(0, u32::MAX, 0);
    let never = AllocatorStateError::NeverAllocated { id: far, next_index: 4 };
    assert_eq!(error(&[ids[1], ids[2], far]), never);
}

#[test]
fn a_state_that_claims_billions_costs_nothing() {
    let state = AllocatorState {
        shard: 0,
        next_index: u32::MAX,
        free: vec![id(0, u32::MAX - 1, 0)],
        reserved: vec![],
        retired: vec![],
    };
    let error = EntityAllocator::from_state(state, [id(0, 4_000_000_000, 0)]).unwrap_err();
    let missing = u64::from(u32::MAX) - 1 - 2;
    assert_eq!(error, AllocatorStateError::Unaccounted { shard: 0, missing }.into());
}

#[test]
#[should_panic(expected = "there is no shard 4096")]
fn shards_have_twelve_bits() {
    let _ = EntityAllocator::new(4096);
}
