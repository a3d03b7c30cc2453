//! Commits that are kept as bytes, and whose rows follow later.

mod common;

use std::sync::mpsc::{self, Receiver, Sender};

use ecs_archetype::ArchetypeStorage;
use ecs_core::{AllocatorState, EntityId};
use ecs_postgres::{PostgresOptions, PostgresStorage};
use ecs_storage_api::remote::{
    Applied, Archive, BoxFuture, BoxStream, Commit, Committed, RemoteChangeKind, Version,
};
use ecs_storage_api::{
    AsyncStorage, BackendError, Capabilities, Page, RemoteError, RemoteQuery, StorageImage,
    UpdateBatch,
};
use ecs_world::{Durable, DurableError, DurableOptions, Origin, World};
use parking_lot::Mutex;
use pollster::block_on;

use common::world::{Name, Place, Score, empty, filled, schedule};

/// A store, and the schema that it is in.
struct Home {
    schema: String,
    options: PostgresOptions,
}

impl Home {
    fn new() -> Self {
        let schema = common::schema();
        let options = PostgresOptions::new(common::server().admin_url()).schema(&schema);
        Self { schema, options }
    }

    fn connect(&self) -> PostgresStorage {
        self.options.clone().connect().unwrap()
    }

    fn open(&self, world: World<ArchetypeStorage>, rows_every: u64) -> Durable<ArchetypeStorage> {
        DurableOptions::new().rows_every(rows_every).open(world, self.connect()).unwrap()
    }

    /// Opens the world that was committed here, and lets go of it.
    fn hash(&self) -> u64 {
        let durable = Durable::open(empty(), self.connect()).unwrap();
        assert_eq!(durable.origin(), Origin::Commit);
        durable.world().state_hash().unwrap()
    }

    /// Leaves a journal of some commits behind, and returns the state that it leads to.
    fn leave_journal(&self, commits: usize) -> u64 {
        let mut durable = self.open(filled(), u64::MAX);
        for _ in 0..commits {
            schedule().run(durable.world_mut());
            durable.commit().unwrap();
        }
        durable.wait().unwrap();
        durable.world().state_hash().unwrap()
    }

    /// Asks in SQL for a number.
    fn number(&self, statement: &str) -> u64 {
        let statement = format!("set search_path to \"{}\"; {statement}", self.schema);
        let rows = ecs_test_postgres::query(&common::server().admin_url(), &statement).unwrap();
        rows[0][0].as_deref().unwrap().parse().unwrap()
    }
}

#[test]
fn a_world_opened_at_any_state_of_the_journal_is_that_of_its_last_commit() {
    let mut dice = 1u64;
    for rows_every in [1, 2, 3, 5, u64::MAX] {
        let place = Home::new();
        let mut beside = filled();
        let mut open: Option<Durable<ArchetypeStorage>> = None;
        for tick in 1..=30 {
            let given = || if tick == 1 { filled() } else { empty() };
            let durable = open.get_or_insert_with(|| place.open(given(), rows_every));
            schedule().run(durable.world_mut());
            durable.commit().unwrap();
            durable.wait().unwrap();
            schedule().run(&mut beside);
            let read = Durable::open(empty(), place.connect()).unwrap();
            assert_eq!((read.origin(), read.world().tick()), (Origin::Commit, tick));
            let (here, there) = (beside.state_hash().unwrap(), read.world().state_hash().unwrap());
            assert_eq!(here, there, "tick {tick}, rows every {rows_every}");
            assert_eq!(read.world().resource::<Score>().unwrap().0, tick);
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            match (dice >> 33) % 5 {
                0 => durable.fold().unwrap(),
                // Whoever goes on begins with what was committed.
                1 => open = None,
                // Somebody else folds; the world need not know.
                2 => drop(place.connect().fold().unwrap()),
                _ => {}
            }
        }
    }
}

