//! Room in lists and maps, asked for where memory may be refused.

use std::hash::Hash;

use ahash::{AHashMap, AHashSet};
use ecs_core::OutOfMemory;

use crate::error::StorageError;

/// Makes room for `additional` more items; `what` names them in the error.
///
/// # Errors
/// [`StorageError::OutOfMemory`] if memory is refused; then nothing has changed.
pub fn reserve_list<T>(
    list: &mut Vec<T>,
    additional: usize,
    what: &'static str,
) -> Result<(), StorageError> {
    list.try_reserve(additional).map_err(|_| refused::<T>(additional, what))
}

/// As [`reserve_list`], for no more than that.
///
/// # Errors
/// As there.
pub(crate) fn reserve_exactly<T>(
    list: &mut Vec<T>,
    additional: usize,
    what: &'static str,
) -> Result<(), StorageError> {
    list.try_reserve_exact(additional).map_err(|_| refused::<T>(additional, what))
}

/// Makes room for `additional` more entries; `what` names them in the error.
///
/// # Errors
/// [`StorageError::OutOfMemory`] if memory is refused; then nothing has changed.
pub fn reserve_map<K: Eq + Hash, V>(
    map: &mut AHashMap<K, V>,
    additional: usize,
    what: &'static str,
) -> Result<(), StorageError> {
    map.try_reserve(additional).map_err(|_| refused::<(K, V)>(additional, what))
}

/// As [`reserve_map`], of a set.
///
/// # Errors
/// As there.
pub(crate) fn reserve_set<K: Eq + Hash>(
    set: &mut AHashSet<K>,
    additional: usize,
    what: &'static str,
) -> Result<(), StorageError> {
    set.try_reserve(additional).map_err(|_| refused::<K>(additional, what))
}

/// Says how much would have been needed at least.
fn refused<T>(count: usize, what: &'static str) -> StorageError {
    StorageError::no_memory(what)(OutOfMemory { bytes: count.saturating_mul(size_of::<T>()) })
}
