//! Every entity gets a component, and then loses it again.

use super::by_hand::{Id, Places};
use crate::compare::{Row, Size, Workload, steady};
use crate::components::{A, B};
use crate::worlds;

/// One by one.
pub(super) fn one_by_one(size: Size) -> Row {
    let n = size.of(10_000);
    Row::new("add_remove", "insert a component, then remove it, one by one", n)
        .with("limit/two_tables", move || limit(n))
        .with("ecs/insert_remove", move || ours(n))
        .with("bevy/insert_remove", move || bevy(n))
        .with("hecs/insert_remove", move || hecs(n))
}

fn population(n: usize) -> impl ExactSizeIterator<Item = (A,)> {
    (0..n).map(|number| (A(number as f32),))
}

/// One table of entities with `A` and one with `A` and `B`.
#[derive(Default)]
struct TwoTables {
    places: Places,
    without: (Vec<Id>, Vec<A>),
    with: (Vec<Id>, Vec<A>, Vec<B>),
}

impl TwoTables {
    fn spawn(&mut self, a: A) -> Id {
        let id = self.places.take(self.without.0.len());
        self.without.0.push(id);
        self.without.1.push(a);
        id
    }

    #[inline]
    fn insert(&mut self, id: Id, b: B) {
        let row = self.places.row(id).unwrap();
        self.without.0.swap_remove(row);
        let a = self.without.1.swap_remove(row);
        if let Some(&moved) = self.without.0.get(row) {
            self.places.moved(moved, row);
        }
        self.places.moved(id, self.with.0.len());
        self.with.0.push(id);
        self.with.1.push(a);
        self.with.2.push(b);
    }

    #[inline]
    fn remove(&mut self, id: Id) -> B {
        let row = self.places.row(id).unwrap();
        self.with.0.swap_remove(row);
        let a = self.with.1.swap_remove(row);
        let b = self.with.2.swap_remove(row);
        if let Some(&moved) = self.with.0.get(row) {
            self.places.moved(moved, row);
        }
        self.places.moved(id, self.without.0.len());
        self.without.0.push(id);
        self.without.1.push(a);
        b
    }
}

fn limit(n: usize) -> impl Workload {
    let mut tables = TwoTables::default();
    let ids: Vec<_> = population(n).map(|(a,)| tables.spawn(a)).collect();
    let insert = |tables: &mut TwoTables, ids: &[Id]| {
        for &id in ids {
            tables.insert(id, B(0.0));
        }
    };
    let remove = |tables: &mut TwoTables, ids: &[Id]| {
        for &id in ids {
            tables.remove(id);
        }
    };
    come_and_go(tables, ids, insert, remove, |tables| {
        (tables.with.0.len(), tables.without.1.iter().map(|a| f64::from(a.0)).sum())
    })
}

/// Inserts and removes; the check is between the two, and after.
fn come_and_go<W, I>(
    world: W,
    ids: Vec<I>,
    insert: fn(&mut W, &[I]),
    remove: fn(&mut W, &[I]),
    count: fn(&mut W) -> (usize, f64),
) -> impl Workload {
    steady(
        (world, ids),
        move |(world, ids)| {
            insert(world, ids);
            remove(world, ids);
        },
        move |(world, ids)| {
            insert(world, ids);
            let (with, _) = count(world);
            remove(world, ids);
            let (left, sum) = count(world);
            with as f64 * 1e3 + left as f64 + sum * 1e9
        },
    )
}

fn ours(n: usize) -> impl Workload {
    let (world, ids) = worlds::ours::with_ids(population(n));
    let insert = |world: &mut ecs::World, ids: &[_]| {
        for &id in ids {
            world.insert(id, B(0.0)).unwrap();
        }
    };
    let remove = |world: &mut ecs::World, ids: &[_]| {
        for &id in ids {
            world.remove::<B>(id).unwrap();
        }
    };
    come_and_go(world, ids, insert, remove, |world| {
        let sum = world.query::<&A>().iter().map(|a| f64::from(a.0)).sum();
        (world.query::<&B>().count(), sum)
    })
}

fn bevy(n: usize) -> impl Workload {
    use bevy_ecs::entity::Entity;
    use bevy_ecs::world::World;
    let (world, ids) = worlds::bevy::with_ids(population(n));
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
    come_and_go(world, ids, insert, remove, |world| {
        let sum = world.query::<&A>().iter(world).map(|a| f64::from(a.0)).sum();
        (world.query::<&B>().iter(world).count(), sum)
    })
}

fn hecs(n: usize) -> impl Workload {
    use hecs::World;
    let (world, ids) = worlds::hecs::with_ids(population(n));
    let insert = |world: &mut World, ids: &[_]| {
        for &id in ids {
            world.insert_one(id, B(0.0)).unwrap();
        }
    };
    let remove = |world: &mut World, ids: &[_]| {
        for &id in ids {
            world.remove_one::<B>(id).unwrap();
        }
    };
    come_and_go(world, ids, insert, remove, |world| {
        let sum = world.query::<&A>().iter().map(|a| f64::from(a.0)).sum();
        (world.query::<&B>().iter().count(), sum)
    })
}
