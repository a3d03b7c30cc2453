//! Many people who change alike, moved together.

use std::marker::PhantomData;

use ecs::StorageExt;
use ecs::prelude::*;

use super::state::Course;

/// People who give up one component for another.
#[derive(Debug)]
pub(super) struct Exchange<Old, New> {
    people: Vec<EntityId>,
    gained: Vec<New>,
    given_up: PhantomData<fn(Old)>,
}

impl<Old: Component, New: Component> Exchange<Old, New> {
    pub(super) fn new() -> Self {
        Self { people: Vec::new(), gained: Vec::new(), given_up: PhantomData }
    }

    /// Notes a person with the component that it gains.
    pub(super) fn push(&mut self, person: EntityId, gained: New) {
        self.people.push(person);
        self.gained.push(gained);
    }

    pub(super) fn len(&self) -> u32 {
        self.people.len() as u32
    }

    /// Moves everybody when the phase ends: once without the old component, and once
    /// with the new one.
    pub(super) fn record(self, commands: &mut Commands<'_>) {
        let Self { people, gained, .. } = self;
        if people.is_empty() {
            return;
        }
        commands.add(move |storage, resources| {
            for (&person, gained) in people.iter().zip(gained) {
                storage.take_component::<Old>(person).expect("people live");
                storage.insert(person, gained).expect("people live");
            }
            let mut course = resources.get_mut::<Course>().expect("every world has a course");
            course.archetype_moves += 2 * people.len() as u64;
        });
    }
}
