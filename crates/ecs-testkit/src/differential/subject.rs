//! A store under test, and what operations do to it.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_core::{
    Bundle, ComponentId, EntityAllocator, EntityId, ErasedBundle, ErasedValue, RemoveAll,
};
use ecs_storage_api::snapshot::sections::SectionWriter;
use ecs_storage_api::snapshot::{Contents, StorageCut};
use ecs_storage_api::{
    Added, Changed, DynamicQuery, Has, Mut, Or, QueryState, Ref, Storage, StorageExt, StorageImage,
    UpdateBatch, With, Without, snapshot,
};

use super::Make;
use super::operation::{Chosen, Kind, Operation, Pick};
use crate::components::{
    Aligned, AlignedMarker, Bomb, Counted, Fuse, Ledger, Marker, Name, Position, Selected, Tag,
    Velocity, none, odd, wide,
};
use crate::invariants::find_fault;

/// What is asked of a prepared query; it lives as long as the store.
type Terms = (EntityId, &'static mut Velocity, Option<&'static Name>, Has<Aligned>);
type Alternatives = (Or<(With<Marker>, With<Tag<String>>)>, Without<Selected>);

/// What is asked of what has changed.
type ChangedTerms = (EntityId, &'static mut Velocity, Option<Ref<'static, Name>>);
type News = Or<(Changed<Velocity>, Added<Name>)>;

/// A store, with the values that it must end and the queries that were prepared
/// on it.
pub(super) struct Subject<S> {
    pub(super) storage: S,
    ledger: Ledger,
    fuse: Fuse,
    saved: Option<Vec<u8>>,
    /// Those that were taken, the last ones.
    cuts: VecDeque<StorageCut>,
    /// Whether cuts are copied and loaded whole, with no word about what is known.
    pub(super) whole: bool,
    prepared: QueryState<Terms, Alternatives>,
    dynamic: DynamicQuery,
    changed: QueryState<ChangedTerms, News>,
}

/// Calls `$then` with the bundle of a kind: each has a type of its own.
macro_rules! with_bundle {
    ($subject:expr, $kind:expr, $value:expr, |$bundle:ident| $then:expr) => {{
        let (value, ledger, fuse) = ($value, &$subject.ledger, &$subject.fuse);
        with_bundle!(@ $kind, $bundle, $then,
            Position(value, 0);
            1 => (Position(value, 1), Velocity(1, value)),
            2 => (Name(value.to_string()), ledger.counted()),
            3 => (Marker, (Tag(value), Position(value, 3))),
            4 => (Aligned(value as u8), Selected(1), Name("n".repeat(value as usize % 7))),
            5 => ledger.counted(),
            6 => (Marker, Velocity(value, 6), Marker),
            7 => (Tag(value.to_string()), Velocity(value, 7)),
            8 => (ledger.bomb(fuse), Position(value, 8)),
            9 => (Name(String::new()), ledger.bomb(fuse), ledger.counted()),
        )
    }};
    (@ $kind:expr, $bundle:ident, $then:expr, $first:expr; $($n:pat => $made:expr,)*) => {
        match $kind % 10 {
            $($n => { let $bundle = $made; $then })*
            _ => { let $bundle = $first; $then }
        }
    };
}

impl<S: Storage> Subject<S> {
    pub(super) fn new(make: Make<'_, S>) -> Self {
        let dynamic = DynamicQuery::builder()
            .write(ComponentId::of::<Position>())
            .optional_write(odd())
            .optional_read(ComponentId::of::<Velocity>())
            .without(ComponentId::of::<Selected>())
            .build()
            .expect("no component is borrowed twice");
        Self {
            storage: make(),
            ledger: Ledger::default(),
            fuse: Fuse::default(),
            saved: None,
            cuts: VecDeque::new(),
            whole: false,
            prepared: QueryState::new(),
            dynamic,
            changed: QueryState::new(),
        }
    }

