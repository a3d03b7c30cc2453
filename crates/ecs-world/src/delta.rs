//! Deltas of worlds: what is different between two cuts.

use std::fmt;
use std::io::Write;
use std::path::Path;

use ecs_storage_api::snapshot::StorageDelta;
use ecs_storage_api::snapshot::sections::{SectionReader, SectionWriter, Tag};
use ecs_storage_api::{SnapshotError, Storage};

use crate::checkpoint::{self, CheckpointError};
use crate::cut::Cut;
use crate::state::Head;
use crate::world::World;

/// The first section: the digest of what the world was before, and the tick. Those of
/// the world itself follow, as they are afterwards.
const DELTA: Tag = *b"wdlt";

/// What is different between two cuts of a world.
///
/// Its size follows what changed: it holds the pages that did, which rows there are,
/// and saved resources as a whole. It knows with which state it begins, and is
/// applied to no other; what it gives is checked. A file of a snapshot and one of a
/// delta for each tick are a log that can be replayed.
#[derive(Clone)]
pub struct Delta {
    /// The digest of the head before.
    base_head: u64,
    tick: u64,
    head: Head,
    store: StorageDelta,
}

impl Delta {
    pub(crate) fn between(base: &Cut, next: &Cut) -> Self {
        Self {
            base_head: base.head.digest(),
            tick: next.tick,
            head: next.head.clone(),
            store: StorageDelta::between(&base.store, &next.store),
        }
    }

    /// Returns the tick that it leads to.
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// Makes one of this delta and the one that follows it; what both change is
    /// there once.
    ///
    /// # Errors
    /// [`SnapshotError::OtherBase`] if that one does not begin where this ends.
    pub fn then(&self, later: &Self) -> Result<Self, SnapshotError> {
        let found = self.head.digest();
        if found != later.base_head {
            return Err(SnapshotError::OtherBase { expected: later.base_head, found });
        }
        let store = self.store.then(&later.store)?;
        let (base_head, tick, head) = (self.base_head, later.tick, later.head.clone());
        Ok(Self { base_head, tick, head, store })
    }

    /// Returns the cut that it leads to, from the one that it begins with.
    ///
    /// # Errors
    /// [`SnapshotError::OtherBase`] if `base` is another state,
    /// [`SnapshotError::Damaged`] if the delta does not fit it, and
    /// [`SnapshotError::OtherResult`] if the result is not what it should be.
    pub fn apply(&self, base: &Cut) -> Result<Cut, SnapshotError> {
        let found = base.head.digest();
        if found != self.base_head {
            return Err(SnapshotError::OtherBase { expected: self.base_head, found });
        }
        let store = self.store.apply(&base.store)?;
        Ok(Cut { tick: self.tick, head: self.head.clone(), store })
    }

    /// Writes it to `out`, and returns that.
    ///
    /// # Errors
    /// [`SnapshotError::Io`] if `out` refuses.
    pub fn write_to<W: Write>(&self, out: W) -> Result<W, SnapshotError> {
        let mut writer = SectionWriter::new(out)?;
        writer.section(DELTA, |out| {
            out.extend_from_slice(&self.base_head.to_le_bytes());
            out.extend_from_slice(&self.tick.to_le_bytes());
            Ok::<(), SnapshotError>(())
        })?;
        self.head.write(&mut writer)?;
        self.store.write(&mut writer)?;
        Ok(writer.finish()?)
    }

    /// Returns it as bytes.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SnapshotError> {
        self.write_to(Vec::new())
    }

    /// Reads it from bytes.
    ///
    /// # Errors
    /// [`SnapshotError`] if they are no delta, damaged, or name components that this
    /// process does not know.
    pub fn read(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut sections = SectionReader::new(bytes)?;
        let numbers = sections.expect(DELTA)?;
        let damaged = |what: &str| SnapshotError::Damaged { at: 0, what: what.to_owned() };
        let (&[base_head, tick], []) = numbers.as_chunks() else {
            return Err(damaged("the head of a delta is two numbers"));
        };
        let [base_head, tick] = [base_head, tick].map(u64::from_le_bytes);
        let head = Head::read(&mut sections)?;
        if head.tick()? != tick {
            return Err(damaged("a delta says another tick than its world"));
        }
        Ok(Self { base_head, tick, head, store: StorageDelta::read(&mut sections)? })
    }

    /// Writes it to a file, as [`World::save`] does.
    ///
    /// # Errors
    /// As there.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        checkpoint::save(path.as_ref(), |out| self.write_to(out).map(drop))
    }

    /// Reads it from a file.
    ///
    /// # Errors
    /// [`CheckpointError`] that names the file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        checkpoint::load(path.as_ref(), Self::read)
    }
}

impl<S: Storage> World<S> {
    /// Brings the world from the state with which a delta begins to the one that it
    /// leads to, as [`World::restore`] would. Both worlds have to have
    /// [named](World::save_resource) what they save in the same order.
    ///
    /// # Errors
    /// [`SnapshotError::OtherBase`] if the world is in another state, and as
    /// [`World::restore`]; then nothing has changed.
    ///
    /// # Complexity
    /// O(values): the state is checked before and after. To replay many deltas,
    /// [read](Cut::read) the snapshot as a [`Cut`], [apply](Delta::apply) them to it, and
    /// restore the last.
    pub fn apply_delta(&mut self, delta: &Delta) -> Result<(), SnapshotError> {
        let next = delta.apply(&self.cut()?)?;
        self.restore_cut(&next)
    }
}

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delta")
            .field("tick", &self.tick)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