#[test]
fn rows_follow_at_every_nth_commit_and_say_which_tick_they_show() {
    let place = Home::new();
    let mut durable = place.open(filled(), 4);
    let mut shown = Vec::new();
    for _ in 0..9 {
        schedule().run(durable.world_mut());
        durable.commit().unwrap();
        durable.wait().unwrap();
        let rows = place.number("select coalesce((select tick from _world), 0)");
        let version = block_on(durable_version(&place));
        assert_eq!(rows, version, "each tick was a version");
        shown.push((rows, place.number("select count(*) from _journal")));
    }
    let all = [(0, 1), (0, 2), (0, 3), (4, 0), (4, 1), (4, 2), (4, 3), (8, 0), (8, 1)];
    assert_eq!(shown, all);
    assert_eq!(place.number("select max(tick) from _journal"), 9);
    assert_eq!(place.number("select committed from _store"), 9);
    // A closed world leaves none.
    durable.close().unwrap();
    assert_eq!(place.number("select count(*) from _journal"), 0);
    assert_eq!(place.number("select tick from _world"), 9);
}

async fn durable_version(place: &Home) -> u64 {
    place.connect().version_async().await.unwrap().get()
}

#[test]
fn readers_see_the_rows_of_the_last_fold_with_the_version_of_then() {
    let place = Home::new();
    let mut durable = place.open(filled(), u64::MAX);
    durable.commit().unwrap();
    durable.fold().unwrap();
    let reader = place.connect();
    let (before, version) = block_on(reader.image_async()).unwrap();
    schedule().run(durable.world_mut());
    durable.commit().unwrap();
    durable.wait().unwrap();
    let (after, still) = block_on(reader.image_async()).unwrap();
    assert_eq!((still, after.entities().count()), (version, before.entities().count()));
    assert!(block_on(reader.changes_async(version)).unwrap().is_empty());
    durable.fold().unwrap();
    let (_, folded) = block_on(reader.image_async()).unwrap();
    assert!(folded > version);
    let changes = block_on(reader.changes_async(version)).unwrap();
    assert_eq!(changes.version, folded);
    let moved = changes.changes.iter().find(|it| it.component.as_deref() == Some("durable::Place"));
    assert!(moved.is_some_and(|it| it.kind == RemoteChangeKind::Written), "{changes:?}");
    let (image, _) = block_on(place.connect().image_async()).unwrap();
    assert_eq!(image.entities().count(), durable.world().len());
}

#[test]
fn who_follows_the_rows_misses_nothing_however_far_a_journal_leads() {
    let home = Home::new();
    let options = home.options.clone().kept_changes(64);
    let open = DurableOptions::new().rows_every(u64::MAX);
    let mut durable = open.open(filled(), options.clone().connect().unwrap()).unwrap();
    durable.commit().unwrap();
    durable.fold().unwrap();
    let reader = home.connect();
    let known = block_on(reader.version_async()).unwrap();
    for _ in 0..200 {
        durable.world_mut().resource_mut::<Score>().unwrap().0 += 1;
        durable.world_mut().spawn(Place { x: 0.0, y: 0.0 });
        durable.commit().unwrap();
    }
    let (_, committed) = durable.wait().unwrap().expect("it was committed");
    // The rows are not there yet: nothing to tell, and no other past.
    let told = block_on(reader.changes_async(committed)).unwrap();
    assert_eq!((told.version, told.changes.len()), (committed, 0));
    let beyond = Version::new(committed.get() + 1);
    let error = block_on(reader.changes_async(beyond)).unwrap_err();
    assert!(matches!(error, RemoteError::Forgotten { .. }), "{error}");
    durable.fold().unwrap();
    let told = block_on(reader.changes_async(known)).unwrap();
    assert_eq!(told.version, committed);
    let came = told.changes.iter().find(|change| change.kind == RemoteChangeKind::Spawned);
    assert_eq!(came.map(|change| change.entities.len()), Some(200));
}

