use std::collections::BTreeSet;
use std::thread;

use super::*;

fn id(shard: u16, index: u32, generation: u32) -> EntityId {
    EntityId::new(shard, index, generation).expect("the parts are in range")
}

/// A source with `used` indices of which the first few are free.
fn used_source(used: usize, free: usize) -> IdSource {
    let mut ids = IdSource::new(0);
    let mut given = Vec::new();
    ids.allocate_many(used, &mut given).unwrap();
    given[..free].iter().for_each(|&id| assert!(!ids.recycle(id)));
    ids
}

/// A source with `left` indices that were never used.
fn nearly_exhausted(left: u32) -> IdSource {
    let mut ids = IdSource::new(5);
    ids.next_index = NonZeroU32::new(u32::MAX - left).unwrap();
    ids
}

/// Numbers that look random, the same every time (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

#[test]
fn reserving_gives_the_ids_that_allocating_would() {
    for free in [0, 1, 7, 20] {
        let mut allocated = used_source(20, free);
        let reserved = allocated.clone();
        let mut batched = allocated.clone();
        let many = allocated.clone();
        let expected: Vec<_> = (0..15).map(|_| allocated.allocate().unwrap()).collect();

        let one_by_one: Vec<_> = (0..15).map(|_| reserved.reserve().unwrap()).collect();
        assert_eq!(one_by_one, expected);
        assert_eq!(many.reserve_many(15).unwrap(), expected);
        let mut batch = Vec::new();
        let fresh = batched.allocate_many(15, &mut batch).unwrap();
        assert_eq!(batch, expected);
        assert_eq!(fresh.len(), 15usize.saturating_sub(free));
        assert!(batch[15 - fresh.len()..].iter().map(|id| id.index()).eq(fresh));
        assert_eq!(batched.state(), allocated.state());
    }
}

