use std::collections::BTreeMap;

use ecs_core::{
    AllocatorState, ComponentId, DynamicComponent, EntityAllocator, EntityId, ErasedValue,
    ErasedVec,
};

use super::{Folded, JournalEntry};
use crate::OwnedChunk;
use crate::snapshot::{RowChanges, SnapshotError, StorageCut, StorageImage};

/// Who lives, and what each has.
type State = BTreeMap<EntityId, BTreeMap<ComponentId, Vec<u8>>>;

fn components() -> [ComponentId; 3] {
    [("One", 1), ("Two", 2), ("None", 0)].map(|(name, size)| {
        let name = format!("journal::tests::{name}");
        DynamicComponent::new(name, size, 1).register().unwrap()
    })
}

/// Numbers that look like chance.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % below
    }

    fn values(&mut self) -> BTreeMap<ComponentId, Vec<u8>> {
        let mut values = BTreeMap::new();
        for component in components() {
            if self.roll(2) == 0 {
                let size = component.info().stride();
                values.insert(component, (0..size).map(|_| self.roll(3) as u8).collect());
            }
        }
        values
    }

    /// Changes some, ends some, makes some.
    fn change(&mut self, state: &mut State, allocator: &mut EntityAllocator) {
        for entity in state.keys().copied().collect::<Vec<_>>() {
            match self.roll(6) {
                0 => {
                    state.remove(&entity);
                    allocator.deallocate_many(&[entity]).unwrap();
                }
                1 | 2 => *state.get_mut(&entity).unwrap() = self.values(),
                _ => {}
            }
        }
        for entity in allocator.allocate_many(self.roll(9) as usize) {
            state.insert(entity, self.values());
        }
    }
}

fn cut(state: &State, allocator: &AllocatorState) -> StorageCut {
    let mut sets: BTreeMap<Vec<ComponentId>, Vec<EntityId>> = BTreeMap::new();
    for (entity, values) in state {
        sets.entry(values.keys().copied().collect()).or_default().push(*entity);
    }
    let chunk = |(set, ids): (Vec<ComponentId>, Vec<EntityId>)| {
        let column = |component: ComponentId| {
            let mut values = ErasedVec::new(component.info());
            for entity in &ids {
                let value = ErasedValue::from_bytes(component, &state[entity][&component]);
                values.push(value.unwrap()).unwrap();
            }
            values
        };
        let columns = set.into_iter().map(column).collect();
        OwnedChunk::new(ids, columns).unwrap()
    };
    let chunks = sets.into_iter().map(chunk).collect();
    StorageCut::of_image(&StorageImage::new(allocator.clone(), chunks).unwrap()).unwrap()
}

fn entry(tick: u64, before: &StorageCut, after: &StorageCut) -> Vec<u8> {
    let changes = after.rows_since(before).unwrap();
    let allocator = [before.allocator(), after.allocator()];
    JournalEntry::encode(tick, tick, &changes, allocator, &tick.to_le_bytes()).unwrap()
}

/// Does what the lists say, and checks what they take for granted.
fn apply(folded: &Folded, state: &mut State) {
    for entity in &folded.died {
        assert!(state.remove(entity).is_some(), "{entity} lives before it ends");
    }
    for entity in &folded.born {
        assert!(state.insert(*entity, BTreeMap::new()).is_none(), "{entity} did not live");
    }
    for (component, entities) in &folded.removed {
        for entity in entities {
            assert!(state.get_mut(entity).unwrap().remove(component).is_some());
        }
    }
    for (chunks, was_there) in [(&folded.updated, true), (&folded.inserted, false)] {
        for chunk in chunks {
            let [column] = chunk.columns() else { panic!("a chunk of one column") };
            assert!(chunk.ids().is_sorted());
            for (row, entity) in chunk.ids().iter().enumerate() {
                let mut bytes = Vec::new();
                column.as_slice().range(row, 1).unwrap().encode(&mut bytes).unwrap();
                let before = state.get_mut(entity).unwrap().insert(column.id(), bytes);
                assert_eq!(before.is_some(), was_there, "{entity}");
            }
        }
    }
}

#[test]
fn entries_folded_lead_from_the_first_state_to_the_last() {
    for seed in 0..200 {
        let (mut dice, mut state) = (Dice(seed), State::new());
        let mut allocator = EntityAllocator::new(0);
        dice.change(&mut state, &mut allocator);
        let mut first = (state.clone(), allocator.clone());
        let mut last = cut(&state, &allocator.state());
        let mut entries = Vec::new();
        for tick in 1..=dice.roll(7) + 1 {
            match dice.roll(5) {
                // The world goes back to where the journal begins.
                0 => (state, allocator) = (first.0.clone(), first.1.clone()),
                _ => dice.change(&mut state, &mut allocator),
            }
            let next = cut(&state, &allocator.state());
            entries.push(entry(tick, &last, &next));
            last = next;
        }
        let ticks = entries.len() as u64;
        let entries = entries.iter().map(|bytes| JournalEntry::decode(bytes));
        let folded = Folded::of(entries, first.1.state()).unwrap();
        assert_eq!((folded.tick, &folded.head[..]), (ticks, &ticks.to_le_bytes()[..]));
        assert_eq!(folded.allocator, allocator.state());
        apply(&folded, &mut first.0);
        assert_eq!(first.0, state, "seed {seed}");
    }
}

