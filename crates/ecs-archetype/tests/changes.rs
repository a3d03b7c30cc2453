//! Changes are told a page of rows at a time, and of tracked components row by
//! row, at the cost of the pages that changed.

use ecs_archetype::ArchetypeStorage;
use ecs_core::{Component, ComponentId, Description, EntityId};
use ecs_storage_api::{
    Added, Changed, Filter, PAGE_ROWS, QueryCost, QueryState, Storage, StorageExt, Version, Window,
};

macro_rules! component {
    ($name:ident $(, $track:literal)?) => {
        #[derive(Clone, Copy, Debug, PartialEq)]
        struct $name(u32);

        impl Component for $name {
            $(const TRACK: bool = $track;)?

            fn describe() -> Description<Self> {
                Description::transient(concat!("changes::", stringify!($name)))
            }
        }
    };
}

component!(Plain);
component!(Other);
component!(Watched, true);

const PAGES: usize = 5;
const ROWS: usize = PAGES * PAGE_ROWS - 100;

/// A store with five pages of rows, of which the last is not full.
fn filled() -> (ArchetypeStorage, Vec<EntityId>, Version) {
    let mut storage = ArchetypeStorage::new(0);
    let rows = (0..ROWS as u32).map(|n| (Plain(n), Other(n), Watched(n)));
    let ids = storage.create_many(rows).unwrap();
    let before = storage.advance_version();
    (storage, ids, before)
}

/// Returns which rows a filter finds, and what it looked at.
fn seen<F: Filter>(storage: &ArchetypeStorage, since: Version) -> (Vec<u32>, QueryCost) {
    let mut state = QueryState::<&Plain, F>::new();
    state.set_window(Window { since, now: storage.version() });
    let query = state.query(storage);
    (query.iter().map(|plain| plain.0).collect(), query.cost())
}

fn page(n: usize) -> Vec<u32> {
    (n * PAGE_ROWS..ROWS.min((n + 1) * PAGE_ROWS)).map(|row| row as u32).collect()
}

#[test]
fn only_pages_that_were_written_are_visited() {
    let (mut storage, ids, before) = filled();
    assert_eq!(seen::<Changed<Plain>>(&storage, before).0, []);
    storage.get_component_mut::<Plain>(ids[PAGE_ROWS]).unwrap();
    storage.get_component_mut::<Plain>(ids[2 * PAGE_ROWS - 1]).unwrap();
    storage.get_component_mut::<Plain>(ids[ROWS - 1]).unwrap();
    let (rows, cost) = seen::<Changed<Plain>>(&storage, before);
    assert_eq!(rows, [page(1), page(4)].concat());
    let count = 2 * PAGE_ROWS - 100;
    assert_eq!((cost.rows_visited, cost.rows_matched, cost.chunks_matched), (count, count, 2));
    assert_eq!(seen::<Changed<Other>>(&storage, before).0, [], "columns have pages of their own");
    assert_eq!(seen::<Changed<Watched>>(&storage, before).0, []);
}

#[test]
fn rows_of_tracked_components_are_told_apart() {
    let (mut storage, ids, before) = filled();
    let written = [3, 64, 65, 1023, 1024, 2500, ROWS - 1];
    for row in written {
        storage.get_component_mut::<Watched>(ids[row]).unwrap();
    }
    let (rows, cost) = seen::<Changed<Watched>>(&storage, before);
    assert_eq!(rows, written.map(|row| row as u32));
    assert_eq!(cost.rows_matched, written.len());
    assert_eq!(cost.chunks_matched, 5, "rows that follow each other are one chunk");
    assert_eq!(cost.rows_visited, 4 * PAGE_ROWS - 100, "a page without changes is skipped");
    assert_eq!(seen::<Added<Watched>>(&storage, before).0, []);
    assert_eq!(seen::<Added<Watched>>(&storage, Version::ZERO).0.len(), ROWS);
}

#[test]
fn a_query_stamps_what_it_hands_out() {
    let (mut storage, _, before) = filled();
    let mut state = QueryState::<&mut Plain>::new();
    state.query_mut(&mut storage).iter_mut().take(1).count();
    assert_eq!(seen::<Changed<Plain>>(&storage, before).0.len(), ROWS, "a chunk is handed out");
    let between = storage.advance_version();
    assert_eq!(seen::<Changed<Plain>>(&storage, between).0, []);
    let mut state = QueryState::<(&Plain, &mut Other), Changed<Plain>>::new();
    let now = storage.version();
    state.set_window(Window { since: between, now });
    let some = storage.query_as::<EntityId, ()>().iter().nth(1500).unwrap();
    storage.get_component_mut::<Plain>(some).unwrap();
    state.query_mut(&mut storage).for_each(|(plain, other)| other.0 = plain.0 + 1);
    assert_eq!(seen::<Changed<Other>>(&storage, between).0, page(1), "and no page beside it");
}

#[test]
fn rows_that_come_and_move_count_for_every_column() {
    let (mut storage, ids, before) = filled();
    storage.destroy_entity(ids[10]).unwrap();
    let (rows, _) = seen::<Changed<Plain>>(&storage, before);
    assert_eq!(rows.len(), PAGE_ROWS, "the last row moved into the first page");
    assert!(rows.contains(&(ROWS as u32 - 1)));
    assert_eq!(seen::<Changed<Watched>>(&storage, before).0, [], "but its value is as it was");
    let between = storage.advance_version();
    storage.create((Plain(7), Other(7), Watched(77_777))).unwrap();
    let (rows, _) = seen::<Changed<Other>>(&storage, between);
    assert_eq!(rows.len(), PAGE_ROWS - 100, "the page to which a row came");
    assert_eq!(seen::<Added<Watched>>(&storage, between).0, [7]);
    let removed = storage.removed(ComponentId::of::<Watched>(), before);
    assert_eq!(removed.iter().map(|removed| removed.entity).collect::<Vec<_>>(), [ids[10]]);
}

#[test]
fn ticks_go_with_rows_that_go_as_a_whole_table() {
    let (mut storage, ids, before) = filled();
    storage.get_component_mut::<Watched>(ids[4000]).unwrap();
    storage.remove_many::<Other>(&ids).unwrap();
    assert_eq!(seen::<Changed<Watched>>(&storage, before).0, [4000]);
    storage.shrink_to_fit();
    storage.insert_many(&ids, ids.iter().map(|_| Other(0))).unwrap();
    assert_eq!(seen::<Changed<Watched>>(&storage, before).0, [4000]);
    assert_eq!(seen::<Changed<Plain>>(&storage, before).0.len(), ROWS, "its rows moved");
    storage.remove_empty_archetypes();
    storage.remove_many::<Watched>(&ids[..3000]).unwrap();
    assert_eq!(storage.removed(ComponentId::of::<Watched>(), before).len(), 3000);
    assert_eq!(seen::<Changed<Watched>>(&storage, before).0, [4000]);
}
