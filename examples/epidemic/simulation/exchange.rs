//! Many people who change alike, moved together.

use std::marker::PhantomData;

use ecs::Bundle;
use ecs::prelude::*;

use super::state::Course;

/// People who lose one component and gain others.
#[derive(Debug)]
pub(super) struct Exchange<Lost, Gained> {
    people: Vec<EntityId>,
    gained: Vec<Gained>,
    lost: PhantomData<fn(Lost)>,
}

impl<Lost: Component, Gained: Bundle + Send> Exchange<Lost, Gained> {
    pub(super) fn new() -> Self {
        Self { people: Vec::new(), gained: Vec::new(), lost: PhantomData }
    }

    /// Notes a person with what it gains.
    pub(super) fn push(&mut self, person: EntityId, gained: Gained) {
        self.people.push(person);
        self.gained.push(gained);
    }

    /// Notes those of another piece of work behind these.
    pub(super) fn append(&mut self, mut piece: Self) {
        self.people.append(&mut piece.people);
        self.gained.append(&mut piece.gained);
    }

    pub(super) fn len(&self) -> u32 {
        self.people.len() as u32
    }

    /// Moves everybody when the phase ends, each from one archetype to another, on
    /// all threads.
    pub(super) fn record(self, commands: &mut Commands<'_>) {
        let Self { people, gained, .. } = self;
        if people.is_empty() {
            return;
        }
        let moves = people.len() as u64;
        commands.exchange_batch::<Lost, _>(people, gained);
        commands.add(move |_, resources| {
            let mut course = resources.get_mut::<Course>().expect("every world has a course");
            course.archetype_moves += moves;
        });
    }
}

impl<Lost: Component, Gained: Bundle + Send> Default for Exchange<Lost, Gained> {
    fn default() -> Self {
        Self::new()
    }
}

/// Those of one piece of work, then those of the next.
impl<Lost: Component, Gained: Bundle + Send> FromIterator<Self> for Exchange<Lost, Gained> {
    fn from_iter<I: IntoIterator<Item = Self>>(pieces: I) -> Self {
        let mut all = Self::new();
        pieces.into_iter().for_each(|piece| all.append(piece));
        all
    }
}
