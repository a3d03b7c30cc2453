//! Cuts of worlds: everything persistent at one moment, while the world goes on.

use std::fmt;
use std::io::Write;
use std::path::Path;

use ecs_storage_api::snapshot::sections::SectionReader;
use ecs_storage_api::snapshot::{Compression, Contents, ReadOptions, RowChanges, StorageCut};
use ecs_storage_api::{SnapshotError, Storage};

use crate::checkpoint::{self, CheckpointError};
use crate::delta::Delta;
use crate::schedule::Crew;
use crate::state::{self, Head};
use crate::world::World;

/// Everything persistent that a world held at one moment.
///
/// It is a copy in pages. Cuts of one world share those that did not change from one
/// to the other, so that many of them cost one copy and the changes. A cut can be
/// written by another thread, compared with another ([`Delta`]), kept to be gone
/// back to ([`History`](crate::History)), or made a world of its own
/// ([`World::fork`]).
///
/// # Example
/// ```
/// use ecs_core::{Component, Description};
/// use ecs_world::World;
/// # #[derive(Clone, Copy, PartialEq, Debug)]
/// # #[repr(transparent)]
/// # struct Health(u32);
/// # unsafe impl bytemuck::Zeroable for Health {}
/// # unsafe impl bytemuck::Pod for Health {}
/// # impl Component for Health {
/// #     fn describe() -> Description<Self> { Description::pod("docs::cut::Health") }
/// # }
/// let mut world = World::new();
/// let hero = world.spawn(Health(10));
/// let cut = world.cut()?;
/// world.get_mut::<Health>(hero).unwrap().0 = 0;
/// world.restore_cut(&cut)?;
/// assert_eq!(world.get::<Health>(hero), Some(&Health(10)));
/// # Ok::<(), ecs_storage_api::SnapshotError>(())
/// ```
#[derive(Clone)]
pub struct Cut {
    pub(crate) tick: u64,
    pub(crate) head: Head,
    pub(crate) store: StorageCut,
}

impl<S: Storage> World<S> {
    /// Copies everything persistent, as [`World::snapshot`] would write it. It raises
    /// the version, so that what comes later can be told from it.
    ///
    /// # Errors
    /// [`SnapshotError::Codec`] if a value refuses to be encoded.
    ///
    /// # Complexity
    /// O(values): that of copying memory, for plain ones.
    pub fn cut(&self) -> Result<Cut, SnapshotError> {
        self.cut_with(StorageCut::of(&self.storage)?)
    }

    /// As [`World::cut`], sharing what has not changed since an earlier one.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Complexity
    /// O(pages) of 1,024 rows, and a copy of those that changed; O(values) if nothing
    /// is known of them, because the world does not [come](World::restore_cut) from
    /// that cut, or the backend keeps no versions. The threads of rayon's current pool
    /// help.
    pub fn cut_after(&self, before: &Cut) -> Result<Cut, SnapshotError> {
        self.cut_with(StorageCut::after_with(&self.storage, &before.store, &Crew::here())?)
    }

    fn cut_with(&self, store: StorageCut) -> Result<Cut, SnapshotError> {
        // Behind the cut of the store, which raised the version.
        Ok(Cut { tick: self.tick, head: self.head()?, store })
    }

    /// Replaces everything persistent by what a cut holds, as [`World::restore`]
    /// does. Afterwards the world comes from that cut: it knows what it changes since.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Complexity
    /// In `ArchetypeStorage` O(pages) of 1,024 rows, and a copy of those that changed
    /// since, if the world comes from the cut: it was taken of it, or restored, and
    /// what was restored since was this cut or a later one. Else O(values), and so
    /// where entities had transient components when the cut was taken, or archetypes
    /// were removed. On other backends always.
    pub fn restore_cut(&mut self, cut: &Cut) -> Result<(), SnapshotError> {
        self.restore_cut_after(cut, cut)
    }

    /// As [`World::restore_cut`], of a cut of another future of an earlier one,
    /// `before`, from which this world comes.
    ///
    /// So a fork follows its world: what both share is left as it is.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Complexity
    /// As there: what counts is what this world changed since `before`, and the pages
    /// that `cut` does not share with it.
    ///
    /// # Example
    /// ```
    /// # use ecs_core::{Component, Description};
    /// # use ecs_world::World;
    /// # #[derive(Clone, Copy, PartialEq, Debug)]
    /// # #[repr(transparent)]
    /// # struct Height(u32);
    /// # unsafe impl bytemuck::Zeroable for Height {}
    /// # unsafe impl bytemuck::Pod for Height {}
    /// # impl Component for Height {
    /// #     fn describe() -> Description<Self> { Description::pod("docs::cut::Height") }
    /// # }
    /// let mut world = World::new();
    /// let hills = world.spawn_batch((0..10_000).map(Height));
    /// let mut last = world.cut()?;
    /// let mut fork = world.fork_of(&last)?;
    /// for n in 0..3 {
    ///     world.get_mut::<Height>(hills[n]).unwrap().0 = 100;
    ///     fork.despawn(hills[9_000 + n])?;
    ///     // Where the world is now, whatever the fork has tried.
    ///     let next = world.cut_after(&last)?;
    ///     fork.restore_cut_after(&next, &last)?;
    ///     assert_eq!(fork.state_hash()?, world.state_hash()?);
    ///     last = next;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn restore_cut_after(&mut self, cut: &Cut, before: &Cut) -> Result<(), SnapshotError> {
        let load = |storage: &mut S| storage.load_cut(&cut.store, &before.store);
        self.take_in(&cut.head, &ReadOptions::new(), load)
    }

    /// Makes a world like this one, which goes on by itself: with the same entities,
    /// ids that come next, tick, and saved resources and events. Systems that run on
    /// both are in each as far as they were here.
    ///
    /// Transient components, and resources that are not saved, stay behind.
    ///
    /// # Errors
    /// [`SnapshotError::Codec`] if a value refuses to be encoded.
    pub fn fork(&self) -> Result<Self, SnapshotError>
    where
        S: Default,
    {
        self.fork_of(&self.cut()?)
    }

    /// As [`World::fork`], of a cut of this world.
    ///
    /// # Errors
    /// As [`World::restore`].
    pub fn fork_of(&self, cut: &Cut) -> Result<Self, SnapshotError>
    where
        S: Default,
    {
        let mut fork = Self::with_storage(S::default());
        self.saved.iter().for_each(|saved| fork.add_saved(saved.clone()));
        fork.restore_cut(cut)?;
        Ok(fork)
    }
}

