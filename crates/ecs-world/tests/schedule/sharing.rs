//! One store lent to several holders of queries: whatever they do, no two of
//! them write the same rows.

use std::mem::forget;

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_storage_api::{
    DirectoryMut, DirectoryRef, Filter, Prepared, Query, QueryData, QueryGroup, SharedQueries,
    Storage, StorageExt, Window, With,
};

use crate::common::{A, B, C};

fn group<D: QueryData, F: Filter>() -> QueryGroup {
    let mut group = QueryGroup::new();
    group.begin_stage();
    group.add(vec![Prepared::of::<D, F>().unwrap()]).unwrap();
    group
}

fn writers() -> SharedQueries {
    SharedQueries::new(vec![group::<&mut A, With<B>>(), group::<&mut A, With<C>>()])
}

#[test]
fn a_claim_is_refused_while_one_that_conflicts_with_it_is_out() {
    let (mut queries, mut store) = (writers(), ArchetypeStorage::new(0));
    store.create((A(1), B(0))).unwrap();
    store.create((A(2), C(0))).unwrap();
    {
        let share = queries.share(&mut store);
        let one = share.claim(0).unwrap();
        assert!(share.claim(0).is_none(), "it is out itself");
        let mut other = share.claim(1).expect("their archetypes are disjoint");
        let mut rows =
            Query::<&mut A, With<C>>::new(other.stage(0, Window::default()).unwrap().next_query());
        rows.for_each(|a| a.0 += 10);
        drop(other);
        drop(one);
        assert!(share.claim(1).is_some());
    }
    store.create((A(3), B(0), C(0))).unwrap();
    let share = queries.share(&mut store);
    let one = share.claim(0).unwrap();
    assert!(share.claim(1).is_none());
    drop(one);
    assert!(share.claim(1).is_some());
}

#[test]
fn a_forgotten_claim_keeps_its_rows_for_as_long_as_the_store_is_lent_and_no_longer() {
    let (mut queries, mut store) = (writers(), ArchetypeStorage::new(0));
    store.create((A(1), B(0), C(0))).unwrap();
    for _ in 0..2 {
        let share = queries.share(&mut store);
        forget(share.claim(0).expect("what was forgotten before is given back"));
        assert!(share.claim(0).is_none());
        assert!(share.claim(1).is_none());
    }
    // Archetypes that come are looked at all the same.
    store.create((A(1), B(0))).unwrap();
    queries.update(&mut store);
    assert!(queries.conflict_on(0, 1).is_some());
}

#[test]
fn a_backend_without_a_directory_is_used_by_one_holder_at_a_time() {
    let groups = vec![group::<&A, ()>(), group::<&B, ()>(), QueryGroup::new()];
    let (mut queries, mut store) = (SharedQueries::new(groups), LocalStorage::new(0));
    store.create((A(1), B(0))).unwrap();
    let share = queries.share(&mut store);
    let one = share.claim(0).unwrap();
    assert!(share.claim(1).is_none());
    assert!(share.claim(2).is_some(), "it asks for nothing");
    drop(one);
    let mut other = share.claim(1).unwrap();
    assert_eq!(
        Query::<&B>::new(other.stage(0, Window::default()).unwrap().next_query()).count(),
        1
    );
}

/// Lends another store for writing than for reading.
struct TwoFaced {
    shown: ArchetypeStorage,
    lent: ArchetypeStorage,
}

impl Storage for TwoFaced {
    ecs_testkit::forward_storage! { lent;
        capabilities create_entity destroy_entity reserve_entities release_reserved adopt
        entity_exists entity_count all_entities
        get_component_erased get_component_mut_erased set_component_erased
        remove_component_erased get_component_types
        read_chunks write_chunks allocator_state load
    }

    fn directory(&self) -> Option<DirectoryRef<'_>> {
        self.shown.directory()
    }

    fn directory_mut(&mut self) -> Option<DirectoryMut<'_>> {
        self.lent.directory_mut()
    }
}

#[test]
fn what_is_lent_is_what_was_looked_at_also_where_a_backend_is_two_faced() {
    let (shown, lent) = (ArchetypeStorage::new(0), ArchetypeStorage::new(0));
    let (mut queries, mut store) = (writers(), TwoFaced { shown, lent });
    store.shown.create((A(1), B(0))).unwrap();
    store.shown.create((A(1), C(0))).unwrap();
    store.lent.create((A(1), B(0), C(0))).unwrap();
    let share = queries.share(&mut store);
    let _one = share.claim(0).unwrap();
    assert!(share.claim(1).is_none(), "both would write the same row");
}