#[test]
fn a_journal_that_no_column_can_hold_is_healed_by_a_world_that_commits_rows() {
    let home = Home::new();
    let mut durable = home.open(filled(), u64::MAX);
    let named = durable.world_mut().spawn(Name("a\0b".to_owned()));
    durable.commit().unwrap();
    durable.wait().unwrap();
    // What ends with it can't be folded, and stays.
    drop(durable);
    let mut durable = home.open(empty(), 1);
    durable.world_mut().get_mut::<Name>(named).unwrap().0 = "ab".to_owned();
    durable.commit().unwrap();
    durable.wait().unwrap();
    let state = durable.close().unwrap().state_hash().unwrap();
    assert_eq!(home.number("select count(*) from _journal"), 0);
    assert_eq!(home.hash(), state);
}

#[test]
fn who_writes_beside_a_journal_is_refused_and_told_what_to_do() {
    let place = Home::new();
    let hash = place.leave_journal(3);
    let writer = place.connect();
    let unfolded = |error: RemoteError| {
        assert!(!error.is_retryable() && error.to_string().contains("folded"), "{error}");
        assert!(matches!(error, RemoteError::Unfolded { .. }), "{error:?}");
    };
    let spawn = UpdateBatch::new().spawn(Name("other".to_owned()));
    unfolded(block_on(writer.apply_updates_async(&spawn, None)).unwrap_err());
    let version = block_on(writer.version_async()).unwrap();
    unfolded(block_on(writer.apply_updates_async(&spawn, Some(version))).unwrap_err());
    unfolded(block_on(writer.reserve_ids_async(1)).unwrap_err());
    let (image, _) = block_on(writer.image_async()).unwrap();
    unfolded(block_on(writer.load_async(&image, None)).unwrap_err());
    assert_eq!(place.hash(), hash);
    // Folded, it is a store like any other.
    let folded = writer.fold().unwrap();
    assert_eq!(writer.fold().unwrap(), folded);
    block_on(writer.apply_updates_async(&spawn, Some(folded))).unwrap();
    let changed = Durable::open(empty(), place.connect()).unwrap();
    assert_eq!(changed.origin(), Origin::ChangedCommit);
}

#[test]
fn a_journal_that_was_left_is_folded_without_a_world() {
    let place = Home::new();
    let hash = place.leave_journal(12);
    assert_eq!(place.number("select count(*) from _entity"), 0);
    let store = place.connect();
    store.fold().unwrap();
    assert_eq!(place.number("select tick from _world"), 12);
    assert_eq!(place.number("select count(*) from _journal"), 0);
    assert_eq!(place.hash(), hash);
    let (image, _) = block_on(store.image_async()).unwrap();
    assert_eq!(image.entities().count() as u64, place.number("select count(*) from _entity"));
}

#[test]
fn a_world_that_commits_rows_takes_up_a_journal_that_was_left() {
    let place = Home::new();
    place.leave_journal(3);
    let mut durable = place.open(empty(), 1);
    assert_eq!(durable.world().tick(), 3);
    schedule().run(durable.world_mut());
    durable.commit().unwrap();
    durable.wait().unwrap();
    assert_eq!(place.number("select count(*) from _journal"), 0);
    assert_eq!(place.hash(), durable.world().state_hash().unwrap());
}

#[test]
fn two_worlds_on_one_journal_are_a_conflict() {
    let place = Home::new();
    place.leave_journal(2);
    let mut one = place.open(empty(), u64::MAX);
    let mut other = place.open(empty(), u64::MAX);
    schedule().run(one.world_mut());
    one.commit().unwrap();
    one.wait().unwrap();
    schedule().run(other.world_mut());
    let error = common::world::commit_and_wait(&mut other).unwrap_err();
    assert!(matches!(error, DurableError::Remote(RemoteError::Conflict { .. })), "{error}");
    let error = other.fold().unwrap_err();
    assert!(matches!(error, DurableError::Fold(RemoteError::Conflict { .. })), "{error}");
    assert_eq!(place.hash(), one.world().state_hash().unwrap());
}

