//! One number that says whether two stores hold the same state.

use std::hash::Hasher as _;

use ecs_core::{AllocatorState, CodecError, EntityId, ErasedSlice};
use twox_hash::XxHash3_64;

use crate::sink::ReadSink;
use crate::storage::Storage;

/// Adds up the hash of a state, in any order.
///
/// With XXH3-64 as `H` (seed 0; Collet, xxHash 0.8 specification), `le64` for
/// eight bytes in little-endian order and `‖` for concatenation, the hash is the
/// sum modulo 2^64 of
/// - `H(le64(id))` for each entity,
/// - `H(le64(id) ‖ le64(H(name)) ‖ bytes)` for each of its components that are
///   persistent, `bytes` being the value in its codec,
/// - `H(le64(H(label)) ‖ bytes)` for each further part that has a label.
///
/// Nothing in it depends on the order of rows, the backend, the process, or a
/// `ComponentId`.
#[derive(Debug, Clone, Default)]
pub struct StateHasher {
    sum: u64,
    bytes: Vec<u8>,
}

impl StateHasher {
    /// Creates the hash of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds entities.
    pub fn entities(&mut self, ids: &[EntityId]) {
        for id in ids {
            self.sum = self.sum.wrapping_add(XxHash3_64::oneshot(&id.to_bits().to_le_bytes()));
        }
    }

    /// Adds a component of several entities; a transient one adds nothing.
    ///
    /// # Errors
    /// [`CodecError`] if a value refuses to be encoded.
    pub fn column(&mut self, ids: &[EntityId], values: ErasedSlice<'_>) -> Result<(), CodecError> {
        if values.info().is_transient() {
            return Ok(());
        }
        let name = XxHash3_64::oneshot(values.info().name().as_bytes());
        for (row, id) in ids.iter().enumerate() {
            let value = values.range(row, 1).expect("a column has a value for each id");
            self.bytes.clear();
            self.bytes.extend_from_slice(&id.to_bits().to_le_bytes());
            self.bytes.extend_from_slice(&name.to_le_bytes());
            value.encode(&mut self.bytes).map_err(|error| error.behind(row))?;
            self.sum = self.sum.wrapping_add(XxHash3_64::oneshot(&self.bytes));
        }
        Ok(())
    }

    /// Adds something else that belongs to the state, under a label.
    pub fn part(&mut self, label: &str, bytes: &[u8]) {
        let mut hash = XxHash3_64::new();
        hash.write(&XxHash3_64::oneshot(label.as_bytes()).to_le_bytes());
        hash.write(bytes);
        self.sum = self.sum.wrapping_add(hash.finish());
    }

    /// Adds which ids come next.
    pub fn allocator(&mut self, state: &AllocatorState) {
        let bytes =
            postcard::to_allocvec(state).expect("an allocator's state is numbers and lists");
        self.part("allocator", &bytes);
    }

    /// Adds everything that a store holds.
    ///
    /// # Complexity
    /// O(entities x components), about 10 ns a value.
    ///
    /// # Errors
    /// [`CodecError`] if a value refuses to be encoded.
    pub fn storage<S: Storage + ?Sized>(&mut self, storage: &S) -> Result<(), CodecError> {
        let mut outcome = Ok(());
        storage.read_chunks(&mut ReadSink::visitor(&mut |chunk| {
            self.entities(chunk.ids);
            for (column, _) in chunk.columns {
                if outcome.is_ok() {
                    outcome = self.column(chunk.ids, *column);
                }
            }
        }));
        outcome?;
        self.allocator(&storage.allocator_state());
        Ok(())
    }

    /// Returns the hash.
    pub fn finish(&self) -> u64 {
        self.sum
    }
}

/// Returns the hash of everything that a store holds; see [`StateHasher`].
///
/// # Errors
/// [`CodecError`] if a value refuses to be encoded.
pub fn state_hash<S: Storage + ?Sized>(storage: &S) -> Result<u64, CodecError> {
    let mut hasher = StateHasher::new();
    hasher.storage(storage)?;
    Ok(hasher.finish())
}
