//! A tenth of many entities, others in each round and so from all over their table.

use std::iter::repeat_n;

use super::add_remove;
use super::ending::newcomer;
use crate::compare::{Row, Size, Workload, steady};
use crate::components::{A, B, Position};
use crate::{population, scattered, worlds};

/// Sets of places in the list of ids, which the rounds take in turn.
const SETS: usize = 8;

/// A component comes and goes.
pub(super) fn add_and_remove(size: Size) -> Row {
    let n = size.of(1_000_000);
    let about = "a tenth of 1M, others each time: insert a component, then remove it";
    Row::new("add_remove_some", about, n / 10)
        .with("ecs/insert_remove", move || ours_come_and_go(n, false))
        .with("ecs/batch", move || ours_come_and_go(n, true))
        .with("bevy/insert_remove", move || bevy_come_and_go(n))
        .with("hecs/insert_remove", move || hecs_come_and_go(n))
}

/// They end, and as many others begin.
pub(super) fn despawn(size: Size) -> Row {
    let n = size.of(1_000_000);
    let about = "a tenth of 1M, others each time: despawn, and spawn as many as a batch";
    Row::new("despawn_some", about, n / 10)
        .with("ecs/despawn", move || ours_replaced(n, false))
        .with("ecs/despawn_batch", move || ours_replaced(n, true))
        .with("bevy/despawn", move || bevy_replaced(n))
        .with("hecs/despawn", move || hecs_replaced(n))
}

/// A world, its entities, and who comes next.
struct Chosen<W, I> {
    world: W,
    all: Vec<I>,
    /// Places of `all`, without order and each once.
    sets: Vec<Vec<usize>>,
    rounds: usize,
    /// Those of this round.
    chosen: Vec<I>,
}

impl<W, I: Copy> Chosen<W, I> {
    fn of((world, all): (W, Vec<I>)) -> Self {
        let (count, mut sets) = (all.len() / 10, Vec::new());
        for places in scattered(SETS * all.len(), all.len()).chunks(all.len()) {
            let mut is_new = vec![true; all.len()];
            let new = places.iter().filter(|place| std::mem::take(&mut is_new[**place]));
            sets.push(new.take(count).copied().collect());
        }
        Self { world, all, sets, rounds: 0, chosen: Vec::new() }
    }

    /// Chooses others; whoever took their places is told by `replace` afterwards.
    fn choose(&mut self) {
        self.rounds += 1;
        let set = &self.sets[self.rounds % SETS];
        self.chosen.clear();
        self.chosen.extend(set.iter().map(|place| self.all[*place]));
    }

    fn replace(&mut self, new: impl IntoIterator<Item = I>) {
        for (place, id) in self.sets[self.rounds % SETS].iter().zip(new) {
            self.all[*place] = id;
        }
    }
}

fn come_and_go<W, I: Copy>(
    filled: (W, Vec<I>),
    insert: impl Fn(&mut W, &[I]),
    remove: impl Fn(&mut W, &[I]),
    sum: impl Fn(&mut W) -> f64,
) -> impl Workload {
    steady(
        Chosen::of(filled),
        move |some| {
            some.choose();
            insert(&mut some.world, &some.chosen);
            remove(&mut some.world, &some.chosen);
        },
        move |some| sum(&mut some.world),
    )
}

fn replaced<W, I: Copy>(
    filled: (W, Vec<I>),
    despawn: impl Fn(&mut W, &[I]),
    spawn: impl Fn(&mut W, usize) -> Vec<I>,
    count: impl Fn(&mut W) -> usize,
) -> impl Workload {
    steady(
        Chosen::of(filled),
        move |some| {
            some.choose();
            despawn(&mut some.world, &some.chosen);
            let new = spawn(&mut some.world, some.chosen.len());
            some.replace(new);
        },
        move |some| count(&mut some.world) as f64,
    )
}

fn ours_come_and_go(n: usize, batch: bool) -> impl Workload {
    let insert = move |world: &mut ecs::World, ids: &[_]| match batch {
        true => world.insert_batch(ids, repeat_n(B(0.0), ids.len())).unwrap(),
        false => ids.iter().for_each(|id| world.insert(*id, B(0.0)).unwrap()),
    };
    let remove = move |world: &mut ecs::World, ids: &[_]| match batch {
        true => {
            world.remove_batch::<B>(ids).unwrap();
        }
        false => ids.iter().for_each(|id| {
            world.remove::<B>(*id).unwrap();
        }),
    };
    come_and_go(worlds::ours::with_ids(add_remove::population(n)), insert, remove, |world| {
        world.query::<&A>().iter().map(|a| f64::from(a.0)).sum()
    })
}

fn bevy_come_and_go(n: usize) -> impl Workload {
    use bevy_ecs::entity::Entity;
    use bevy_ecs::world::World;
    let insert = |world: &mut World, ids: &[Entity]| {
        for &id in ids {
            world.entity_mut(id).insert(B(0.0));
        }
    };
    let remove = |world: &mut World, ids: &[Entity]| {
        for &id in ids {
            world.entity_mut(id).remove::<B>();
        }
    };
    come_and_go(worlds::bevy::with_ids(add_remove::population(n)), insert, remove, |world| {
        world.query::<&A>().iter(world).map(|a| f64::from(a.0)).sum()
    })
}

fn hecs_come_and_go(n: usize) -> impl Workload {
    use hecs::{Entity, World};
    let insert = |world: &mut World, ids: &[Entity]| {
        for &id in ids {
            world.insert_one(id, B(0.0)).unwrap();
        }
    };
    let remove = |world: &mut World, ids: &[Entity]| {
        for &id in ids {
            world.remove_one::<B>(id).unwrap();
        }
    };
    come_and_go(worlds::hecs::with_ids(add_remove::population(n)), insert, remove, |world| {
        world.query::<&A>().iter().map(|a| f64::from(a.0)).sum()
    })
}

fn ours_replaced(n: usize, batch: bool) -> impl Workload {
    let despawn = move |world: &mut ecs::World, ids: &[_]| match batch {
        true => world.despawn_batch(ids).unwrap(),
        false => ids.iter().for_each(|id| world.despawn(*id).unwrap()),
    };
    replaced(
        worlds::ours::with_ids(population::moving(n)),
        despawn,
        |world, count| world.spawn_batch(repeat_n(newcomer(), count)),
        |world| world.query::<&Position>().count(),
    )
}

fn bevy_replaced(n: usize) -> impl Workload {
    replaced(
        worlds::bevy::with_ids(population::moving(n)),
        |world, ids| ids.iter().for_each(|id| assert!(world.despawn(*id))),
        |world, count| world.spawn_batch(repeat_n(newcomer(), count)).collect(),
        |world| world.query::<&Position>().iter(world).count(),
    )
}

fn hecs_replaced(n: usize) -> impl Workload {
    replaced(
        worlds::hecs::with_ids(population::moving(n)),
        |world, ids| ids.iter().for_each(|id| world.despawn(*id).unwrap()),
        |world, count| world.spawn_batch(repeat_n(newcomer(), count)).collect(),
        |world| world.query_mut::<&Position>().into_iter().count(),
    )
}
