//! Which rows of a tracked component changed, where lines of rows might tell of others.

use ecs_archetype::ArchetypeStorage;
use ecs_core::{Component, Description, EntityId};
use ecs_storage_api::snapshot::StorageCut;
use ecs_storage_api::{Changed, PAGE_ROWS, QueryState, Storage, StorageExt, Version, Window};

#[derive(bytemuck::Pod, bytemuck::Zeroable, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Heat(u32);

impl Component for Heat {
    const TRACK: bool = true;

    fn describe() -> Description<Self> {
        Description::pod("tracked::Heat")
    }
}

fn changed(storage: &ArchetypeStorage, window: Window) -> Vec<EntityId> {
    let mut state = QueryState::<EntityId, Changed<Heat>>::new();
    state.set_window(window);
    state.query(storage).iter().collect()
}

fn changed_since(storage: &ArchetypeStorage, since: Version) -> Vec<EntityId> {
    changed(storage, Window { since, now: storage.version() })
}

#[test]
fn lines_behind_the_rows_of_a_cut_tell_nothing_of_the_history_that_was_left() {
    let mut storage = ArchetypeStorage::new(0);
    storage.create_many((0..500).map(Heat)).unwrap();
    storage.advance_version();
    let cut = StorageCut::of(&storage).unwrap();
    // A second page is written, long after the cut.
    let more = storage.create_many((500..2_000).map(Heat)).unwrap();
    for _ in 0..50 {
        storage.advance_version();
    }
    storage.get_component_mut::<Heat>(more[1_600 - 500]).unwrap();
    storage.load_cut(&cut, &cut).unwrap();
    // The history of the cut goes on.
    let more = storage.create_many((500..2_000).map(Heat)).unwrap();
    let since = storage.advance_version();
    let written = more[PAGE_ROWS + 100 - 500];
    storage.get_component_mut::<Heat>(written).unwrap();
    assert_eq!(changed_since(&storage, since), [written]);
}

#[test]
fn a_write_ahead_of_the_store_is_seen_by_whoever_looked_almost_too_long_ago() {
    let mut storage = ArchetypeStorage::new(0);
    let ids = storage.create_many((0..100).map(Heat)).unwrap();
    let since = storage.advance_version();
    storage.set_version(Version::new(since.get() + (1 << 31) - 1));
    let ahead = |versions| Version::new(storage.version().get() + versions);
    let (writes, looks) = (ahead(2), ahead(3));
    // As the systems of a segment do.
    let mut writer = QueryState::<&mut Heat>::new();
    writer.set_window(Window { since: Version::ZERO, now: writes });
    writer.query_mut(&mut storage).get_mut(ids[7]).unwrap().0 = 1;
    assert!(changed(&storage, Window { since, now: looks }).contains(&ids[7]));
}

#[test]
fn rows_that_are_written_one_by_one_are_told_one_by_one() {
    let mut storage = ArchetypeStorage::new(0);
    let ids = storage.create_many((0..3_000).map(Heat)).unwrap();
    let mut moments = Vec::new();
    for n in [5, 7, 5, 2_000, 2_001, 5] {
        moments.push(storage.advance_version());
        storage.get_component_mut::<Heat>(ids[n]).unwrap().0 += 1;
    }
    let expected: [&[usize]; 6] = [
        &[5, 7, 2_000, 2_001],
        &[5, 7, 2_000, 2_001],
        &[5, 2_000, 2_001],
        &[5, 2_000, 2_001],
        &[5, 2_001],
        &[5],
    ];
    for (since, rows) in moments.into_iter().zip(expected) {
        let rows: Vec<_> = rows.iter().map(|row| ids[*row]).collect();
        assert_eq!(changed_since(&storage, since), rows);
    }
}