    /// Looks at the store from every side, and counts its values.
    ///
    /// # Errors
    /// What is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        find_fault(&self.storage)?;
        let there = self.storage.query_single::<Counted>().count()
            + self.storage.query_single::<Bomb>().count();
        match self.ledger.alive() {
            alive if alive == there as i64 => Ok(()),
            alive => Err(format!("{alive} values live and {there} are there")),
        }
    }

    /// Ends the store, and returns how many of its values live on.
    pub(super) fn end(self) -> i64 {
        self.fuse.put_out();
        let ledger = self.ledger.clone();
        drop(self);
        ledger.alive()
    }

    /// Applies one operation, and tells what came of it.
    pub(super) fn apply(&mut self, operation: &Operation, known: &[EntityId]) -> String {
        told(|| self.outcome(operation, known))
    }

    /// Restores bytes that the other store wrote.
    pub(super) fn rewind_to(&mut self, saved: Vec<u8>) -> String {
        told(|| self.restore(&saved))
    }

    /// Makes the value of a kind of component.
    fn value(&self, kind: Kind, value: i32) -> ErasedValue {
        let bytes = |id, bytes: &[u8]| {
            ErasedValue::from_bytes(id, bytes).expect("the bytes are as many as was registered")
        };
        match kind % 13 {
            0 => ErasedValue::new(Position(value, 4)),
            1 => ErasedValue::new(Name(value.to_string())),
            2 => ErasedValue::new(Marker),
            3 => ErasedValue::new(Selected(value as u8)),
            4 => ErasedValue::new(Velocity(value, 4)),
            5 => ErasedValue::new(Tag(value)),
            6 => ErasedValue::new(AlignedMarker),
            7 => ErasedValue::new(Aligned(value as u8)),
            8 => bytes(odd(), &[value as u8; 5]),
            9 => bytes(wide(), &[value as u8; 3]),
            10 => bytes(none(), &[]),
            11 => ErasedValue::new(self.ledger.counted()),
            _ => ErasedValue::new(self.ledger.bomb(&self.fuse)),
        }
    }

    fn bundle(&self, kinds: &[Kind], value: i32) -> ErasedBundle {
        ErasedBundle::new(kinds.iter().map(|&kind| self.value(kind, value)).collect())
    }

    fn outcome(&mut self, operation: &Operation, known: &[EntityId]) -> String {
        let pick = |pick: &Pick| match known {
            [] => EntityId::new(0, u32::from(*pick) + 1, 0).expect("the index is not zero"),
            known => known[usize::from(*pick).min(known.len() - 1)],
        };
        match operation {
            Operation::Create => format!("{:?}", self.storage.create_entity()),
            Operation::CreateWith { kind, value } => {
                with_bundle!(self, kind, *value, |bundle| {
                    format!("{:?}", self.storage.create(bundle))
                })
            }
            Operation::CreateTyped { kind, value } => {
                with_bundle!(self, kind, *value, |bundle| {
                    format!("{:?}", self.storage.create_typed(bundle))
                })
            }
            Operation::CreateErased { kinds, value } => {
                let made = self.storage.create_with(&mut self.bundle(kinds, *value));
                format!("{made:?}")
            }
            Operation::CreateBatch { kind, count } => self.create_batch(*kind, *count),
            Operation::Destroy { entity } => {
                format!("{:?}", self.storage.destroy_entity(pick(entity)))
            }
            Operation::CreateColumns { kind, count } => self.create_columns(*kind, *count),
            Operation::DestroyBatch { entities } => {
                let entities = self.chosen(entities, pick);
                format!("{:?}", self.storage.destroy_batch(&entities))
            }
            Operation::InsertBatch { entities, kind, value, excess } => {
                let entities = self.chosen(entities, pick);
                self.insert_batch(&entities, *kind, *value, *excess)
            }
            Operation::RemoveBatch { entities, kind } => {
                let entities = self.chosen(entities, pick);
                self.remove_batch(&entities, *kind)
            }
            Operation::ExchangeBatch { entities, lost, kind, value, excess } => {
                let entities = self.chosen(entities, pick);
                match lost % 3 {
                    0 => self.exchange_batch::<Position>(&entities, *kind, *value, *excess),
                    1 => self.exchange_batch::<(Marker, Counted, Name)>(
                        &entities, *kind, *value, *excess,
                    ),
                    _ => self.exchange_batch::<(Bomb, Tag<i32>)>(&entities, *kind, *value, *excess),
                }
            }
            Operation::Clear => format!("{:?}", self.storage.clear()),
            Operation::SetErased { entity, kind, value } => {
                let value = self.value(*kind, *value);
                said(self.storage.set_component_erased(pick(entity), value))
            }
            Operation::Insert { entity, kind, value } => {
                let entity = pick(entity);
                with_bundle!(self, kind, *value, |bundle| {
                    format!("{:?}", self.storage.insert(entity, bundle))
                })
            }
            Operation::InsertTyped { entity, kind, value } => {
                let entity = pick(entity);
                with_bundle!(self, kind, *value, |bundle| {
                    format!("{:?}", self.storage.insert_typed(entity, bundle))
                })
            }
            Operation::InsertErased { entity, kinds, value } => {
                let mut bundle = self.bundle(kinds, *value);
                let outcome = self.storage.insert_with(pick(entity), &mut bundle);
                drop(bundle);
                format!("{outcome:?}")
            }
            Operation::Remove { entity, kind } => self.remove(pick(entity), *kind),
            Operation::RemoveTyped { entity, kind } => self.remove_typed(pick(entity), *kind),
            Operation::RemoveErased { entity, kind } => {
                let component = self.value(*kind, 0).id();
                said(self.storage.remove_component_erased(pick(entity), component))
            }
            Operation::RemoveSeveral { entity, kind } => self.remove_several(pick(entity), *kind),
            Operation::Change { entity, value } => {
                let position = self.storage.get_component_mut::<Position>(pick(entity));
                format!("{:?}", position.map(|position| std::mem::replace(&mut position.0, *value)))
            }
            Operation::ChangeMany { entities, value } => {
                let entities = entities.each_ref().map(pick);
                let found = self.storage.get_many_mut::<Position, 3>(entities);
                let change = |position: Option<&mut Position>| {
                    position.map(|position| std::mem::replace(&mut position.1, *value))
                };
                format!("{:?}", found.map(change))
            }
            Operation::ChangeTracked { entity, value } => {
                let velocity = self.storage.get_component_mut::<Velocity>(pick(entity));
                format!("{:?}", velocity.map(|velocity| std::mem::replace(&mut velocity.0, *value)))
            }
            Operation::ChangeMarked { value } => self.change_marked(*value),
            Operation::ChangeChanged { value } => self.change_changed(*value),
            Operation::Advance => format!("{}", self.storage.advance_version()),
            Operation::ChangeAll { value } => self.change_all(*value),
            Operation::ChangePrepared { value } => self.change_prepared(*value),
            Operation::ChangeDynamic { value } => self.change_dynamic(*value),
            Operation::Ask { entities } => self.ask(&entities.iter().map(pick).collect::<Vec<_>>()),
            Operation::Adopt { entity } => format!("{:?}", self.storage.adopt(pick(entity))),
            Operation::AdoptMadeUp { shard, index, generation } => {
                let (index, generation) = (u32::from(*index) + 1, u32::from(*generation));
                let made_up = EntityId::new(u16::from(*shard), index, generation);
                format!("{:?}", self.storage.adopt(made_up.expect("all parts are small")))
            }
            Operation::Reserve { count } => {
                format!("{:?}", self.storage.reserve_entities((*count).into()))
            }
            Operation::Release { entity } => {
                format!("{:?}", self.storage.release_reserved(pick(entity)))
            }
            Operation::Apply { spawns, updates, inserts, removes, destroys } => {
                let mut batch = UpdateBatch::new();
                for (id, kinds) in spawns {
                    batch = batch.spawn_erased(id.as_ref().map(pick), self.bundle(kinds, 5));
                }
                for (entity, kind, value) in updates {
                    batch = batch.update_erased(pick(entity), self.value(*kind, *value));
                }
                for (entity, kind, value) in inserts {
                    batch = batch.insert_erased(pick(entity), self.value(*kind, *value));
                }
                for (entity, kind) in removes {
                    batch = batch.remove_erased(pick(entity), self.value(*kind, 0).id());
                }
                for entity in destroys {
                    batch = batch.destroy(pick(entity));
                }
                format!("{:?}", self.storage.apply_updates(batch))
            }
            Operation::LightFuse => {
                self.fuse.light();
                String::new()
            }
            Operation::RestoreOwn => {
                let saved = self.save();
                self.restore(&saved)
            }
            Operation::Save => {
                self.saved = Some(self.save());
                String::new()
            }
            Operation::Rewind => match self.saved.clone() {
                Some(saved) => self.restore(&saved),
                None => String::new(),
            },
            Operation::ChangeShard { shard } => self.change_shard((*shard).into()),
            Operation::TakeCut { before } => self.take_cut((*before).into()),
            Operation::GoBack { cut, before } => self.go_back((*cut).into(), (*before).into()),
            Operation::RestoreEachOther => unreachable!("needs both stores"),
        }
    }

    pub(super) fn save(&self) -> Vec<u8> {
        self.storage.snapshot().expect("the kit's components can be encoded")
    }

    /// Takes a cut, and tells what it holds.
    fn take_cut(&mut self, before: usize) -> String {
        /// How many are kept.
        const MOST: usize = 8;
        let before = self.cuts.get(before).filter(|_| !self.whole);
        let cut = match before {
            Some(before) => StorageCut::after(&self.storage, before),
            None => StorageCut::of(&self.storage),
        };
        let cut = cut.expect("the kit's components can be encoded");
        let mut writer = SectionWriter::new(Vec::new()).expect("a vector can be written to");
        Contents::of_cut(&cut).write(&mut writer).expect("a vector can be written to");
        let bytes = writer.finish().expect("a vector can be written to");
        if self.cuts.len() == MOST {
            self.cuts.pop_front();
        }
        self.cuts.push_back(cut);
        format!("{:016x}", hash(&bytes))
    }

    /// Takes a cut in, and tells what is there then.
    fn go_back(&mut self, cut: usize, before: usize) -> String {
        let Some(cut) = self.cuts.get(cut.min(self.cuts.len().saturating_sub(1))) else {
            return String::new();
        };
        let nothing = StorageImage::new(EntityAllocator::new(0).state(), Vec::new());
        let nothing = StorageCut::of_image(&nothing.expect("it hangs together"));
        let nothing = nothing.expect("nothing can be encoded");
        let before = self.cuts.get(before).filter(|_| !self.whole).unwrap_or(&nothing);
        let outcome = self.storage.load_cut(cut, before);
        let order: Vec<_> = self.storage.all_entities().collect();
        format!("{outcome:?} {:016x} {order:?}", hash(&self.save()))
    }

    fn restore(&mut self, saved: &[u8]) -> String {
        format!("{:?}", self.storage.restore(saved))
    }

    fn create_batch(&mut self, kind: Kind, count: u8) -> String {
        let (storage, ledger) = (&mut self.storage, &self.ledger);
        let numbers = 0..i32::from(count);
        let made = match kind % 5 {
            0 => storage.create_many(numbers.map(|n| (Position(n, 9), Marker))),
            1 => storage.create_many(numbers.map(|n| (Name(n.to_string()), ledger.counted()))),
            2 => storage.create_many(numbers.map(|_| (Marker, Position(0, 0), Marker))),
            3 => storage.create_many(numbers.map(|n| (ledger.bomb(&self.fuse), Velocity(n, 9)))),
            _ => storage.create_many(numbers.map(|_| ())),
        };
        format!("{made:?}")
    }

    fn create_columns(&mut self, kind: Kind, count: u8) -> String {
        let (storage, ledger, fuse) = (&mut self.storage, &self.ledger, &self.fuse);
        let positions = || (0..i32::from(count)).map(|n| Position(n, 11)).collect::<Vec<_>>();
        let names = |count| (0..count).map(|n| Name(n.to_string())).collect::<Vec<_>>();
        let counted = || (0..count).map(|_| ledger.counted()).collect::<Vec<_>>();
        let bombs = || (0..count).map(|_| ledger.bomb(fuse)).collect::<Vec<_>>();
        let made = match kind % 5 {
            0 => storage.create_from((positions(), names(count))),
            1 => storage.create_from((counted(), vec![Marker; count.into()], bombs())),
            2 => storage.create_from((bombs(), names(count + 1))),
            3 => storage.create_from((names(count), positions(), names(count))),
            _ => storage.create_from(vec![Marker; count.into()]),
        };
        format!("{made:?}")
    }

    /// Lists the entities that an operation is about, the same in both stores.
    fn chosen(&self, chosen: &Chosen, pick: impl Fn(&Pick) -> EntityId) -> Vec<EntityId> {
        let having = |kind: &Kind| {
            let mut all: Vec<_> = match kind % 4 {
                0 => self.storage.query_as::<EntityId, With<Position>>().into_iter().collect(),
                1 => self.storage.query_as::<EntityId, With<Name>>().into_iter().collect(),
                2 => self.storage.query_as::<EntityId, With<Marker>>().into_iter().collect(),
                _ => self.storage.query_as::<EntityId, ()>().into_iter().collect(),
            };
            all.sort_unstable();
            all
        };
        match chosen {
            Chosen::Listed(picks) => picks.iter().map(pick).collect(),
            Chosen::Having(kind) => having(kind),
            Chosen::Backwards(kind, without) => {
                having(kind).into_iter().skip(usize::from(*without)).rev().collect()
            }
        }
    }

    fn insert_batch(
        &mut self,
        entities: &[EntityId],
        kind: Kind,
        value: i32,
        excess: i8,
    ) -> String {
        let (storage, ledger, fuse) = (&mut self.storage, &self.ledger, &self.fuse);
        let count = entities.len().saturating_add_signed(excess.into());
        let numbers = (value..).take(count);
        let inserted = match kind % 6 {
            0 => storage.insert_many(entities, numbers.map(|n| (Position(n, 10), Marker))),
            1 => storage
                .insert_many(entities, numbers.map(|n| (ledger.counted(), Name(n.to_string())))),
            2 => storage.insert_many(entities, numbers.map(|n| (Marker, Position(n, 0), Marker))),
            3 => {
                storage.insert_many(entities, numbers.map(|n| (ledger.bomb(fuse), Velocity(n, 10))))
            }
            4 => storage.insert_many(entities, numbers.map(|n| Aligned(n as u8))),
            _ => storage.insert_many(entities, numbers.map(|_| ())),
        };
        format!("{inserted:?}")
    }

    fn exchange_batch<Lost: Bundle>(
        &mut self,
        entities: &[EntityId],
        kind: Kind,
        value: i32,
        excess: i8,
    ) -> String {
        let (storage, ledger, fuse) = (&mut self.storage, &self.ledger, &self.fuse);
        let count = entities.len().saturating_add_signed(excess.into());
        let numbers = (value..).take(count);
        let exchanged = match kind % 5 {
            0 => storage.exchange_many::<Lost, _>(entities, numbers.map(|n| Velocity(n, 12))),
            1 => storage.exchange_many::<Lost, _>(
                entities,
                numbers.map(|n| (Name(n.to_string()), ledger.counted())),
            ),
            2 => storage.exchange_many::<Lost, _>(
                entities,
                numbers.map(|n| (ledger.bomb(fuse), Position(n, 12))),
            ),
            3 => storage.exchange_many::<Lost, _>(entities, numbers.map(|_| (Marker, Marker))),
            _ => storage.exchange_many::<Lost, _>(entities, numbers.map(|_| ())),
        };
        format!("{exchanged:?}")
    }

    fn remove_batch(&mut self, entities: &[EntityId], kind: Kind) -> String {
        let storage = &mut self.storage;
        let removed = match kind % 5 {
            0 => storage.remove_many::<(Name, Velocity, (Counted, Aligned))>(entities),
            1 => storage.remove_many::<(Marker, (Bomb, Marker))>(entities),
            2 => storage.remove_many::<Position>(entities),
            3 => storage.remove_many::<Bomb>(entities),
            _ => storage.remove_many::<()>(entities),
        };
        format!("{removed:?}")
    }

    fn remove(&mut self, entity: EntityId, kind: Kind) -> String {
        let storage = &mut self.storage;
        match kind % 6 {
            0 => said(storage.take_component::<Position>(entity)),
            1 => said(storage.take_component::<Name>(entity)),
            2 => said(storage.remove_component::<Counted>(entity)),
            3 => said(storage.remove_component::<Bomb>(entity)),
            4 => said(storage.take_component::<Velocity>(entity)),
            _ => said(storage.take_component::<Tag<i32>>(entity)),
        }
    }

    fn remove_typed(&mut self, entity: EntityId, kind: Kind) -> String {
        let storage = &mut self.storage;
        match kind % 8 {
            0 => said(storage.remove_typed::<Position>(entity)),
            1 => said(storage.remove_typed::<Name>(entity)),
            2 => said(storage.remove_typed::<Counted>(entity).map(|taken| taken.is_some())),
            3 => said(storage.remove_typed::<Bomb>(entity).map(|taken| taken.is_some())),
            4 => said(storage.remove_typed::<Velocity>(entity)),
            5 => said(storage.remove_typed::<Marker>(entity)),
            6 => said(storage.remove_typed::<Aligned>(entity)),
            _ => said(storage.remove_typed::<Tag<i32>>(entity)),
        }
    }

    fn remove_several(&mut self, entity: EntityId, kind: Kind) -> String {
        let storage = &mut self.storage;
        let removed = match kind % 3 {
            0 => {
                type Several = (Name, Velocity, (Counted, Aligned));
                storage.remove_with(entity, &mut RemoveAll::<Several>::default())
            }
            1 => {
                let mut twice = RemoveAll::<(Marker, (Bomb, Marker))>::default();
                storage.remove_with(entity, &mut twice)
            }
            _ => storage.remove_with(entity, &mut RemoveAll::<()>::default()),
        };
        format!("{removed:?}")
    }

    /// Changes what each row says to change, and adds up what was there: the
    /// rows come in an order of the backend's own.
    fn change_all(&mut self, value: i32) -> String {
        let mut sum = 0i64;
        type Asked<'a> = (EntityId, &'a mut Position, Option<&'a Velocity>, Has<Name>);
        let query = self.storage.query_as_mut::<Asked<'_>, Without<Aligned>>();
        for (id, position, velocity, named) in query {
            position.1 = velocity.map_or(value, |velocity| velocity.0) + i32::from(named);
            sum += i64::from(id.index()) * i64::from(position.0);
        }
        format!("{sum}")
    }

    fn change_prepared(&mut self, value: i32) -> String {
        let mut sum = 0i64;
        let mut query = self.prepared.query_mut(&mut self.storage);
        let count = query.count();
        for piece in query.pieces_mut(3) {
            piece.for_each(|(id, velocity, name, aligned)| {
                velocity.1 = value + name.map_or(0, |name| name.0.len() as i32);
                sum += i64::from(id.index()) * i64::from(velocity.0) + i64::from(aligned);
            });
        }
        format!("{count} {sum}")
    }

    fn change_marked(&mut self, value: i32) -> String {
        let mut query = self.storage.query_as_mut::<Mut<'_, Velocity>, ()>();
        let low = |mut velocity: Mut<'_, Velocity>| match velocity.0 {
            low if low < value => std::mem::replace(&mut velocity.1, value).into(),
            _ => 0i64,
        };
        format!("{}", query.iter_mut().map(low).sum::<i64>())
    }

    fn change_changed(&mut self, value: i32) -> String {
        let mut changed: Vec<_> = Vec::new();
        self.changed.query_mut(&mut self.storage).for_each(|(id, velocity, name)| {
            velocity.1 = value;
            changed.push((id, name.is_some_and(|name| name.is_changed())));
        });
        changed.sort_unstable();
        format!("{changed:?}")
    }

    fn change_dynamic(&mut self, value: i32) -> String {
        let (position, velocity) = (ComponentId::of::<Position>(), ComponentId::of::<Velocity>());
        let mut seen = Vec::new();
        let changed = self.dynamic.for_each_chunk_mut(&mut self.storage, |mut chunk| {
            let moving = chunk.column(velocity).map_or(0, |column| column.len());
            let positions = chunk.column_mut(position).expect("every chunk has what is asked for");
            let positions = positions.downcast::<Position>().expect("the column is of its kind");
            positions.iter_mut().for_each(|position| position.1 += value);
            if let Some(bytes) = chunk.column_mut(odd()) {
                // Of each value the first byte; padding stays zero.
                let bytes = bytes.into_bytes().expect("its bytes are plain");
                bytes.iter_mut().step_by(8).for_each(|byte| *byte = value as u8);
            }
            seen.extend(chunk.ids().iter().map(|&id| (id, moving > 0)));
        });
        seen.sort_unstable();
        format!("{:?} {seen:?}", changed.map(drop))
    }

    fn ask(&mut self, entities: &[EntityId]) -> String {
        let read = self.storage.query_as::<(EntityId, &Position, Has<Name>), Without<Marker>>();
        let found: Vec<_> =
            entities.iter().map(|&id| format!("{:?}", (read.get(id), read.contains(id)))).collect();
        let single = read.single().map_err(|error| error.to_string());
        let asked = format!("{found:?} {single:?} {}", read.is_empty());
        let mut write = self.storage.query_as_mut::<&mut Velocity, With<Position>>();
        for &id in entities {
            if let Some(velocity) = write.get_mut(id) {
                velocity.0 += 1;
            }
        }
        asked
    }

    /// Loads the same chunks under an allocator of another shard, which may be
    /// refused: an entity of that shard may live already.
    fn change_shard(&mut self, shard: u16) -> String {
        let image = snapshot::read(&self.save()).expect("what was written is read");
        let (_, chunks, _) = image.into_parts();
        match StorageImage::new(EntityAllocator::new(shard).state(), chunks) {
            Ok(image) => format!("{:?}", self.storage.load(image)),
            // Which entity is named depends on the order of rows.
            Err(_) => "refused".to_owned(),
        }
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Writes an outcome down, and drops it before the text is handed on: a text
/// that is already the result when a `Drop` panics is lost.
fn said(outcome: impl Debug) -> String {
    let text = format!("{outcome:?}");
    drop(outcome);
    text
}

/// Returns what comes of something, or that it panicked.
fn told(outcome: impl FnOnce() -> String) -> String {
    catch_unwind(AssertUnwindSafe(outcome)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<&str>().map(|message| (*message).to_owned());
        let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("a panic: {}", message.unwrap_or_default())
    })
}
