//! Two backends, the same operations, the same results.
//!
//! [`compare`] draws sequences of [`Operation`]s, applies each to two stores,
//! and compares outcome and state. A failure is shrunk to a minimal sequence.

use ecs_core::{ComponentId, EntityId, ErasedValue, RemoveAll};
use ecs_storage_api::{Has, Storage, StorageExt, UpdateBatch, Without, state_hash};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use crate::claims::state;
use crate::components::{
    Aligned, Counted, Ledger, Marker, Name, Position, Selected, Tag, Velocity,
};
use crate::{Make, check_invariants};

/// Which known id an operation is about, living or dead: the n-th, or the last.
///
/// Not the n-th modulo their number: then every operation that is left out while
/// a failure is shrunk would change what all later ones are about.
type Pick = u8;

/// One operation on a store.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are what the operation's name says")]
pub enum Operation {
    /// Makes an entity without components.
    Create,
    /// Makes an entity with a bundle; `kind` says which.
    CreateWith { kind: u8, value: i32 },
    /// Makes several entities.
    CreateBatch { kind: u8, count: u8 },
    /// Ends an entity.
    Destroy { entity: Pick },
    /// Ends several; ids may repeat or be dead.
    DestroyBatch { entities: Vec<Pick> },
    /// Ends all.
    Clear,
    /// Sets one component through the erased protocol.
    SetErased { entity: Pick, kind: u8, value: i32 },
    /// Inserts a bundle; `kind` says which, and one holds a component twice.
    Insert { entity: Pick, kind: u8, value: i32 },
    /// Takes a component away; `kind` says which.
    Remove { entity: Pick, kind: u8 },
    /// Takes several components away.
    RemoveSeveral { entity: Pick },
    /// Changes a value in place.
    Change { entity: Pick, value: i32 },
    /// Changes values through a query.
    ChangeAll { value: i32 },
    /// Makes an id of another shard, or one that was reserved, real.
    Adopt { entity: Pick },
    /// Names entities ahead of time.
    Reserve { count: u8 },
    /// Gives a reserved id back.
    Release { entity: Pick },
    /// Applies a batch, right or wrong.
    Apply {
        updates: Vec<(Pick, i32)>,
        inserts: Vec<(Pick, i32)>,
        removes: Vec<Pick>,
        destroys: Vec<Pick>,
        spawns: u8,
    },
    /// Saves and restores each store into itself.
    RestoreOwn,
    /// Saves each store and restores it into the other.
    RestoreEachOther,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let pick = || prop_oneof![0..6u8, 0..40u8];
    let value = || 0..100i32;
    prop_oneof![
        2 => Just(Create),
        8 => (any::<u8>(), value()).prop_map(|(kind, value)| CreateWith { kind, value }),
        2 => (any::<u8>(), 0..12u8).prop_map(|(kind, count)| CreateBatch { kind, count }),
        5 => pick().prop_map(|entity| Destroy { entity }),
        1 => vec(pick(), 0..5).prop_map(|entities| DestroyBatch { entities }),
        1 => Just(Clear),
        4 => (pick(), any::<u8>(), value()).prop_map(|(entity, kind, value)| SetErased { entity, kind, value }),
        8 => (pick(), any::<u8>(), value()).prop_map(|(entity, kind, value)| Insert { entity, kind, value }),
        6 => (pick(), any::<u8>()).prop_map(|(entity, kind)| Remove { entity, kind }),
        2 => pick().prop_map(|entity| RemoveSeveral { entity }),
        3 => (pick(), value()).prop_map(|(entity, value)| Change { entity, value }),
        3 => value().prop_map(|value| ChangeAll { value }),
        2 => pick().prop_map(|entity| Adopt { entity }),
        1 => (0..4u8).prop_map(|count| Reserve { count }),
        1 => pick().prop_map(|entity| Release { entity }),
        4 => (vec((pick(), value()), 0..3), vec((pick(), value()), 0..3), vec(pick(), 0..2), vec(pick(), 0..2), 0..3u8)
            .prop_map(|(updates, inserts, removes, destroys, spawns)| Apply { updates, inserts, removes, destroys, spawns }),
        1 => Just(RestoreOwn),
        1 => Just(RestoreEachOther),
    ]
}

