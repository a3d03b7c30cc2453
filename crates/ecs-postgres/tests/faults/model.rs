//! What a store must hold: a local one that is told every batch that was acknowledged.

use std::collections::BTreeMap;

use bytemuck::{Pod, Zeroable};
use ecs_core::{AllocatorState, ComponentId, EntityId};
use ecs_derive::Component;
use ecs_local::LocalStorage;
use ecs_postgres::PostgresStorage;
use ecs_storage_api::remote::Applied;
use ecs_storage_api::{AsyncStorage, LocalAsync, RemoteError, UpdateBatch};
use pollster::block_on;
use serde::{Deserialize, Serialize};

#[derive(Component, Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[component(crate = ecs_core, name = "fault::Place", pod)]
#[repr(C)]
pub(crate) struct Place {
    pub(crate) x: i64,
    pub(crate) y: i64,
}

#[derive(Component, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "fault::Title")]
pub(crate) struct Title(pub(crate) String);

#[derive(Component, Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "fault::Mark")]
pub(crate) struct Mark;

/// Numbers that look like chance.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below.max(1)
    }

    pub(crate) fn letters(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'a' + self.roll(26) as u8)).collect()
    }
}

/// All that a store holds, in one order: values by entity and name.
#[derive(Debug, PartialEq)]
pub(crate) struct State {
    allocator: AllocatorState,
    entities: BTreeMap<EntityId, BTreeMap<String, Vec<u8>>>,
}

impl State {
    pub(crate) fn of(store: &impl AsyncStorage) -> Result<Self, RemoteError> {
        let (image, _) = block_on(store.image_async())?;
        let mut entities: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for chunk in image.chunks() {
            for (row, id) in chunk.ids().iter().enumerate() {
                let values = entities.entry(*id).or_default();
                for column in chunk.columns() {
                    let mut bytes = Vec::new();
                    let value = column.as_slice().range(row, 1).expect("a row is there");
                    value.encode(&mut bytes)?;
                    values.insert(column.info().name().to_owned(), bytes);
                }
            }
        }
        Ok(Self { allocator: image.allocator().clone(), entities })
    }

    pub(crate) fn entities(&self) -> impl Iterator<Item = EntityId> {
        self.entities.keys().copied()
    }
}

/// A model, and batches that it can take.
#[derive(Debug)]
pub(crate) struct Model {
    store: LocalAsync<LocalStorage>,
    pub(crate) dice: Dice,
}

impl Model {
    pub(crate) fn new(seed: u64) -> Self {
        // A process can read what it knows.
        let _known =
            [ComponentId::of::<Place>(), ComponentId::of::<Title>(), ComponentId::of::<Mark>()];
        Self { store: LocalAsync::new(LocalStorage::new(0)), dice: Dice::new(seed) }
    }

    /// Begins with what a store holds.
    pub(crate) fn of(store: &PostgresStorage, seed: u64) -> Self {
        let this = Self::new(seed);
        let (image, _) = block_on(store.image_async()).expect("a store can be read");
        block_on(this.store.load_async(&image, None)).expect("an image can be loaded");
        this
    }

    pub(crate) fn apply(&self, batch: &UpdateBatch) -> Applied {
        block_on(self.store.apply_updates_async(batch, None)).expect("the batch fits")
    }

    pub(crate) fn state(&self) -> State {
        State::of(&self.store).expect("a local store can be read")
    }

    /// Checks that a store holds what the model does.
    pub(crate) fn assert_same(&self, store: &PostgresStorage) {
        let (there, here) = (State::of(store).expect("the store can be read"), self.state());
        assert!(there == here, "the store holds {there:?}, and should hold {here:?}");
    }

    /// Changes many entities of several components in every way that there is.
    pub(crate) fn batch(&mut self) -> UpdateBatch {
        let dice = &mut self.dice;
        let mut batch = UpdateBatch::new();
        let (image, _) = block_on(self.store.image_async()).expect("a local store can be read");
        let mut living = Vec::new();
        for chunk in image.chunks() {
            let names: Vec<_> = chunk.columns().iter().map(|it| it.info().name()).collect();
            let has_place = names.contains(&"fault::Place");
            living.extend(chunk.ids().iter().map(|id| (*id, has_place)));
        }
        living.sort_unstable();
        let many = living.len() > 150;
        for (id, has_place) in living {
            match dice.roll(10) {
                0 | 1 if has_place => batch = batch.update(id, place(dice)),
                2 => batch = batch.insert(id, (title(dice), place(dice))),
                3 => batch = batch.insert(id, (Mark,)),
                4 => batch = batch.remove::<Title>(id).remove::<Mark>(id),
                5 => batch = batch.destroy(id),
                6 if many => batch = batch.destroy(id),
                _ => {}
            }
        }
        for _ in 0..20 + dice.roll(20) {
            batch = match dice.roll(4) {
                0 => batch.spawn((place(dice),)),
                1 => batch.spawn((place(dice), title(dice))),
                2 => batch.spawn((title(dice), Mark)),
                _ => batch.spawn(()),
            };
        }
        batch
    }
}

fn place(dice: &mut Dice) -> Place {
    Place { x: dice.roll(1 << 40) as i64, y: -(dice.roll(1 << 40) as i64) }
}

fn title(dice: &mut Dice) -> Title {
    let length = 1 + dice.roll(60) as usize;
    Title(dice.letters(length))
}

/// How an attempt ended, as its caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Applied,
    Refused,
    /// The error says that it is not known.
    Unknown,
}

/// Applies a batch and judges the error, if there is one.
pub(crate) fn attempt(store: &PostgresStorage, model: &Model, batch: &UpdateBatch) -> Ended {
    match block_on(store.apply_updates_async(batch, None)) {
        Ok(applied) => {
            assert_eq!(applied.created, model.apply(batch).created);
            Ended::Applied
        }
        Err(error) if error.to_string().contains("it is not known whether") => {
            assert!(!error.is_retryable(), "{error}");
            Ended::Unknown
        }
        Err(error) => {
            assert!(error.is_retryable(), "{error}");
            Ended::Refused
        }
    }
}

/// Sends a batch again that was refused: the error said that this may go well.
pub(crate) fn again(store: &PostgresStorage, model: &Model, batch: &UpdateBatch) {
    let applied = block_on(store.apply_updates_async(batch, None));
    let applied = applied.expect("what was refused for now is taken later");
    assert_eq!(applied.created, model.apply(batch).created);
}
