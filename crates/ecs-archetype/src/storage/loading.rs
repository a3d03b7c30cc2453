//! What was saved takes the place of what is there: whole, or the pages that differ.

use ecs_core::IdSource;
use ecs_storage_api::snapshot::{Descent, StorageCut};
use ecs_storage_api::{SnapshotError, Storage, StorageError, StorageImage, Version};

use super::ArchetypeStorage;
use crate::rows::{Panics, Patch};

impl ArchetypeStorage {
    /// Replaces everything by an image, for a store that will be at `present`.
    ///
    /// # Errors
    /// As [`Storage::load`].
    pub(super) fn take_in(
        &mut self,
        image: StorageImage,
        present: Version,
        origin: Version,
        descent: Descent,
    ) -> Result<(), StorageError> {
        let (allocator, chunks, history) = image.into_parts();
        let home = allocator.shard;
        let mut loaded = Self::new(home);
        loaded.ids = IdSource::from_state(allocator)?;
        if history.is_none() {
            // Everything comes now.
            loaded.rows.set_version(present);
        }
        for (n, chunk) in chunks.into_iter().enumerate() {
            let table = loaded.graph.table(&mut loaded.rows, chunk.components())?;
            let start = loaded.rows.append(table, chunk, home)?;
            if let Some(history) = &history {
                loaded.rows.date(table, start, &history.chunks()[n], present);
            }
        }
        loaded.rows.set_version(present);
        (loaded.origin, loaded.descent) = (origin, descent);
        self.rows.note_all_lost();
        let removed = loaded.rows.removed_mut();
        *removed = std::mem::take(self.rows.removed_mut());
        if let Some(history) = history {
            history.note_removed(removed, present);
        }
        drop(std::mem::replace(self, loaded));
        Ok(())
    }

    /// As [`Storage::load_cut`].
    ///
    /// # Errors
    /// As there.
    pub(super) fn take_cut_in(
        &mut self,
        cut: &StorageCut,
        before: &StorageCut,
    ) -> Result<(), SnapshotError> {
        let after = self.descent.after(self.identity(), cut, self.version());
        let Some((descent, present, origin)) = after else {
            return Ok(self.load(cut.to_image()?)?);
        };
        let Some((patch, ids)) = self.plan_patch(cut, before)? else {
            return Ok(self.take_in(cut.to_image()?, present, origin, descent)?);
        };
        let lost = self.rows.make_room_for_patch(&patch)?;
        // It falls only for a cut whose versions are of another kind; that shares no
        // page with those that are here.
        let later = descent.lead().saturating_sub(self.descent.lead());
        let ended = self.rows.apply_patch(patch, lost, present, (descent.lead(), later));
        self.graph.keep_first(self.rows.table_count());
        if let Some(ids) = ids {
            self.ids = ids;
        }
        (self.origin, self.descent) = (origin, descent);
        let mut panics = Panics::new();
        self.rows.end(ended, &mut panics);
        panics.go_on();
        Ok(())
    }

    /// Plans to write only the pages that differ, and makes the source of ids unless
    /// it stays as it is; `None` if the cut is to be loaded as a whole, which also says
    /// what is wrong with one that does not hold together.
    ///
    /// # Errors
    /// [`SnapshotError::Codec`] if a value can't be decoded.
    fn plan_patch<'a>(
        &self,
        cut: &'a StorageCut,
        before: &StorageCut,
    ) -> Result<Option<(Patch<'a>, Option<IdSource>)>, SnapshotError> {
        let since = self.descent.since(self.identity(), before);
        let Some(since) = since.filter(|_| cut.allocator().shard == self.ids.shard()) else {
            return Ok(None);
        };
        let Some(patch) = self.rows.plan_patch(cut, before, since)? else { return Ok(None) };
        if self.rows.patch_moves_nobody(&patch) && self.ids.state() == *cut.allocator() {
            return Ok(Some((patch, None)));
        }
        if !self.rows.patch_holds_together(&patch, &self.ids) {
            return Ok(None);
        }
        let ids = IdSource::from_state(cut.allocator().clone());
        Ok(ids.ok().map(|ids| (patch, Some(ids))))
    }
}

#[cfg(test)]
mod tests {
    use ecs_core::{Component, Description, EntityId};
    use ecs_storage_api::snapshot::ChunkAges;
    use ecs_storage_api::{
        Added, Changed, Filter, PAGE_ROWS, QueryState, Storage, StorageExt, Version, Window,
        snapshot,
    };

    use super::ArchetypeStorage;

    #[derive(bytemuck::Pod, bytemuck::Zeroable, Clone, Copy)]
    #[repr(C)]
    struct Heat(i32);

    impl Component for Heat {
        const TRACK: bool = true;

        fn describe() -> Description<Self> {
            Description::pod("loading::Heat")
        }
    }

    /// Returns the first and the last of each run of rows that a store tells to have met a
    /// filter since a version; ids are in the order of rows.
    fn told<F: Filter>(storage: &ArchetypeStorage, since: u64) -> Vec<[usize; 2]> {
        let mut state = QueryState::<EntityId, F>::new();
        let now = Version::new(u64::MAX);
        state.set_window(Window { since: Version::new(since), now });
        let mut rows: Vec<[usize; 2]> = Vec::new();
        for entity in state.query(storage) {
            let row = entity.index() as usize - 1;
            match rows.last_mut() {
                Some([_, last]) if *last + 1 == row => *last = row,
                _ => rows.push([row, row]),
            }
        }
        rows
    }

    #[test]
    fn rows_without_ticks_changed_when_their_page_did() {
        let mut saved = ArchetypeStorage::new(0);
        let first = saved.create_many((0..PAGE_ROWS as i32).map(Heat)).unwrap();
        saved.advance_version();
        saved.create_many((0..10).map(Heat)).unwrap();
        saved.advance_version();
        saved.get_component_mut::<Heat>(first[3]).unwrap().0 = 7;
        saved.advance_version();
        let bytes = saved.snapshot().unwrap();
        let image = || snapshot::read(&bytes).unwrap();
        // The first chunk is of those without components.
        let mut ages = image().history().unwrap().chunks()[1].clone();
        let (page, all) = ([0, PAGE_ROWS - 1], [0, PAGE_ROWS + 9]);

        // The store has lived on, so versions are other ones than those that were saved.
        let present = Version::new(saved.version().get() + 100);
        let dated = |ages: &ChunkAges| {
            let mut loaded = ArchetypeStorage::new(0);
            let chunk = image().into_parts().1.remove(1);
            let table = loaded.graph.table(&mut loaded.rows, chunk.components()).unwrap();
            let start = loaded.rows.append(table, chunk, 0).unwrap();
            loaded.rows.date(table, start, ages, present);
            loaded.rows.set_version(present);
            loaded
        };
        let known = dated(&ages);
        assert_eq!(told::<Changed<Heat>>(&known, 102), [[3, 3]]);
        assert!(told::<Added<Heat>>(&known, 102).is_empty());

        assert!(ages.columns[0].ticks.take().is_some());
        let unknown = dated(&ages);
        // Whoever knows no more than pages calls all of a page new.
        for since in [102, 103, 104] {
            let expected = if since == 102 { vec![page] } else { vec![] };
            assert_eq!(told::<Changed<Heat>>(&unknown, since), expected, "since {since}");
            assert_eq!(told::<Added<Heat>>(&unknown, since), expected, "since {since}");
        }
        assert_eq!(told::<Changed<Heat>>(&unknown, 101), [all]);
        assert_eq!(told::<Added<Heat>>(&unknown, 100), [all]);
    }
}