#[test]
fn ids_that_were_reserved_before_the_journal_began_are_not_overwritten() {
    let place = Home::new();
    let mut durable = place.open(filled(), u64::MAX);
    durable.commit().unwrap();
    durable.fold().unwrap();
    block_on(place.connect().reserve_ids_async(3)).unwrap();
    // The second time all is compared with what the archive holds, ids and all.
    for _ in 0..2 {
        let error = common::world::commit_and_wait(&mut durable).unwrap_err();
        assert!(error.to_string().contains("reserved"), "{error}");
    }
}

#[test]
fn ids_that_were_reserved_are_not_overwritten_by_a_world_that_went_back() {
    for rows_every in [1, u64::MAX] {
        let place = Home::new();
        let mut durable = place.open(filled(), rows_every);
        durable.commit().unwrap();
        durable.fold().unwrap();
        block_on(place.connect().reserve_ids_async(3)).unwrap();
        let cut = durable.world().cut().unwrap();
        durable.world_mut().restore_cut(&cut).unwrap();
        durable.world_mut().spawn(Name("another".to_owned()));
        for _ in 0..2 {
            let error = common::world::commit_and_wait(&mut durable).unwrap_err();
            assert!(error.to_string().contains("reserved"), "{error}");
        }
    }
}

#[test]
fn ids_that_were_given_back_in_another_order_are_not_given_twice() {
    let place = Home::new();
    let mut durable = place.open(filled(), u64::MAX);
    common::world::end_two(&mut durable);
    durable.fold().unwrap();
    let other = place.connect();
    let ids = block_on(other.reserve_ids_async(2)).unwrap();
    block_on(other.release_ids_async(&ids)).unwrap();
    let error = common::world::commit_and_wait(&mut durable).unwrap_err();
    assert!(error.to_string().contains("reserved"), "{error}");
    block_on(other.image_async()).unwrap();
}

#[test]
fn a_world_that_went_back_is_folded_to_where_it_is() {
    let place = Home::new();
    let mut durable = place.open(filled(), u64::MAX);
    let start = durable.world().cut().unwrap();
    durable.commit().unwrap();
    durable.fold().unwrap();
    let version = block_on(place.connect().version_async()).unwrap();
    for _ in 0..3 {
        for _ in 0..2 {
            schedule().run(durable.world_mut());
            durable.commit().unwrap();
        }
        durable.world_mut().restore_cut(&start).unwrap();
        durable.commit().unwrap();
    }
    let first = durable.world_mut().spawn(Name("new".to_owned()));
    durable.commit().unwrap();
    durable.wait().unwrap();
    assert_eq!(place.hash(), durable.world().state_hash().unwrap());
    durable.fold().unwrap();
    assert_eq!(place.hash(), durable.world().state_hash().unwrap());
    let store = place.connect();
    let names = block_on(store.get_component_types_async(first)).unwrap();
    assert_eq!(names.map(|names| names.len()), Some(1));
    // Entities ended and are there again: who follows has to read all.
    let changes = block_on(store.changes_async(version)).unwrap().changes;
    assert!(matches!(&changes[..], [all] if all.kind == RemoteChangeKind::Loaded), "{changes:?}");
}

#[test]
fn a_world_of_which_nobody_knows_what_is_different_is_compared_with_the_archive() {
    let place = Home::new();
    let last = "select sum(length(bytes)) from _journal \
                where version = (select committed from _store)";
    let mut durable = place.open(filled(), u64::MAX);
    let name = |n: u32| (Name(format!("{n:0100}")), Place { x: n as f32, y: 0.0 });
    let first = durable.world_mut().spawn_batch((0..1000).map(name))[0];
    durable.commit().unwrap();
    durable.wait().unwrap();
    let all = place.number(last);
    for n in 0..3 {
        // Another store, as far as anybody knows.
        let cut = durable.world().cut().unwrap();
        durable.world_mut().restore_cut(&cut).unwrap();
        durable.world_mut().get_mut::<Place>(first).unwrap().x = -1.0 - n as f32;
        durable.commit().unwrap();
        durable.wait().unwrap();
        let some = place.number(last);
        assert!(some < all / 20, "{some} bytes for one value, {all} for all of them");
        assert_eq!(place.hash(), durable.world().state_hash().unwrap());
    }
}