#[test]
fn threads_reserve_distinct_ids() {
    let mut ids = used_source(1_000, 500);
    let rounds = if cfg!(miri) { 200 } else { 500 };
    let mut reserved: Vec<EntityId> = thread::scope(|scope| {
        let reserve = || {
            let mut mine = Vec::new();
            for round in 0..rounds {
                mine.push(ids.reserve().unwrap());
                mine.extend(ids.reserve_many(round % 3).unwrap());
            }
            mine
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(reserve)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let count = reserved.len();
    reserved.sort();
    reserved.dedup();
    assert_eq!(reserved.len(), count);
    assert_eq!(ids.reserved_count(), count);
    assert_eq!(ids.state().reserved, reserved);
    assert!(reserved.iter().all(|&id| ids.is_reserved(id)));
    ids.settle();
    assert_eq!(ids.reserved_count(), count);
    assert_eq!(ids.state().reserved, reserved);
    assert!(reserved.iter().all(|&id| ids.is_reserved(id)));
    assert_eq!(ids.allocate(), Ok(id(0, 1_001 + count as u32 - 500, 0)));
}

#[test]
fn pending_reservations_survive_every_other_operation() {
    let mut ids = used_source(3, 2);
    let first = ids.reserve().unwrap();
    assert_eq!(first, id(0, 2, 1));
    ids.recycle(id(0, 3, 0));
    assert_eq!(ids.reserve(), Ok(id(0, 3, 1)));
    assert_eq!(ids.allocate(), Ok(id(0, 1, 1)));
    assert_eq!(ids.reserve(), Ok(id(0, 4, 0)));
    assert_eq!(ids.allocate(), Ok(id(0, 5, 0)));
    assert!(!ids.is_reserved(id(0, 5, 0)) && !ids.is_reserved(id(1, 4, 0)));
    assert!(ids.claim(first) && !ids.claim(first) && !ids.release(first));
    assert!(ids.release(id(0, 4, 0)));
    assert_eq!(ids.allocate(), Ok(id(0, 4, 0)));
    assert_eq!(ids.state().reserved, [id(0, 3, 1)]);
}

#[test]
fn exhaustion_is_an_error_and_takes_nothing() {
    let exhausted = Err(AllocatorError::Exhausted { shard: 5 });
    let mut ids = nearly_exhausted(3);
    let before = ids.state();
    let mut out = Vec::new();
    assert!(ids.allocate_many(4, &mut out).is_err() && out.is_empty());
    assert!(ids.allocate_many(usize::MAX, &mut out).is_err() && out.is_empty());
    assert!(ids.reserve_many(4).is_err());
    assert!(ids.reserve_many(usize::MAX).is_err());
    assert_eq!(ids.state(), before);

    let first = ids.reserve().unwrap();
    assert!(ids.reserve_many(3).is_err());
    assert_eq!(ids.allocate(), Ok(id(5, u32::MAX - 2, 0)));
    assert_eq!(ids.allocate_many(1, &mut out), Ok(u32::MAX - 1..u32::MAX));
    for _ in 0..3 {
        assert_eq!(ids.allocate(), exhausted);
        assert_eq!(ids.reserve(), exhausted);
    }
    assert_eq!(ids.allocate_many(0, &mut out), Ok(u32::MAX..u32::MAX));
    assert!(ids.release(first));
    assert_eq!(ids.reserve(), Ok(first));
    assert_eq!(ids.allocate(), exhausted);
    assert!(ids.claim(first));
    assert!(!ids.recycle(first));
    assert_eq!(ids.allocate().map(|id| id.generation()), Ok(1));
}

#[test]
fn random_operations_match_an_obvious_model() {
    // Miri runs some thousand times slower.
    let seeds = if cfg!(miri) { 1 } else { 50 };
    for seed in 0..seeds {
        let mut numbers = Numbers(seed);
        let mut ids = IdSource::new(9);
        let mut model = Model { next: 1, free: vec![], reserved: BTreeSet::new() };
        let mut alive: Vec<EntityId> = Vec::new();
        for _ in 0..400 {
            match numbers.below(8) {
                0 => {
                    let id = ids.allocate().unwrap();
                    assert_eq!(id, model.take());
                    alive.push(id);
                }
                1 => {
                    let count = numbers.below(12);
                    let mut batch = Vec::new();
                    ids.allocate_many(count, &mut batch).unwrap();
                    assert!(batch.iter().all(|&id| id == model.take()));
                    assert_eq!(batch.len(), count);
                    alive.extend(batch);
                }
                2 | 3 if !alive.is_empty() => {
                    let id = alive.swap_remove(numbers.below(alive.len()));
                    assert!(!ids.recycle(id));
                    model.free.push((id.index(), id.generation() + 1));
                }
                4 => {
                    let id = ids.reserve().unwrap();
                    assert_eq!(id, model.take());
                    model.reserved.insert(id);
                }
                5 => {
                    for id in ids.reserve_many(numbers.below(6)).unwrap() {
                        assert_eq!(id, model.take());
                        model.reserved.insert(id);
                    }
                }
                6 if !model.reserved.is_empty() => {
                    let nth = numbers.below(model.reserved.len());
                    let id = *model.reserved.iter().nth(nth).unwrap();
                    assert!(model.reserved.remove(&id));
                    assert!(ids.is_reserved(id));
                    if numbers.below(2) == 0 {
                        assert!(ids.claim(id));
                        alive.push(id);
                    } else {
                        assert!(ids.release(id));
                        model.free.push((id.index(), id.generation()));
                    }
                }
                _ => {
                    let state = ids.state();
                    state.validate_with_alive(alive.iter().copied()).unwrap();
                    ids = IdSource::from_state(state).unwrap();
                }
            }
            assert_eq!(ids.reserved_count(), model.reserved.len());
            assert!(ids.state().reserved.iter().eq(&model.reserved));
            let mut named: Vec<_> = ids.state().named_for_tests();
            named.extend(alive.iter().map(|id| id.index()));
            named.sort();
            assert!(named.into_iter().eq(1..model.next));
        }
    }
}

/// The same, as one would write it on a blackboard.
struct Model {
    next: u32,
    free: Vec<(u32, u32)>,
    reserved: BTreeSet<EntityId>,
}

impl Model {
    fn take(&mut self) -> EntityId {
        let (index, generation) = self.free.pop().unwrap_or((self.next, 0));
        self.next = self.next.max(index + 1);
        id(9, index, generation)
    }
}

impl AllocatorState {
    fn named_for_tests(&self) -> Vec<u32> {
        let ids = self.free.iter().chain(&self.reserved).map(|id| id.index());
        ids.chain(self.retired.iter().copied()).collect()
    }
}

#[test]
fn the_last_generation_retires_the_index() {
    let mut ids = used_source(2, 0);
    assert!(ids.recycle(id(0, 2, EntityId::MAX_GENERATION)));
    assert!(ids.recycle(id(0, 1, EntityId::MAX_GENERATION)));
    assert_eq!(ids.state().retired, [1, 2]);
    assert!(ids.state().free.is_empty());
    assert_eq!(ids.allocate(), Ok(id(0, 3, 0)));
}

#[test]
fn a_state_comes_back_with_its_pending_reservations() {
    let mut ids = used_source(10, 4);
    let pending = ids.reserve_many(6).unwrap();
    let state = ids.state();
    let mut same = IdSource::from_state(state.clone()).unwrap();
    assert_eq!(same.state(), state);
    ids.settle();
    assert_eq!(ids.state(), state);
    assert!(pending.iter().all(|&id| same.is_reserved(id)));
    assert_eq!(same.allocate(), ids.allocate());
}

#[test]
fn hostile_states_are_rejected() {
    let good = AllocatorState {
        shard: 1,
        next_index: 6,
        free: vec![id(1, 3, 4), id(1, 1, 0)],
        reserved: vec![id(1, 2, 0)],
        retired: vec![5],
    };
    let alive = [id(1, 4, 9), id(2, 1, 0)];
    assert_eq!(good.validate(), Ok(()));
    assert_eq!(good.validate_with_alive(alive.into_iter()), Ok(()));

    type Spoil = fn(&mut AllocatorState);
    use AllocatorStateError as E;
    let cases: [(Spoil, E); 11] = [
        (|s| s.shard = 4096, E::NoSuchShard { shard: 4096 }),
        (|s| s.shard = 2, E::Foreign { id: id(1, 3, 4), shard: 2 }),
        (|s| s.next_index = 0, E::ZeroNextIndex { shard: 1 }),
        (|s| s.next_index = 3, E::NeverAllocated { id: id(1, 3, 4), next_index: 3 }),
        (|s| s.next_index = 5, E::RetiredOutOfRange { shard: 1, index: 5 }),
        (|s| s.retired = vec![0], E::RetiredOutOfRange { shard: 1, index: 0 }),
        (|s| s.retired = vec![5, 4], E::Unsorted { shard: 1 }),
        (|s| s.reserved = vec![id(1, 2, 1), id(1, 2, 0)], E::Unsorted { shard: 1 }),
        (|s| s.free.push(id(1, 3, 7)), E::Repeated { shard: 1, index: 3 }),
        (|s| s.reserved = vec![id(1, 1, 1)], E::Repeated { shard: 1, index: 1 }),
        (|s| s.retired = vec![2, 5], E::Repeated { shard: 1, index: 2 }),
    ];
    for (spoil, error) in cases {
        let mut state = good.clone();
        spoil(&mut state);
        assert_eq!(state.validate(), Err(error));
        assert!(state.validate_with_alive(alive.into_iter()).is_err(), "{error}");
        assert_eq!(IdSource::from_state(state).unwrap_err(), AllocatorError::State(error));
    }
}

#[test]
fn hostile_bytes_make_no_state() {
    let ids = used_source(6, 3);
    ids.reserve_many(2).unwrap();
    let bytes = postcard::to_allocvec(&ids.state()).unwrap();
    for length in 0..bytes.len() {
        assert!(postcard::from_bytes::<AllocatorState>(&bytes[..length]).is_err());
    }
    // A list that claims to hold 2⁶³ ids.
    let huge = [0, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
    assert!(postcard::from_bytes::<AllocatorState>(&huge).is_err());
}
