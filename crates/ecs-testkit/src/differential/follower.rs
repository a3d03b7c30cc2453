//! Somebody who is told of a store's changes by captures.

use ecs_core::EntityAllocator;
use ecs_storage_api::snapshot::{Moment, Replica, RowCapture};
use ecs_storage_api::{Storage, StorageImage};

use super::ensure;
use super::rows::{EncodedRows, check_changes, check_told, encoded_rows};

/// Follows one store, which may be changed in any way between two looks.
#[derive(Debug)]
pub struct Follower {
    replica: Replica,
    /// One that has forgotten values.
    forgetful: Replica,
    rows: EncodedRows,
    last: Option<Moment>,
}

impl Follower {
    /// Makes one that has seen nothing.
    ///
    /// # Errors
    /// None: a store without entities holds together.
    pub fn new() -> Result<Self, String> {
        let nothing = StorageImage::new(EntityAllocator::new(0).state(), Vec::new());
        let nothing = nothing.map_err(|error| error.to_string())?;
        let replica = || Replica::of_image(&nothing).map_err(|error| error.to_string());
        let (replica, mut forgetful) = (replica()?, replica()?);
        forgetful.forget_values();
        Ok(Self { replica, forgetful, rows: EncodedRows::new(), last: None })
    }

    /// Checks that what is captured since the last look leads to what the store holds
    /// now, and tells of nothing that is equal, as far as values are known. Returns how many
    /// rows were copied.
    ///
    /// # Errors
    /// What is wrong.
    pub fn look(&mut self, storage: &mut dyn Storage) -> Result<usize, String> {
        let rows = encoded_rows(storage);
        let capture = RowCapture::of(storage, self.last).map_err(|error| error.to_string())?;
        let changes = self.replica.follow(&capture).map_err(|error| error.to_string())?;
        check_changes(&changes, &self.rows, &rows)?;
        let told = self.forgetful.follow(&capture).map_err(|error| error.to_string())?;
        check_told(&told, &self.rows, &rows)?;
        ensure(told.len() >= changes.len(), || format!("{told:?} instead of {changes:?}"))?;
        let again = self.replica.follow(&capture).map_err(|error| error.to_string())?;
        ensure(again.is_empty(), || format!("{again:?} after all was taken in"))?;
        (self.rows, self.last) = (rows, Some(capture.moment()));
        Ok(capture.rows())
    }
}