/// A store under test, with the values that it must end.
struct Subject {
    storage: Box<dyn Storage>,
    ledger: Ledger,
}

/// Calls `$then` with the bundle of a kind.
macro_rules! with_bundle {
    ($subject:expr, $kind:expr, $value:expr, |$bundle:ident| $then:expr) => {{
        let value = $value;
        match $kind % 8 {
            0 => {
                let $bundle = Position(value, 0);
                $then
            }
            1 => {
                let $bundle = (Position(value, 1), Velocity(1, value));
                $then
            }
            2 => {
                let $bundle = (Name(value.to_string()), $subject.ledger.counted());
                $then
            }
            3 => {
                let $bundle = (Marker, (Tag(value), Position(value, 3)));
                $then
            }
            4 => {
                let $bundle =
                    (Aligned(value as u8), Selected(1), Name("n".repeat(value as usize % 7)));
                $then
            }
            5 => {
                let $bundle = $subject.ledger.counted();
                $then
            }
            6 => {
                let $bundle = (Marker, Velocity(value, 6), Marker);
                $then
            }
            _ => {
                let $bundle = (Tag(value.to_string()), Velocity(value, 7));
                $then
            }
        }
    }};
}

impl Subject {
    /// Applies one operation, and tells what came of it.
    fn apply(&mut self, operation: &Operation, known: &[EntityId]) -> String {
        let pick = |pick: &Pick| match known {
            [] => EntityId::new(0, u32::from(*pick) + 1, 0).expect("the index is not zero"),
            known => known[usize::from(*pick).min(known.len() - 1)],
        };
        let storage = &mut self.storage;
        match operation {
            Operation::Create => format!("{:?}", storage.create_entity()),
            Operation::CreateWith { kind, value } => {
                with_bundle!(self, kind, *value, |bundle| format!("{:?}", storage.create(bundle)))
            }
            Operation::CreateBatch { kind, count } => match kind % 3 {
                0 => format!(
                    "{:?}",
                    storage.create_many((0..*count).map(|n| (Position(n.into(), 9), Marker)))
                ),
                1 => format!(
                    "{:?}",
                    storage.create_many(
                        (0..*count).map(|n| (Name(n.to_string()), self.ledger.counted()))
                    )
                ),
                _ => format!("{:?}", storage.create_many((0..*count).map(|_| ()))),
            },
            Operation::Destroy { entity } => format!("{:?}", storage.destroy_entity(pick(entity))),
            Operation::DestroyBatch { entities } => {
                let entities: Vec<_> = entities.iter().map(pick).collect();
                format!("{:?}", storage.destroy_batch(&entities))
            }
            Operation::Clear => format!("{:?}", storage.clear()),
            Operation::SetErased { entity, kind, value } => {
                let value = match kind % 4 {
                    0 => ErasedValue::new(Position(*value, 4)),
                    1 => ErasedValue::new(Name(value.to_string())),
                    2 => ErasedValue::new(Marker),
                    _ => ErasedValue::new(Selected(*value as u8)),
                };
                format!("{:?}", storage.set_component_erased(pick(entity), value))
            }
            Operation::Insert { entity, kind, value } => {
                let entity = pick(entity);
                with_bundle!(self, kind, *value, |bundle| format!(
                    "{:?}",
                    storage.insert(entity, bundle)
                ))
            }
            Operation::Remove { entity, kind } => {
                let entity = pick(entity);
                match kind % 5 {
                    0 => format!("{:?}", storage.take_component::<Position>(entity)),
                    1 => format!("{:?}", storage.take_component::<Name>(entity)),
                    2 => format!("{:?}", storage.remove_component::<Counted>(entity)),
                    3 => format!(
                        "{:?}",
                        storage.remove_component_erased(entity, ComponentId::of::<Marker>())
                    ),
                    _ => format!("{:?}", storage.take_component::<Tag<i32>>(entity)),
                }
            }
            Operation::RemoveSeveral { entity } => {
                let mut several = RemoveAll::<(Name, Velocity, Counted, Aligned)>::default();
                format!("{:?}", storage.remove_with(pick(entity), &mut several))
            }
            Operation::Change { entity, value } => {
                let position = storage.get_component_mut::<Position>(pick(entity));
                format!("{:?}", position.map(|position| std::mem::replace(&mut position.0, *value)))
            }
            Operation::ChangeAll { value } => {
                let mut sum = 0i64;
                type Terms<'a> = (EntityId, &'a mut Position, Option<&'a Velocity>, Has<Name>);
                for (id, position, velocity, named) in
                    storage.query_as_mut::<Terms<'_>, Without<Aligned>>()
                {
                    position.1 = velocity.map_or(*value, |velocity| velocity.0) + i32::from(named);
                    sum += i64::from(id.index()) * i64::from(position.0);
                }
                format!("{sum}")
            }
            Operation::Adopt { entity } => {
                let id = match entity % 3 {
                    0 => EntityId::new(u16::from(entity % 5), u32::from(entity % 11) + 1, 0)
                        .expect("a valid id"),
                    _ => pick(entity),
                };
                format!("{:?}", storage.adopt(id))
            }
            Operation::Reserve { count } => {
                format!("{:?}", storage.reserve_entities((*count).into()))
            }
            Operation::Release { entity } => {
                format!("{:?}", storage.release_reserved(pick(entity)))
            }
            Operation::Apply { updates, inserts, removes, destroys, spawns } => {
                let mut batch = UpdateBatch::new();
                for n in 0..*spawns {
                    batch = batch.spawn((Position(n.into(), 5), Name("spawned".into())));
                }
                for (entity, value) in updates {
                    batch = batch.update(pick(entity), Position(*value, 6));
                }
                for (entity, value) in inserts {
                    batch =
                        batch.insert(pick(entity), (Velocity(*value, 8), self.ledger.counted()));
                }
                for entity in removes {
                    batch = batch.remove::<Name>(pick(entity));
                }
                for entity in destroys {
                    batch = batch.destroy(pick(entity));
                }
                format!("{:?}", storage.apply_updates(batch))
            }
            Operation::RestoreOwn => {
                let saved = storage.snapshot().expect("the kit's components can be encoded");
                format!("{:?}", storage.restore(&saved))
            }
            Operation::RestoreEachOther => unreachable!("needs both stores"),
        }
    }
}