#[test]
fn a_commit_of_many_megabytes_is_kept_in_parts() {
    let place = Home::new();
    let mut durable = place.open(empty(), u64::MAX);
    let name = |n: u32| (Name(format!("{n:0100}")), Place { x: n as f32, y: 0.0 });
    durable.world_mut().spawn_batch((0..90_000).map(name));
    durable.commit().unwrap();
    durable.wait().unwrap();
    assert!(place.number("select count(*) from _journal where version = 1") >= 3);
    let hash = durable.world().state_hash().unwrap();
    drop(durable);
    assert_eq!(place.hash(), hash);
    place.connect().fold().unwrap();
    assert_eq!(place.hash(), hash);
}

#[test]
fn a_damaged_journal_is_an_error_and_changes_nothing() {
    for (damage, says) in [
        (
            "update _journal set bytes = set_byte(bytes, 200, get_byte(bytes, 200) # 1) where version = 2",
            "",
        ),
        (
            "update _journal set bytes = substr(bytes, 1, length(bytes) - 9) where version = 2",
            "version 2",
        ),
        ("delete from _journal where version = 2", "no commit of version 2"),
        ("delete from _journal where version = 4", "ends at version 3"),
        ("update _journal set version = 7 where version = 4", "no commit of version 4"),
        (
            "insert into _journal select version, 1, tick, bytes from _journal where version = 2",
            "version 2",
        ),
        (
            "update _journal set bytes = (select bytes from _journal where version = 3) where version = 2",
            "that of 3",
        ),
    ] {
        let place = Home::new();
        place.leave_journal(4);
        place.number(&format!("{damage}; select 0"));
        let store = place.connect();
        let error = store.fold().unwrap_err();
        assert!(!error.is_retryable() && error.to_string().contains(says), "{damage}: {error}");
        assert_eq!(place.number("select count(*) from _entity"), 0, "{damage}");
        assert_eq!(place.number("select version from _store"), 0, "{damage}");
        let opened = Durable::open(empty(), place.connect());
        assert!(matches!(opened, Err(DurableError::Remote(_))), "{damage}");
    }
}

/// An archive that only does what every archive has to.
struct WithoutJournal {
    store: PostgresStorage,
    /// The next commit waits for a word, and fails.
    fails: Mutex<Option<Receiver<()>>>,
    /// Commits of this tick are refused for good.
    refuses: Option<u64>,
}

impl WithoutJournal {
    fn new(store: PostgresStorage) -> Self {
        Self { store, fails: Mutex::new(None), refuses: None }
    }

    /// Returns what gives the word for which the first commit waits before it fails.
    fn failing_once(self) -> (Self, Sender<()>) {
        let (word, waiting) = mpsc::channel();
        (Self { fails: Mutex::new(Some(waiting)), ..self }, word)
    }
}

impl AsyncStorage for WithoutJournal {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn version_async(&self) -> BoxFuture<'_, Result<Version, RemoteError>> {
        self.store.version_async()
    }

    fn query_erased_async(&self, query: RemoteQuery) -> BoxStream<'_, Result<Page, RemoteError>> {
        self.store.query_erased_async(query)
    }

    fn apply_updates_async<'a>(
        &'a self,
        batch: &'a UpdateBatch,
        condition: Option<Version>,
    ) -> BoxFuture<'a, Result<Applied, RemoteError>> {
        self.store.apply_updates_async(batch, condition)
    }

    fn reserve_ids_async(&self, count: usize) -> BoxFuture<'_, Result<Vec<EntityId>, RemoteError>> {
        self.store.reserve_ids_async(count)
    }

    fn release_ids_async<'a>(
        &'a self,
        ids: &'a [EntityId],
    ) -> BoxFuture<'a, Result<(), RemoteError>> {
        self.store.release_ids_async(ids)
    }

    fn allocator_state_async(&self) -> BoxFuture<'_, Result<AllocatorState, RemoteError>> {
        self.store.allocator_state_async()
    }

    fn load_async<'a>(
        &'a self,
        image: &'a StorageImage,
        condition: Option<Version>,
    ) -> BoxFuture<'a, Result<Version, RemoteError>> {
        self.store.load_async(image, condition)
    }
}

