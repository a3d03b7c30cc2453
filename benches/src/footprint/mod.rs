//! What entities and archetypes weigh, and what is given back.
//!
//! Each engine is a `Subject`; [`weigh`] asks all of them the same. Malloc runs
//! under its own rules here, as it does in programs.

mod subjects;

use serde::{Deserialize, Serialize};

use crate::heap::live_bytes;
use crate::resident_bytes;
use subjects::Subject;

/// The engines that are weighed.
pub const ENGINES: [&str; 3] = ["ecs", "hecs", "bevy"];

/// How many there are of what is weighed.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Entities, where one entity is weighed.
    pub entities: usize,
    /// Archetypes, where one archetype is weighed; 131,072 at most.
    pub archetypes: usize,
    /// Entities before most of them are despawned.
    pub peak: usize,
}

/// One figure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Weight {
    /// Whose.
    pub engine: String,
    /// What is weighed.
    pub what: String,
    /// By how many both figures are divided.
    pub count: usize,
    /// Bytes that malloc has given out, in all.
    pub live: usize,
    /// Bytes that the process holds in addition to those before.
    pub resident: Option<usize>,
}

/// Weighs an engine, or returns `None` if it is none of [`ENGINES`].
pub fn weigh(engine: &str, counts: Counts) -> Option<Vec<Weight>> {
    match engine {
        "ecs" => Some(weigh_subject::<ecs::World>(engine, counts)),
        "hecs" => Some(weigh_subject::<hecs::World>(engine, counts)),
        "bevy" => Some(weigh_subject::<bevy_ecs::world::World>(engine, counts)),
        _ => None,
    }
}

fn weigh_subject<S: Subject>(engine: &str, counts: Counts) -> Vec<Weight> {
    let mut scale = Scale { engine, weights: Vec::new(), live: 0, resident: None };
    entities::<S>(&mut scale, counts.entities);
    archetypes::<S>(&mut scale, counts.archetypes);
    peak::<S>(&mut scale, counts.peak);
    scale.weights
}

fn entities<S: Subject>(scale: &mut Scale<'_>, count: usize) {
    scale.zero();
    let world = S::of_batch(count);
    scale.note("an entity, made as a batch", count);
    drop(world);
    scale.zero();
    let mut world = S::one_by_one(count);
    scale.note("an entity, made one by one", count);
    if world.shrink_to_fit() {
        scale.note("an entity, after shrink_to_fit", count);
    }
}

fn archetypes<S: Subject>(scale: &mut Scale<'_>, count: usize) {
    scale.zero();
    let mut world = S::of_archetypes(count);
    let count = world.archetype_count();
    scale.note("an archetype with one row", count);
    let all = world.ids();
    world.despawn(&all);
    drop(all);
    scale.note("an archetype, its row despawned", count);
    if world.shrink_to_fit() {
        scale.note("an archetype, after shrink_to_fit", count);
    }
    if world.remove_empty_archetypes() {
        scale.note("an archetype, after remove_empty_archetypes", count);
    }
}

fn peak<S: Subject>(scale: &mut Scale<'_>, count: usize) {
    scale.zero();
    let mut world = S::of_batch(count);
    scale.note("a world at its peak", 1);
    let mut ending = world.ids();
    let mut number = 0;
    ending.retain(|_| {
        number += 1;
        number % 10 != 0
    });
    world.despawn(&ending);
    drop(ending);
    scale.note("a world, nine tenths despawned", 1);
    if world.shrink_to_fit() {
        scale.note("a world, after shrink_to_fit", 1);
    }
}

/// Weighs what came since it was set to zero.
struct Scale<'a> {
    engine: &'a str,
    weights: Vec<Weight>,
    live: usize,
    resident: Option<usize>,
}

impl Scale<'_> {
    fn zero(&mut self) {
        self.live = live_bytes();
        self.resident = resident_bytes();
    }

    fn note(&mut self, what: &str, count: usize) {
        let resident = self.resident.zip(resident_bytes());
        self.weights.push(Weight {
            engine: self.engine.to_owned(),
            what: what.to_owned(),
            count,
            live: live_bytes().saturating_sub(self.live),
            resident: resident.map(|(before, now)| now.saturating_sub(before)),
        });
    }
}