/// Applies a sequence to two stores and compares them as it goes.
///
/// # Errors
/// What differs, and after which operation.
fn run(make_a: Make<'_>, make_b: Make<'_>, operations: &[Operation]) -> Result<(), TestCaseError> {
    let subject = |make: Make<'_>| Subject { storage: make(), ledger: Ledger::default() };
    let (mut a, mut b) = (subject(make_a), subject(make_b));
    let mut known: Vec<EntityId> = Vec::new();
    for (n, operation) in operations.iter().enumerate() {
        if let Operation::RestoreEachOther = operation {
            let saved = [&a, &b]
                .map(|s| s.storage.snapshot().expect("the kit's components can be encoded"));
            let [to_b, to_a] = saved;
            a.storage
                .restore(&to_a)
                .map_err(|error| TestCaseError::fail(format!("operation {n}: {error}")))?;
            b.storage
                .restore(&to_b)
                .map_err(|error| TestCaseError::fail(format!("operation {n}: {error}")))?;
        } else {
            let (left, right) = (a.apply(operation, &known), b.apply(operation, &known));
            prop_assert_eq!(left, right, "operation {}: {:?}", n, operation);
        }
        for subject in [&a, &b] {
            check_invariants(&*subject.storage);
            let counted = subject.storage.query_single::<Counted>().count() as i64;
            prop_assert_eq!(
                subject.ledger.alive(),
                counted,
                "operation {}: drops balance: {:?}",
                n,
                operation
            );
        }
        let (left, right) = (state(&*a.storage), state(&*b.storage));
        prop_assert_eq!(&left, &right, "operation {}: {:?}", n, operation);
        prop_assert_eq!(
            a.storage.allocator_state(),
            b.storage.allocator_state(),
            "operation {}",
            n
        );
        for (entity, _) in left {
            if !known.contains(&entity) {
                known.push(entity);
            }
        }
        known.extend(
            a.storage
                .allocator_state()
                .reserved
                .iter()
                .filter(|id| !known.contains(id))
                .collect::<Vec<_>>(),
        );
    }
    let hash =
        |storage: &dyn Storage| state_hash(storage).expect("the kit's components can be encoded");
    prop_assert_eq!(hash(&*a.storage), hash(&*b.storage));
    let ledgers = [a.ledger.clone(), b.ledger.clone()];
    drop((a, b));
    prop_assert_eq!(
        ledgers.map(|ledger| ledger.alive()),
        [0, 0],
        "every value ends with its store"
    );
    Ok(())
}