impl Archive for WithoutJournal {
    fn commit_async<'a>(
        &'a self,
        commit: &'a Commit<'a>,
        condition: Version,
    ) -> BoxFuture<'a, Result<Version, RemoteError>> {
        if let Some(word) = self.fails.lock().take() {
            let _ = word.recv();
            let error = BackendError::retryable("the archive is away".to_owned());
            return Box::pin(async { Err(RemoteError::Backend(error)) });
        }
        if self.refuses == Some(commit.tick) {
            let error = BackendError::permanent("the archive takes no such tick".to_owned());
            return Box::pin(async { Err(RemoteError::Backend(error)) });
        }
        self.store.commit_async(commit, condition)
    }

    fn committed_async(&self) -> BoxFuture<'_, Result<Committed, RemoteError>> {
        self.store.committed_async()
    }
}

#[test]
fn an_archive_without_a_journal_has_its_rows_follow_at_each_commit() {
    let place = Home::new();
    let archive = WithoutJournal::new(place.connect());
    let mut durable = DurableOptions::new().rows_every(5).open(filled(), archive).unwrap();
    for tick in 1..=3 {
        schedule().run(durable.world_mut());
        durable.commit().unwrap();
        durable.wait().unwrap();
        assert_eq!(place.number("select tick from _world"), tick);
    }
    durable.fold().unwrap();
    let world = durable.close().unwrap();
    assert_eq!(place.hash(), world.state_hash().unwrap());
    let archive = WithoutJournal::new(place.connect());
    let version = block_on(archive.version_async()).unwrap();
    assert_eq!(block_on(archive.fold_async(None)).unwrap(), version);
    let other = Version::new(version.get() + 1);
    let error = block_on(archive.fold_async(Some(other))).unwrap_err();
    assert!(matches!(error, RemoteError::Conflict { .. }), "{error}");
}

#[test]
fn a_failure_that_a_later_attempt_made_good_is_not_told() {
    let place = Home::new();
    let (archive, word) = WithoutJournal::new(place.connect()).failing_once();
    let mut durable = DurableOptions::new().ahead(2).open(filled(), archive).unwrap();
    for _ in 1..=2 {
        schedule().run(durable.world_mut());
        durable.commit().expect("nothing has failed yet");
    }
    word.send(()).expect("the first commit waits");
    let committed = durable.wait().expect("the second attempt brought both");
    assert_eq!(committed.map(|(tick, _)| tick), Some(2));
    let world = durable.close().unwrap();
    assert_eq!(place.hash(), world.state_hash().unwrap());
}

#[test]
fn what_an_archive_refuses_does_not_hold_up_what_comes_after_it() {
    let place = Home::new();
    let archive = WithoutJournal { refuses: Some(2), ..WithoutJournal::new(place.connect()) };
    let mut durable = Durable::open(filled(), archive).unwrap();
    for tick in 1..=4 {
        schedule().run(durable.world_mut());
        // The one or the other tells, by which of the threads is quicker.
        match durable.commit().and_then(|()| durable.wait()) {
            Ok(committed) => assert_eq!(committed.map(|(tick, _)| tick), Some(tick)),
            Err(error) => assert!(tick == 2 && !error.is_retryable(), "tick {tick}: {error}"),
        }
        assert_eq!(place.number("select tick from _world"), if tick == 2 { 1 } else { tick });
    }
    let world = durable.close().unwrap();
    assert_eq!(place.hash(), world.state_hash().unwrap());
}