#[test]
fn a_value_that_several_entries_write_is_there_once() {
    let [one, ..] = components();
    let mut allocator = EntityAllocator::new(0);
    let entity = allocator.allocate_many(1)[0];
    let state = |value| State::from([(entity, BTreeMap::from([(one, vec![value])]))]);
    let cuts: Vec<_> = (0..5).map(|value| cut(&state(value), &allocator.state())).collect();
    let entries = cuts.windows(2).zip(1..).map(|(pair, tick)| entry(tick, &pair[0], &pair[1]));
    let entries = entries.map(|bytes| JournalEntry::decode(&bytes));
    let folded = Folded::of(entries, allocator.state()).unwrap();
    assert_eq!((folded.len(), folded.updated[0].ids()), (1, &[entity][..]));
    assert_eq!(folded.updated[0].column(one).unwrap().as_bytes(), Some(&[4][..]));
}

#[test]
fn damage_anywhere_is_an_error() {
    let (mut dice, mut state) = (Dice(7), State::new());
    let mut allocator = EntityAllocator::new(0);
    dice.change(&mut state, &mut allocator);
    let first = cut(&state, &allocator.state());
    dice.change(&mut state, &mut allocator);
    let bytes = entry(1, &first, &cut(&state, &allocator.state()));
    JournalEntry::decode(&bytes).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(JournalEntry::decode(&damaged).is_err(), "byte {at}");
        assert!(JournalEntry::decode(&bytes[..at]).is_err(), "{at} bytes");
    }
}

#[test]
fn entries_that_do_not_follow_each_other_are_an_error() {
    let mut allocator = EntityAllocator::new(0);
    let nothing = cut(&State::new(), &allocator.state());
    let entity = allocator.allocate_many(1)[0];
    let one = cut(&State::from([(entity, BTreeMap::new())]), &allocator.state());
    let (born, died) = (entry(1, &nothing, &one), entry(2, &one, &nothing));
    for wrong in [[&born, &born], [&died, &died]] {
        let entries = wrong.map(|bytes| JournalEntry::decode(bytes));
        let error = Folded::of(entries, nothing.allocator().clone()).unwrap_err();
        assert!(matches!(error, SnapshotError::Damaged { .. }), "{error}");
    }
    let none: [Result<JournalEntry, SnapshotError>; 0] = [];
    assert!(Folded::of(none, nothing.allocator().clone()).is_err());
}

#[test]
fn ids_out_of_order_are_refused_when_they_are_written() {
    let ids = EntityAllocator::new(0).allocate_many(2);
    let state = EntityAllocator::new(0).state();
    for died in [vec![ids[1], ids[0]], vec![ids[0], ids[0]]] {
        let changes = RowChanges { died, ..RowChanges::default() };
        let error = JournalEntry::encode(0, 0, &changes, [&state, &state], &[]).unwrap_err();
        assert!(matches!(error, SnapshotError::Damaged { .. }), "{error}");
    }
}

#[test]
fn a_component_that_comes_changes_or_ends_out_of_turn_is_an_error() {
    let [one, ..] = components();
    let mut allocator = EntityAllocator::new(0);
    let entity = allocator.allocate_many(1)[0];
    let state = allocator.state();
    let chunk = || {
        let value = ErasedVec::decode(one.info(), &mut &[7u8][..], 1).unwrap();
        vec![OwnedChunk::new(vec![entity], vec![value]).unwrap()]
    };
    let comes = || RowChanges { inserted: chunk(), ..RowChanges::default() };
    let changes = || RowChanges { updated: chunk(), ..RowChanges::default() };
    let ends = || RowChanges { removed: vec![(one, vec![entity])], ..RowChanges::default() };
    let dies = || RowChanges { died: vec![entity], ..RowChanges::default() };
    let born = |columns| RowChanges { born: columns, ..RowChanges::default() };
    let with = || born(chunk());
    let bare = || born(vec![OwnedChunk::new(vec![entity], Vec::new()).unwrap()]);
    let fold = |entries: Vec<RowChanges>| {
        let bytes = |changes| JournalEntry::encode(1, 1, &changes, [&state, &state], &[]).unwrap();
        let entries = entries.into_iter().map(|changes| JournalEntry::decode(&bytes(changes)));
        Folded::of(entries, state.clone())
    };
    for right in [
        vec![comes(), changes(), ends(), comes()],
        vec![changes(), changes(), ends(), comes(), ends()],
        vec![ends(), comes(), changes()],
        vec![changes(), dies(), with(), changes()],
        vec![changes(), dies(), bare(), comes(), changes()],
    ] {
        fold(right).unwrap();
    }
    let again = fold(vec![changes(), dies(), with(), ends(), comes()]).unwrap();
    assert_eq!((again.died, again.born, again.removed.len()), (vec![entity], vec![entity], 0));
    assert_eq!((again.updated.len(), again.inserted.len()), (0, 1));
    let both = || RowChanges { inserted: chunk(), ..changes() };
    let gone = || RowChanges { updated: chunk(), ..ends() };
    for (wrong, says) in [
        (vec![both()], "named twice"),
        (vec![gone()], "named twice"),
        (vec![comes(), both()], "there already"),
        (vec![comes(), comes()], "there already"),
        (vec![changes(), comes()], "there already"),
        (vec![ends(), changes()], "not there"),
        (vec![ends(), ends()], "not there"),
        (vec![dies(), changes()], "its entity has ended"),
        (vec![changes(), dies(), comes()], "its entity has ended"),
        (vec![bare(), changes()], "its entity came without it"),
        (vec![changes(), dies(), bare(), ends()], "its entity came without it"),
    ] {
        let error = fold(wrong).unwrap_err();
        assert!(matches!(error, SnapshotError::Damaged { .. }), "{error}");
        let words = error.to_string();
        assert!(words.contains(says) && words.contains("journal::tests::One"), "{words}");
    }
}