/// How long a sequence is at most.
const LENGTH: usize = 80;

/// Compares two backends over at least `operations` random operations.
///
/// Every sequence is checked after each of its operations: outcomes, states,
/// allocators, invariants, and that drops balance. `ECS_DIFF_OPS`, if set,
/// replaces the number.
///
/// # Panics
/// If they differ, with a minimal sequence that shows it.
pub fn compare(make_a: Make<'_>, make_b: Make<'_>, operations: u64) {
    if let Some((sequence, reason)) = find_difference(make_a, make_b, operations) {
        panic!("the backends differ: {reason}\nminimal sequence: {sequence:#?}");
    }
}

/// Looks for a minimal sequence of operations after which two backends differ,
/// and returns it with the difference.
///
/// # Panics
/// If a store panics.
pub fn find_difference(
    make_a: Make<'_>,
    make_b: Make<'_>,
    operations: u64,
) -> Option<(Vec<Operation>, String)> {
    let asked = std::env::var("ECS_DIFF_OPS").ok().and_then(|text| text.parse().ok());
    // A sequence has half its greatest length on average.
    let cases = asked.unwrap_or(operations).div_ceil(LENGTH as u64 / 2);
    let config = Config {
        cases: u32::try_from(cases).unwrap_or(u32::MAX),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    match runner.run(&vec(operation(), 1..LENGTH), |sequence| run(make_a, make_b, &sequence)) {
        Ok(()) => None,
        Err(TestError::Fail(_, sequence)) => Some(shorten(make_a, make_b, sequence)),
        Err(TestError::Abort(reason)) => panic!("the comparison gave up: {reason}"),
    }
}

/// Leaves operations out of a sequence that shows a difference, as long as it
/// shows one, and returns it with the difference.
///
/// proptest leaves operations out too, but can't know that without one that
/// makes an entity all later ones are about other entities.
fn shorten(
    make_a: Make<'_>,
    make_b: Make<'_>,
    mut sequence: Vec<Operation>,
) -> (Vec<Operation>, String) {
    let difference =
        |sequence: &[Operation]| run(make_a, make_b, sequence).err().map(|error| error.to_string());
    let mut reason = difference(&sequence).expect("the sequence shows a difference");
    let mut place = 0;
    while place < sequence.len() {
        let mut without = sequence.clone();
        without.remove(place);
        let mut renamed = without.clone();
        renamed[place..].iter_mut().for_each(name_one_lower);
        match [without, renamed]
            .into_iter()
            .find_map(|shorter| Some((difference(&shorter)?, shorter)))
        {
            Some((still, shorter)) => {
                (reason, sequence) = (still, shorter);
                place = 0;
            }
            None => place += 1,
        }
    }
    (sequence, reason)
}

/// Lets an operation be about the entities before those that it is about.
fn name_one_lower(operation: &mut Operation) {
    let lower = |pick: &mut Pick| *pick = pick.saturating_sub(1);
    match operation {
        Operation::Destroy { entity }
        | Operation::SetErased { entity, .. }
        | Operation::Insert { entity, .. }
        | Operation::Remove { entity, .. }
        | Operation::RemoveSeveral { entity }
        | Operation::Change { entity, .. }
        | Operation::Adopt { entity }
        | Operation::Release { entity } => lower(entity),
        Operation::DestroyBatch { entities } => entities.iter_mut().for_each(lower),
        Operation::Apply { updates, inserts, removes, destroys, .. } => {
            updates.iter_mut().chain(inserts).for_each(|(entity, _)| lower(entity));
            removes.iter_mut().chain(destroys).for_each(lower);
        }
        Operation::Create
        | Operation::CreateWith { .. }
        | Operation::CreateBatch { .. }
        | Operation::Clear
        | Operation::ChangeAll { .. }
        | Operation::Reserve { .. }
        | Operation::RestoreOwn
        | Operation::RestoreEachOther => {}
    }
}
