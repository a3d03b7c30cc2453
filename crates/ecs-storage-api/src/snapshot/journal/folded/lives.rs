//! Who came, and who ended.

use ecs_core::EntityId;

use crate::snapshot::SnapshotError;
use crate::snapshot::journal::damaged;

/// That an entity comes or ends.
#[derive(Debug, Clone, Copy)]
struct Turn {
    entity: EntityId,
    entry: u32,
    comes: bool,
}

/// The turns of entities, entry by entry.
#[derive(Debug, Default)]
pub(super) struct Lives(Vec<Turn>);

/// The turns of entities, entity by entity.
pub(super) struct LivesInOrder(Vec<Turn>);

/// How it stands with an entity that came or ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Life<'a> {
    /// Those to come.
    turns: &'a [Turn],
    /// Of the last one behind us.
    comes: Option<bool>,
    /// The entry at which it last ended; 0 if it did not.
    ended: u32,
}

impl Lives {
    /// Notes who ends by an entry.
    pub(super) fn end(&mut self, entities: &[EntityId], entry: u32) {
        self.0.extend(entities.iter().map(|&entity| Turn { entity, entry, comes: false }));
    }

    /// Notes who comes by an entry.
    pub(super) fn begin(&mut self, entities: &[EntityId], entry: u32) {
        self.0.extend(entities.iter().map(|&entity| Turn { entity, entry, comes: true }));
    }

    /// Sorts all by entity.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] if one comes or ends twice.
    pub(super) fn in_order(self) -> Result<LivesInOrder, SnapshotError> {
        let Self(mut turns) = self;
        turns.sort_by_key(|turn| turn.entity);
        let twice = turns
            .array_windows()
            .find(|[one, next]| one.entity == next.entity && one.comes == next.comes);
        match twice {
            Some([Turn { entity, comes: true, .. }, _]) => {
                Err(damaged(format!("{entity} comes twice")))
            }
            Some([Turn { entity, .. }, _]) => Err(damaged(format!("{entity} ends twice"))),
            None => Ok(LivesInOrder(turns)),
        }
    }
}

impl LivesInOrder {
    /// Returns the turns of each entity.
    fn each(&self) -> impl Iterator<Item = &[Turn]> {
        self.0.chunk_by(|one, next| one.entity == next.entity)
    }

    /// Returns who ends that was there before the first entry.
    pub(super) fn died(&self) -> Vec<EntityId> {
        let firsts = self.each().filter_map(<[Turn]>::first);
        firsts.filter(|turn| !turn.comes).map(|turn| turn.entity).collect()
    }

    /// Returns who comes and is there after the last entry.
    pub(super) fn born(&self) -> Vec<EntityId> {
        let lasts = self.each().filter_map(<[Turn]>::last);
        lasts.filter(|turn| turn.comes).map(|turn| turn.entity).collect()
    }

    /// Finds the lives of entities that are asked for in ascending order.
    pub(super) fn finder<'a>(&'a self) -> impl FnMut(EntityId) -> Life<'a> {
        let mut lives = self.each().peekable();
        move |entity| {
            while lives.next_if(|turns| turns[0].entity < entity).is_some() {}
            let turns = lives.next_if(|turns| turns[0].entity == entity).unwrap_or_default();
            Life { turns, ..Life::default() }
        }
    }
}

impl Life<'_> {
    /// Goes on to how it stands after an entry.
    pub(super) fn go_to(&mut self, entry: u32) {
        while let [turn, rest @ ..] = self.turns
            && turn.entry <= entry
        {
            self.turns = rest;
            self.comes = Some(turn.comes);
            if !turn.comes {
                self.ended = turn.entry;
            }
        }
    }

    /// Tells whether the entity has ended.
    pub(super) fn is_over(&self) -> bool {
        self.comes == Some(false)
    }

    /// Tells whether the entity came after the state before the first entry.
    pub(super) fn has_begun(&self) -> bool {
        self.comes == Some(true)
    }

    /// Tells whether the entity ended after an entry.
    pub(super) fn ended_after(&self, entry: u32) -> bool {
        self.ended > entry
    }
}
