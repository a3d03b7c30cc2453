//! Every entity gets a component, and then loses it again.

use std::iter::repeat;

use bevy_ecs::entity::Entity;
use bevy_ecs::world::World;

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
        .with("flecs/set_remove", move || flecs(n))
        .with("legion/entry", move || legion(n))
        .with("shipyard/views", move || shipyard(n))
        .with("specs/storages", move || specs(n))
        .with("sparsey/insert_remove", move || sparsey(n))
}

/// One call for all, where the engine has one; sparse sets need none.
pub(super) fn batch(size: Size) -> Row {
    let n = size.of(10_000);
    Row::new("add_remove_batch", "insert a component, then remove it, as batches", n)
        .with("ecs/batch", move || ours_batch(n))
        .with("bevy/insert_batch", move || bevy_batch(n))
        .with("shipyard/views", move || shipyard(n))
        .with("specs/storages", move || specs(n))
        .with("sparsey/insert_remove", move || sparsey(n))
}

pub(super) fn population(n: usize) -> impl ExactSizeIterator<Item = (A,)> {
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
    come_and_go(world, ids, insert, remove, ours_count)
}

fn ours_count(world: &mut ecs::World) -> (usize, f64) {
    let sum = world.query::<&A>().iter().map(|a| f64::from(a.0)).sum();
    (world.query::<&B>().count(), sum)
}

fn ours_batch(n: usize) -> impl Workload {
    let (world, ids) = worlds::ours::with_ids(population(n));
    let insert = |world: &mut ecs::World, ids: &[_]| {
        world.insert_batch(ids, repeat(B(0.0))).unwrap();
    };
    let remove = |world: &mut ecs::World, ids: &[_]| {
        world.remove_batch::<B>(ids).unwrap();
    };
    come_and_go(world, ids, insert, remove, ours_count)
}

fn bevy(n: usize) -> impl Workload {
    let (world, ids) = worlds::bevy::with_ids(population(n));
    let insert = |world: &mut World, ids: &[Entity]| {
        for &id in ids {
            world.entity_mut(id).insert(B(0.0));
        }
    };
    come_and_go(world, ids, insert, bevy_remove, bevy_count)
}

/// It can insert into many, but not remove from many.
fn bevy_batch(n: usize) -> impl Workload {
    let (world, ids) = worlds::bevy::with_ids(population(n));
    let insert = |world: &mut World, ids: &[Entity]| {
        world.insert_batch(ids.iter().map(|&id| (id, B(0.0))));
    };
    come_and_go(world, ids, insert, bevy_remove, bevy_count)
}

fn bevy_remove(world: &mut World, ids: &[Entity]) {
    for &id in ids {
        world.entity_mut(id).remove::<B>();
    }
}

fn bevy_count(world: &mut World) -> (usize, f64) {
    let sum = world.query::<&A>().iter(world).map(|a| f64::from(a.0)).sum();
    (world.query::<&B>().iter(world).count(), sum)
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

fn flecs(n: usize) -> impl Workload {
    use flecs_ecs::prelude::{ComponentId, Entity, QueryAPI, World};
    let (world, ids) = worlds::flecs::with_ids(population(n));
    let insert = |world: &mut World, ids: &[Entity]| {
        for &id in ids {
            world.entity_from_id(id).set(B(0.0));
        }
    };
    let remove = |world: &mut World, ids: &[Entity]| {
        for &id in ids {
            world.entity_from_id(id).remove(B::id());
        }
    };
    come_and_go(world, ids, insert, remove, |world| {
        let (mut count, mut sum) = (0, 0.0);
        world.new_query::<&A>().each(|a| sum += f64::from(a.0));
        world.new_query::<&B>().each(|_| count += 1);
        (count, sum)
    })
}

fn legion(n: usize) -> impl Workload {
    use legion::{Entity, IntoQuery, World};
    let (world, ids) = worlds::legion::with_ids(population(n));
    let insert = |world: &mut World, ids: &[Entity]| {
        for &id in ids {
            world.entry(id).unwrap().add_component(B(0.0));
        }
    };
    let remove = |world: &mut World, ids: &[Entity]| {
        for &id in ids {
            world.entry(id).unwrap().remove_component::<B>();
        }
    };
    come_and_go(world, ids, insert, remove, |world| {
        let sum = <&A>::query().iter(world).map(|a| f64::from(a.0)).sum();
        (<&B>::query().iter(world).count(), sum)
    })
}

/// Its storages are borrowed once, as its performance tips say.
fn shipyard(n: usize) -> impl Workload {
    use shipyard::{EntitiesView, EntityId, IntoIter, Remove, View, ViewMut, World};
    let (world, ids) = worlds::shipyard::with_ids(population(n));
    let insert = |world: &mut World, ids: &[EntityId]| {
        world.run(|entities: EntitiesView<'_>, mut bs: ViewMut<'_, B>| {
            for &id in ids {
                entities.add_component(id, &mut bs, B(0.0));
            }
        });
    };
    let remove = |world: &mut World, ids: &[EntityId]| {
        world.run(|mut bs: ViewMut<'_, B>| {
            for &id in ids {
                bs.remove(id);
            }
        });
    };
    come_and_go(world, ids, insert, remove, |world| {
        world.run(|a: View<'_, A>, b: View<'_, B>| {
            ((&b).iter().count(), (&a).iter().map(|a| f64::from(a.0)).sum())
        })
    })
}

/// Its storages are fetched once, as a system does.
fn specs(n: usize) -> impl Workload {
    use specs::{Entity, Join, World, WorldExt};
    let (mut world, ids) = worlds::specs::with_ids(population(n));
    world.register::<B>();
    let insert = |world: &mut World, ids: &[Entity]| {
        let mut storage = world.write_storage::<B>();
        for &id in ids {
            storage.insert(id, B(0.0)).unwrap();
        }
    };
    let remove = |world: &mut World, ids: &[Entity]| {
        let mut storage = world.write_storage::<B>();
        for &id in ids {
            storage.remove(id);
        }
    };
    come_and_go(world, ids, insert, remove, |world| {
        let sum = world.read_storage::<A>().join().map(|a| f64::from(a.0)).sum();
        (world.read_storage::<B>().join().count(), sum)
    })
}

fn sparsey(n: usize) -> impl Workload {
    use sparsey::World;
    use sparsey::entity::Entity;
    let mut world = World::default();
    worlds::sparsey::register::<(A, B)>(&mut world);
    let ids = world.extend(population(n)).to_vec();
    let insert = |world: &mut World, ids: &[Entity]| {
        for &id in ids {
            world.insert(id, (B(0.0),));
        }
    };
    let remove = |world: &mut World, ids: &[Entity]| {
        for &id in ids {
            world.delete::<(B,)>(id);
        }
    };
    come_and_go(world, ids, insert, remove, |world| {
        let (mut count, mut sum) = (0, 0.0);
        world.for_each::<&A>(|a| sum += f64::from(a.0));
        world.for_each::<&B>(|_| count += 1);
        (count, sum)
    })
}
