//! Applying deltas: what is refused changes nothing, what is accepted is the same
//! everywhere, and can be made one with what follows.

use ecs_storage_api::snapshot::sections::{SectionReader, SectionWriter, Tag};
use ecs_storage_api::snapshot::{StorageCut, StorageDelta};
use ecs_storage_api::{SnapshotError, Storage, state_hash};

use super::container::{container, sections};
use super::restore::meet_components;
use super::states::{Change, base, changes, cut};
use crate::differential::Make;
use crate::invariants::find_fault;

/// The states with which deltas begin. What they are is the same in every process, so
/// seeds fit the states of those who read them.
#[derive(Debug)]
pub struct Bases([Base; 2]);

#[derive(Debug)]
struct Base {
    rows: i32,
    cut: StorageCut,
    digest: u64,
}

impl Bases {
    /// So many rows have the longest tables of the two: one page, and more than one,
    /// which costs a hundred times as much.
    const ROWS: [i32; 2] = [12, 1100];

    /// Makes the states; worth keeping, since each input needs one.
    pub fn new<S: Storage>(make: Make<'_, S>) -> Self {
        Self(Self::ROWS.map(|rows| {
            let cut = cut(&base(make, rows));
            Base { rows, digest: cut.digest(), cut }
        }))
    }

    /// Returns the state that is named, or else the small one.
    fn named(&self, digest: Option<u64>) -> &Base {
        let [small, large] = &self.0;
        if digest == Some(large.digest) { large } else { small }
    }
}

/// Applies bytes as a delta to the state that they name, as they are and with their
/// checksums put right and the digests of both states put in; what comes out is taken
/// in by two backends, and by a store that is in the state already.
///
/// # Panics
/// If the backends disagree on what comes out, or it is none that hangs together.
pub fn delta<A: Storage, B: Storage>(
    bytes: &[u8],
    bases: &Bases,
    make_a: Make<'_, A>,
    make_b: Make<'_, B>,
) {
    meet_components();
    let sections = sections(bytes);
    let base = bases.named(sections.iter().find_map(|(tag, head)| {
        let digests = (tag == b"dlta").then(|| postcard::take_from_bytes::<u64>(head));
        digests?.ok().map(|(digest, _)| digest)
    }));
    let leads_to = offer(base, bytes, make_a, make_b);
    let repaired = with_digests(&sections, base.digest, leads_to);
    if repaired == bytes {
        return;
    }
    if let Some(next) = offer(base, &repaired, make_a, make_b) {
        offer(base, &with_digests(&sections, base.digest, Some(next)), make_a, make_b);
    }
}

/// Puts sections together, with the digests of the states in them; that of the second
/// stays if it is not known.
fn with_digests(sections: &[(Tag, &[u8])], base: u64, next: Option<u64>) -> Vec<u8> {
    let mut all: Vec<_> = sections.iter().map(|(tag, bytes)| (*tag, bytes.to_vec())).collect();
    if let Some((_, head)) = all.iter_mut().find(|(tag, _)| tag == b"dlta")
        && let Ok(((_, named), rest)) = postcard::take_from_bytes::<(u64, u64)>(head)
    {
        let digests = postcard::to_allocvec(&(base, next.unwrap_or(named)));
        *head = [&digests.expect("numbers can be encoded"), rest].concat();
    }
    let all: Vec<_> = all.iter().map(|(tag, bytes)| (*tag, &bytes[..])).collect();
    container(&all)
}

/// Applies a delta and compares what comes out, or returns where it leads to if that
/// is not where it says.
fn offer<A: Storage, B: Storage>(
    base: &Base,
    bytes: &[u8],
    make_a: Make<'_, A>,
    make_b: Make<'_, B>,
) -> Option<u64> {
    let read = SectionReader::new(bytes).and_then(|mut all| StorageDelta::read(&mut all));
    let Ok(delta) = read else { return None };
    let written = write(&delta);
    let again = SectionReader::new(&written).and_then(|mut all| StorageDelta::read(&mut all));
    assert_eq!(write(&again.expect("what was written is read")), written);
    let next = match delta.apply(&base.cut) {
        Ok(next) => next,
        Err(SnapshotError::OtherResult { found, .. }) => return Some(found),
        Err(_) => return None,
    };
    let nothing = StorageDelta::between(&next, &next);
    let same = delta.then(&nothing).and_then(|both| both.apply(&base.cut));
    assert_eq!(same.expect("nothing is added").digest(), next.digest());
    // Of a state that does not hold together they may be anything.
    let changes = next.rows_since(&base.cut);
    let mut there = self::base(make_a, base.rows);
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
            // A delta that nobody wrote may have values in other bytes than their codec
            // writes, for which a cut of an equal store is another.
            let read = next.to_image().expect("it was taken in");
            let read = StorageCut::of_image(&read).expect("the kit's components can be encoded");
            let next = if read.digest() == next.digest() { &next } else { &read };
            let same = cut(&a).rows_since(next).expect("the values were taken in");
            assert!(same.is_empty(), "{same:?}");
            assert_eq!(changed.ok(), Some(hash(&a)), "what is put in place is something else");
        }
        (Err(_), Err(_)) => assert!(changed.is_err(), "what is refused is put in place"),
        (of_a, of_b) => panic!("one takes in what the other refuses: {of_a:?} and {of_b:?}"),
    }
    None
}

fn load<S: Storage>(storage: &mut S, cut: &StorageCut) -> Result<(), SnapshotError> {
    Ok(storage.load(cut.to_image()?)?)
}

fn hash(storage: &dyn Storage) -> u64 {
    state_hash(storage).expect("the kit's components can be encoded")
}

fn write(delta: &StorageDelta) -> Vec<u8> {
    let mut writer = SectionWriter::new(Vec::new()).expect("a vector can be written to");
    delta.write(&mut writer).expect("a vector can be written to");
    writer.finish().expect("a vector can be written to")
}

/// Writes deltas to begin with: each change of each state.
pub fn delta_seeds<S: Storage>(make: Make<'_, S>) -> Vec<(String, Vec<u8>)> {
    let write = |rows, (name, change): Change<S>| {
        let mut storage = base(make, rows);
        let before = cut(&storage);
        change(&mut storage);
        let after = StorageCut::after(&storage, &before).expect("it can be encoded");
        (format!("{name}-{rows}"), write(&StorageDelta::between(&before, &after)))
    };
    Bases::ROWS
        .into_iter()
        .flat_map(|rows| changes().into_iter().map(move |it| write(rows, it)))
        .collect()
}
