//! Damaged snapshots are refused within bounded memory.

use ecs_archetype::ArchetypeStorage;
use ecs_core::AllocatorState;
use ecs_local::LocalStorage;
use ecs_storage_api::{Storage, StorageExt, snapshot};
use ecs_testkit::components::{Marker, Name, Position, Velocity};
use ecs_testkit::fuzz::{container, sections};

use crate::allocator::most_held;

/// How many bytes may be held at once, beyond what is in proportion to the input: an
/// error with its text, and small tables that don't grow with the input.
const SMALL: usize = 4 << 10;

/// How many bytes may be held at once for each byte of the input.
const TIMES: usize = 16;

/// Fills a store as small stores are, with all that the format has.
fn filled<S: Storage>(mut storage: S) -> S {
    let all = storage.create_many((0..12).map(|n| (Position(n, n), Name(n.to_string())))).unwrap();
    storage.create_many((0..9).map(|n| (Velocity(n, n), Marker))).unwrap();
    storage.destroy_batch(&[all[3], all[7]]).unwrap();
    storage.reserve_entities(3).unwrap();
    storage.create_entity().unwrap();
    storage
}

/// Offers bytes to a store, which are to be refused.
///
/// # Panics
/// If they are not, the store changes, or more memory is held than is allowed.
struct Offer<S> {
    storage: S,
    before: (Vec<u8>, AllocatorState),
    most: usize,
}

impl<S: Storage> Offer<S> {
    fn to(mut storage: S) -> Self {
        storage.create((Position(1, 1), Name("kept".into()))).unwrap();
        let before = (storage.snapshot().unwrap(), storage.allocator_state());
        Self { storage, before, most: 0 }
    }

    fn refused(&mut self, bytes: &[u8], what: impl Fn() -> String) {
        let mut refused = false;
        let held = most_held(|| refused = self.storage.restore(bytes).is_err());
        assert!(refused, "{}", what());
        self.bounded(held, bytes, what);
    }

    fn bounded(&mut self, held: usize, bytes: &[u8], what: impl Fn() -> String) {
        let allowed = TIMES * bytes.len() + SMALL;
        assert!(held <= allowed, "{}: {held} bytes for {}", what(), bytes.len());
        self.most = self.most.max(held);
    }

    fn unchanged(&self) {
        let now = (self.storage.snapshot().unwrap(), self.storage.allocator_state());
        assert!(now == self.before, "a store that refused has changed");
    }
}

fn every_truncation_and_flip<S: Storage>(make: impl Fn() -> S) {
    let saved = filled(make()).snapshot().unwrap();
    let mut offer = Offer::to(make());
    for cut in 0..saved.len() {
        offer.refused(&saved[..cut], || format!("cut at {cut}"));
    }
    let mut damaged = saved.clone();
    for bit in 0..saved.len() * 8 {
        damaged[bit / 8] ^= 1 << (bit % 8);
        offer.refused(&damaged, || format!("bit {bit} is flipped"));
        damaged[bit / 8] ^= 1 << (bit % 8);
        if bit % 64 == 0 {
            offer.unchanged();
        }
    }
    offer.unchanged();
    println!("a snapshot of {} bytes: {} bytes at most", saved.len(), offer.most);
}

#[test]
fn damaged_snapshots_take_little_memory_on_the_archetype_backend() {
    every_truncation_and_flip(|| ArchetypeStorage::new(0));
}

#[test]
fn damaged_snapshots_take_little_memory_on_the_oracle() {
    every_truncation_and_flip(|| LocalStorage::new(0));
}

/// The same behind checksums that are right. What is still a snapshot is taken in, and
/// takes what a store with its content takes: in the oracle's maps that is more.
fn every_flip_below_the_checksums<S: Storage>(make: impl Fn() -> S) {
    let saved = filled(make()).snapshot().unwrap();
    let whole = sections(&saved);
    let mut offer = Offer::to(make());
    let kept = offer.before.0.clone();
    let mut accepted = 0;
    for (at, &(_, payload)) in whole.iter().enumerate() {
        let mut payload = payload.to_vec();
        for bit in 0..payload.len() * 8 {
            payload[bit / 8] ^= 1 << (bit % 8);
            let mut all = whole.clone();
            all[at].1 = &payload;
            let bytes = container(&all);
            let mut taken = false;
            let held = most_held(|| taken = offer.storage.restore(&bytes).is_ok());
            if !taken || offer.storage.capabilities().contiguous {
                offer.bounded(held, &bytes, || format!("section {at}, bit {bit}"));
            }
            if taken {
                accepted += 1;
                offer.storage.restore(&kept).unwrap();
                // What a store held before counts as removed, and is remembered.
                offer.storage.forget_removed(offer.storage.version());
            }
            offer.unchanged();
            payload[bit / 8] ^= 1 << (bit % 8);
        }
    }
    println!("{accepted} were taken in, {} bytes at most", offer.most);
}

#[test]
fn damage_below_the_checksums_takes_little_memory_on_the_archetype_backend() {
    every_flip_below_the_checksums(|| ArchetypeStorage::new(0));
}

#[test]
fn damage_below_the_checksums_takes_little_memory_on_the_oracle() {
    every_flip_below_the_checksums(|| LocalStorage::new(0));
}

/// Sizes of most values in bytes are small, and a count is not believed.
#[test]
fn counts_that_lie_take_no_memory() {
    let mut storage = ArchetypeStorage::new(0);
    storage.create_many((0..100).map(|_| Name("a name".into()))).unwrap();
    let saved = storage.snapshot().unwrap();
    let mut offer = Offer::to(ArchetypeStorage::new(0));
    let whole = sections(&saved);
    for cut in 0..whole.last().unwrap().1.len() {
        let mut all = whole.clone();
        let last = all.len() - 1;
        all[last].1 = &all[last].1[..cut];
        offer.refused(&container(&all), || format!("the last section is cut at {cut}"));
    }
    offer.unchanged();
    println!("a column of names: {} bytes at most for {}", offer.most, saved.len());
}

/// Chunks whose ids are a run, each of which claims the bytes of all that follow it.
#[test]
fn chunks_that_claim_the_same_bytes_take_little_memory() {
    let mut storage = ArchetypeStorage::new(0);
    storage.create_many((0..100).map(|n| Position(n, n))).unwrap();
    let saved = snapshot::write_canonical(&storage).unwrap();
    let whole = sections(&saved);
    let tag = |tag: &[u8; 4]| whole.iter().position(|(known, _)| known == tag).unwrap();
    let (chunk, column) = (tag(b"chnk"), tag(b"colm"));
    assert_eq!((column, whole.len()), (chunk + 1, chunk + 2), "one chunk with one column");
    const CHUNKS: usize = 1_000;
    let heads: Vec<Vec<u8>> = (0..CHUNKS)
        .map(|n| {
            // So many rows of eight bytes as if all that follows were their values.
            let rows = (CHUNKS - n) as u64 * 55 / 8;
            let mut head = postcard::to_allocvec(&(rows, vec![0u32], 1u64)).unwrap();
            head.extend_from_slice(&1u64.to_le_bytes());
            head.extend_from_slice(&(rows as u32).to_le_bytes());
            head
        })
        .collect();
    let mut all = whole[..chunk].to_vec();
    all.extend(heads.iter().flat_map(|head| [(*b"chnk", &head[..]), (*b"colm", &[][..])]));
    let bytes = container(&all);
    let mut offer = Offer::to(ArchetypeStorage::new(0));
    offer.refused(&bytes, || "a chunk without its column".to_owned());
    offer.unchanged();
}
