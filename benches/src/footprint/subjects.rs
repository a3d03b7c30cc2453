//! The engines, asked for the same things in their own words.

use bevy_ecs::query::Without;
use bevy_ecs::resource::IsResource;
use ecs::Storage;

use crate::population::moving;
use crate::rows::many_archetypes::{Shape, bevy_world, hecs_world, ours_ids};
use crate::worlds;

/// A world of positions and velocities, or of markers.
pub(super) trait Subject {
    type Id;

    /// Makes entities whose number is known beforehand.
    fn of_batch(count: usize) -> Self;

    /// Makes entities of which nobody knows how many follow.
    fn one_by_one(count: usize) -> Self;

    /// Makes archetypes of one entity each, of up to 17 components of 4 bytes.
    fn of_archetypes(count: usize) -> Self;

    fn archetype_count(&self) -> usize;

    fn ids(&mut self) -> Vec<Self::Id>;

    fn despawn(&mut self, ids: &[Self::Id]);

    /// Gives memory back, if the engine has a way.
    fn shrink_to_fit(&mut self) -> bool {
        false
    }

    /// Removes archetypes, if the engine has a way.
    fn remove_empty_archetypes(&mut self) -> bool {
        false
    }
}

/// Archetypes that differ in their markers only.
fn shape(archetypes: usize) -> Shape {
    Shape { archetypes, entities: 1, rarity: archetypes.max(1) }
}

impl Subject for ecs::World {
    type Id = ecs::EntityId;

    fn of_batch(count: usize) -> Self {
        worlds::ours::spawned(moving(count))
    }

    fn one_by_one(count: usize) -> Self {
        let mut world = Self::new();
        for bundle in moving(count) {
            world.spawn(bundle);
        }
        world
    }

    fn of_archetypes(count: usize) -> Self {
        ours_ids(shape(count)).0
    }

    fn archetype_count(&self) -> usize {
        self.storage().archetype_count()
    }

    fn ids(&mut self) -> Vec<Self::Id> {
        self.storage().all_entities().collect()
    }

    fn despawn(&mut self, ids: &[Self::Id]) {
        ids.iter().for_each(|&id| self.despawn(id).unwrap());
    }

    fn shrink_to_fit(&mut self) -> bool {
        self.storage_mut().shrink_to_fit();
        true
    }

    fn remove_empty_archetypes(&mut self) -> bool {
        self.storage_mut().remove_empty_archetypes();
        true
    }
}

impl Subject for hecs::World {
    type Id = hecs::Entity;

    fn of_batch(count: usize) -> Self {
        worlds::hecs::spawned(moving(count))
    }

    fn one_by_one(count: usize) -> Self {
        let mut world = Self::new();
        for bundle in moving(count) {
            world.spawn(bundle);
        }
        world
    }

    fn of_archetypes(count: usize) -> Self {
        hecs_world(shape(count))
    }

    fn archetype_count(&self) -> usize {
        self.archetypes().len()
    }

    fn ids(&mut self) -> Vec<Self::Id> {
        self.iter().map(|entity| entity.entity()).collect()
    }

    fn despawn(&mut self, ids: &[Self::Id]) {
        ids.iter().for_each(|&id| self.despawn(id).unwrap());
    }
}

impl Subject for bevy_ecs::world::World {
    type Id = bevy_ecs::entity::Entity;

    fn of_batch(count: usize) -> Self {
        worlds::bevy::spawned(moving(count))
    }

    fn one_by_one(count: usize) -> Self {
        let mut world = Self::new();
        for bundle in moving(count) {
            world.spawn(bundle);
        }
        world
    }

    fn of_archetypes(count: usize) -> Self {
        bevy_world(shape(count))
    }

    fn archetype_count(&self) -> usize {
        self.archetypes().len()
    }

    fn ids(&mut self) -> Vec<Self::Id> {
        // Resources are entities too, and components are resources.
        self.query_filtered::<Self::Id, Without<IsResource>>().iter(self).collect()
    }

    fn despawn(&mut self, ids: &[Self::Id]) {
        ids.iter().for_each(|&id| assert!(self.despawn(id)));
    }
}
