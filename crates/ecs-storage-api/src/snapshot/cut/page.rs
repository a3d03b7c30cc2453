//! Pages of a cut: what cuts share.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ecs_core::EntityId;
use smallvec::SmallVec;
use twox_hash::XxHash3_64;

use crate::changes::Version;
use crate::snapshot::ages::{self, Age, ColumnAges, RowAges};

/// Runs of rows with the versions at which they changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Versions(SmallVec<[(u32, u64); 1]>);

impl Versions {
    pub(super) fn push(&mut self, rows: usize, version: u64) {
        match self.0.last_mut() {
            Some((before, last)) if *last == version => *before += rows as u32,
            _ if rows == 0 => {}
            _ => self.0.push((rows as u32, version)),
        }
    }

    /// Returns the latest; zero if nothing ever changed.
    pub(super) fn latest(&self) -> Version {
        Version::new(self.0.iter().map(|(_, version)| *version).max().unwrap_or(0))
    }

    /// Adds their ages, in a store that is at `present`.
    pub(crate) fn ages(&self, present: Version, origin: Version, ages: &mut RowAges) {
        for &(rows, version) in &self.0 {
            ages.push(rows as usize, ages::age(version, present, origin));
        }
    }

    /// Returns the versions of ages, in a store that is at `present`.
    pub(crate) fn of(ages: &RowAges, present: Version) -> Self {
        let mut all = Self::default();
        for (rows, age) in ages.runs() {
            all.push(rows, version_of(age, present));
        }
        all
    }
}

fn version_of(age: Age, present: Version) -> u64 {
    if age == 0 { 0 } else { (present.get() + 1).saturating_sub(age) }
}

/// The ids of a page, and when its rows came or were moved.
#[derive(Debug, Clone)]
pub(crate) struct IdPage {
    pub(crate) ids: Arc<Hashed<EntityId>>,
    pub(crate) moves: Versions,
}

/// The values of a column in a page, in their codec, and when they changed.
#[derive(Debug, Clone)]
pub(crate) struct ValuePage {
    pub(crate) values: Arc<Encoded>,
    pub(crate) versions: Versions,
    /// When each row changed and came, if the store knows it.
    pub(crate) ticks: Option<[Box<[u32]>; 2]>,
}

/// Values, and their hash when somebody has asked for it.
pub(crate) struct Hashed<T> {
    values: Box<[T]>,
    /// 0 for not yet.
    hash: AtomicU64,
}

/// Values of a column in their codec.
pub(crate) type Encoded = Hashed<u8>;

impl<T> Hashed<T> {
    pub(crate) fn new(values: impl Into<Box<[T]>>) -> Self {
        Self { values: values.into(), hash: AtomicU64::new(0) }
    }

    /// Returns the hash that `compute` gives for the values, asked once.
    fn hash_with(&self, compute: impl FnOnce(&[T]) -> u64) -> u64 {
        // Relaxed: whoever computes it gets the same.
        match self.hash.load(Ordering::Relaxed) {
            0 => {
                let hash = compute(&self.values).max(1);
                self.hash.store(hash, Ordering::Relaxed);
                hash
            }
            hash => hash,
        }
    }
}

impl<T> Deref for Hashed<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values
    }
}

impl Hashed<u8> {
    /// Returns a hash of the bytes.
    pub(crate) fn hash(&self) -> u64 {
        self.hash_with(XxHash3_64::oneshot)
    }
}

impl Hashed<EntityId> {
    /// Returns a hash of the ids.
    pub(crate) fn hash(&self) -> u64 {
        self.hash_with(|ids| {
            let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_bits().to_le_bytes()).collect();
            XxHash3_64::oneshot(&bytes)
        })
    }
}

impl<T> fmt::Debug for Hashed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hashed").field("len", &self.values.len()).finish_non_exhaustive()
    }
}

impl ValuePage {
    /// Tells whether another page has the same values.
    pub(crate) fn has_values_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.values, &other.values) || self.values[..] == other.values[..]
    }

    /// Returns the ages of the values, in a store that is at `present`.
    pub(crate) fn ages(&self, present: Version, origin: Version) -> ColumnAges {
        let mut pages = RowAges::default();
        self.versions.ages(present, origin, &mut pages);
        let now = present.tick();
        let ages = |ticks: &[u32]| ticks.iter().map(|tick| now.wrapping_sub(*tick)).collect();
        let ticks = self.ticks.as_ref().map(|[changed, added]| [ages(changed), ages(added)]);
        ColumnAges { pages, ticks }
    }

    /// Puts values together with their ages, for a store that is at `present`.
    pub(crate) fn of(values: Arc<Encoded>, ages: &ColumnAges, present: Version) -> Self {
        let ticks = ages.ticks_at(present).map(|ticks| ticks.map(Iterator::collect));
        Self { values, versions: Versions::of(&ages.pages, present), ticks }
    }
}