impl Cut {
    /// Reads a cut from a snapshot, without a world: deltas can be applied to it one
    /// after the other, and the last be restored.
    ///
    /// For a delta it must be the snapshot of the world whose cut that begins with: one by
    /// `snapshot_canonical`, or of a world on another backend, tells of the same entities in
    /// another order, and is another state to it.
    ///
    /// # Errors
    /// [`SnapshotError`] if the bytes are no snapshot of a world, damaged, or name
    /// components that this process does not know.
    pub fn read(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut sections = SectionReader::new(bytes)?;
        let head = Head::read(&mut sections)?;
        let image = state::read_store(&mut sections, &ReadOptions::new())?;
        let store = StorageCut::of_image(&image)?;
        Ok(Self { tick: head.tick()?, head, store })
    }

    /// As [`Cut::read`], from a file.
    ///
    /// # Errors
    /// [`CheckpointError`] that names the file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        checkpoint::load(path.as_ref(), Self::read)
    }

    /// Returns the tick of the world.
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// Returns how many entities there are.
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.store.is_empty()
    }

    /// Returns about how many bytes it holds, those that it shares with others
    /// included.
    pub fn bytes(&self) -> usize {
        self.head.len() + self.store.bytes()
    }

    /// Returns about how many bytes it holds that an earlier one does not.
    pub fn bytes_beside(&self, before: &Self) -> usize {
        self.head.len() + self.store.bytes_beside(&before.store)
    }

    /// Returns what is different from an earlier cut.
    pub fn delta_since(&self, base: &Self) -> Delta {
        Delta::between(base, self)
    }

    /// Finds out which rows are different from those of an earlier cut, or of any
    /// other: for a database that takes each tick in, where a [`Delta`] would give it
    /// pages. What a world has beside them is in [`head_bytes`](Self::head_bytes) and in
    /// the [allocator](StorageCut::allocator) of the [store](Self::store).
    ///
    /// # Errors
    /// As [`StorageCut::rows_since`].
    ///
    /// # Complexity
    /// As there.
    pub fn rows_since(&self, before: &Self) -> Result<RowChanges, SnapshotError> {
        Ok(self.store.rows_since(&before.store)?)
    }

    /// Returns what it holds of the store.
    pub fn store(&self) -> &StorageCut {
        &self.store
    }

    /// Returns what a snapshot has of the world itself, beside its store: the tick,
    /// clocks, saved resources and events, and how far systems are. They are sections
    /// as those of a snapshot, and put together with a store again by
    /// [`from_parts`](Self::from_parts).
    pub fn head_bytes(&self) -> Vec<u8> {
        self.head.to_bytes()
    }

    /// Puts a cut together of [`head_bytes`](Self::head_bytes) and a store, which may
    /// have been something else meanwhile, such as rows of a database
    /// ([`StorageCut::of_image`]).
    ///
    /// Where that does not know what changed when, all of it is later than what any
    /// system has seen, and new to it; which events it has read is known from the head.
    ///
    /// # Errors
    /// [`SnapshotError`] if the bytes are not those of a head, or damaged.
    pub fn from_parts(head: &[u8], store: StorageCut) -> Result<Self, SnapshotError> {
        let head = Head::from_bytes(head)?;
        Ok(Self { tick: head.tick()?, head, store })
    }

    /// Writes a snapshot, the same that the world would have written.
    ///
    /// # Errors
    /// [`SnapshotError::Io`] if `out` refuses.
    pub fn write_to<W: Write>(&self, out: W) -> Result<W, SnapshotError> {
        state::write(&self.head, &Contents::of_cut(&self.store), out, Compression::None)
    }

    /// Returns a snapshot as bytes.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SnapshotError> {
        state::write_with_helpers(&self.head, &Contents::of_cut(&self.store), Compression::None)
    }

    /// Writes a snapshot to a file, as [`World::save`] does.
    ///
    /// # Errors
    /// As there.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        checkpoint::save(path.as_ref(), |out| self.write_to(out).map(drop))
    }
}

impl fmt::Debug for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cut")
            .field("tick", &self.tick)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
