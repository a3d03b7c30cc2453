//! Applying deltas: what is refused changes nothing, what is accepted is the same
//! everywhere, and can be made one with what follows.

use ecs_storage_api::snapshot::sections::{SectionReader, SectionWriter};
use ecs_storage_api::snapshot::{StorageCut, StorageDelta};
use ecs_storage_api::{SnapshotError, Storage, StorageExt, state_hash};

use super::container::{container, sections};
use super::restore::meet_components;
use crate::components::{Marker, Name, Position, Velocity};
use crate::differential::Make;
use crate::invariants::find_fault;

/// Applies bytes as a delta to a state, as they are and with their checksums put
/// right and the digest of the state put in; what comes out is taken in by two
/// backends, and by a store that is in the state already.
///
/// # Panics
/// If the backends disagree on what comes out, or it is none that hangs together.
pub fn delta<A: Storage, B: Storage>(bytes: &[u8], make_a: Make<'_, A>, make_b: Make<'_, B>) {
    meet_components();
    let base = cut(&base(make_a));
    offer(&base, bytes, make_a, make_b);
    let mut all: Vec<_> =
        sections(bytes).into_iter().map(|(tag, bytes)| (tag, bytes.to_vec())).collect();
    if let Some((_, head)) = all.iter_mut().find(|(tag, _)| tag == b"dlta")
        && let Ok((_, rest)) = postcard::take_from_bytes::<u64>(head)
    {
        let digest = postcard::to_allocvec(&base.digest()).expect("a number can be encoded");
        *head = [&digest, rest].concat();
    }
    let all: Vec<_> = all.iter().map(|(tag, bytes)| (*tag, &bytes[..])).collect();
    offer(&base, &container(&all), make_a, make_b);
}

fn offer<A: Storage, B: Storage>(
    base: &StorageCut,
    bytes: &[u8],
    make_a: Make<'_, A>,
    make_b: Make<'_, B>,
) {
    let read = SectionReader::new(bytes).and_then(|mut all| StorageDelta::read(&mut all));
    let Ok(delta) = read else { return };
    let written = write(&delta);
    let again = SectionReader::new(&written).and_then(|mut all| StorageDelta::read(&mut all));
    assert_eq!(write(&again.expect("what was written is read")), written);
    let Ok(next) = delta.apply(base) else { return };
    let nothing = StorageDelta::between(&next, &next);
    let same = delta.then(&nothing).and_then(|both| both.apply(base)).expect("nothing is added");
    assert_eq!(same.digest(), next.digest());
    // Of a state that does not hold together they may be anything.
    let changes = next.rows_since(base);
    let mut there = self::base(make_a);
    let before = cut(&there);
    let changed = delta.apply(&before).expect("the states are equal");
    let changed = there.load_cut(&changed, &before).map(|()| hash(&there));
    let (mut a, mut b) = (make_a(), make_b());
    match (load(&mut a, &next), load(&mut b, &next)) {
        (Ok(()), Ok(())) => {
            for storage in [&a as &dyn Storage, &b, &there] {
                if let Err(fault) = find_fault(storage) {
                    panic!("{fault}");
                }
            }
            assert_eq!(hash(&a), hash(&b), "the stores differ");
            assert!(changes.is_ok(), "{changes:?}");
            let same = cut(&a).rows_since(&next).expect("the values were taken in");
            assert!(same.is_empty(), "{same:?}");
            assert_eq!(changed.ok(), Some(hash(&a)), "what is put in place is something else");
        }
        (Err(_), Err(_)) => assert!(changed.is_err(), "what is refused is put in place"),
        (of_a, of_b) => panic!("one takes in what the other refuses: {of_a:?} and {of_b:?}"),
    }
}

fn load<S: Storage>(storage: &mut S, cut: &StorageCut) -> Result<(), SnapshotError> {
    Ok(storage.load(cut.to_image()?)?)
}

fn hash(storage: &dyn Storage) -> u64 {
    state_hash(storage).expect("the kit's components can be encoded")
}

fn cut<S: Storage>(storage: &S) -> StorageCut {
    StorageCut::of(storage).expect("the kit's components can be encoded")
}

fn write(delta: &StorageDelta) -> Vec<u8> {
    let mut writer = SectionWriter::new(Vec::new()).expect("a vector can be written to");
    delta.write(&mut writer).expect("a vector can be written to");
    writer.finish().expect("a vector can be written to")
}

/// Makes the state with which deltas begin: tables of one page and of more.
fn base<S: Storage>(make: Make<'_, S>) -> S {
    let mut storage = make();
    let all = storage.create_many((0..1100).map(|n| Position(n, n))).expect("there are ids");
    storage.create_many((0..6).map(|n| (Velocity(n, n), Name("n".into())))).expect("ids");
    storage.create_many((0..3).map(|_| Marker)).expect("there are ids");
    storage.destroy_batch(&all[..4]).expect("they live");
    storage.reserve_entities(2).expect("there are ids");
    storage
}

/// Writes deltas to begin with.
pub fn delta_seeds<S: Storage>(make: Make<'_, S>) -> Vec<(&'static str, Vec<u8>)> {
    type Change<S> = (&'static str, fn(&mut S));
    let changes: [Change<S>; 5] = [
        ("nothing", |_| {}),
        ("value", |storage| {
            let last = storage.all_entities().last().expect("there are some");
            storage.insert(last, Position(9, 9)).expect("it lives");
        }),
        ("births", |storage| {
            storage.create_many((0..4).map(|n| (Position(n, 0), Name("new".into())))).expect("ids");
            storage.create(Marker).expect("there are ids");
        }),
        ("deaths", |storage| {
            let all: Vec<_> = storage.all_entities().skip(1090).take(12).collect();
            storage.destroy_batch(&all).expect("they live");
        }),
        ("moves", |storage| {
            let all: Vec<_> = storage.all_entities().skip(1097).collect();
            for entity in all {
                storage.remove_component::<Name>(entity).expect("it lives");
                storage.insert(entity, Velocity(1, 2)).expect("it lives");
            }
        }),
    ];
    let write = |(name, change): Change<S>| {
        let mut storage = base(make);
        let before = cut(&storage);
        change(&mut storage);
        let after = StorageCut::after(&storage, &before).expect("it can be encoded");
        (name, write(&StorageDelta::between(&before, &after)))
    };
    changes.into_iter().map(write).collect()
}
