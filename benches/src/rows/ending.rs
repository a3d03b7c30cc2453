//! Entities that end, and others that take their place.

use super::by_hand::{Id, Moving};
use crate::compare::{Row, Size, Workload, fresh, steady};
use crate::components::{Position, Velocity};
use crate::{population, shuffled, sums, worlds};

/// One by one, in the order in which they were made.
pub(super) fn despawn(size: Size) -> Row {
    let n = size.of(100_000);
    Row::new("despawn", "100k entities one by one", n)
        .with("limit/table", move || limit_despawn(n))
        .with("ecs/despawn", move || ours_despawn(n))
        .with("bevy/despawn", move || bevy_despawn(n))
        .with("hecs/despawn", move || hecs_despawn(n))
        .with("flecs/destruct", move || flecs_despawn(n))
        .with("legion/remove", move || legion_despawn(n))
        .with("shipyard/delete_entity", move || shipyard_despawn(n))
        .with("shipyard/views", move || shipyard_views(n))
        .with("specs/delete_entity", move || specs_despawn(n))
        .with("sparsey/destroy", move || sparsey_despawn(n))
}

/// One call for all; engines without one are left out.
pub(super) fn despawn_batch(size: Size) -> Row {
    let n = size.of(100_000);
    Row::new("despawn_batch", "100k entities as a batch", n)
        .with("limit/table", move || limit_despawn(n))
        .with("ecs/despawn_batch", move || ours_despawn_batch(n))
        .with("flecs/delete_entities_with", move || flecs_despawn_batch(n))
        .with("specs/delete_entities", move || specs_despawn_batch(n))
}

/// Each entity, without order, is replaced by a new one.
pub(super) fn churn(size: Size) -> Row {
    let n = size.of(100_000);
    Row::new("churn", "100k times despawn without order and spawn", n)
        .with("limit/table", move || limit_churn(n))
        .with("ecs/despawn_spawn", move || ours_churn(n))
        .with("bevy/despawn_spawn", move || bevy_churn(n))
        .with("hecs/despawn_spawn", move || hecs_churn(n))
        .with("flecs/destruct_set", move || flecs_churn(n))
        .with("legion/remove_push", move || legion_churn(n))
        .with("shipyard/delete_add", move || shipyard_churn(n))
        .with("specs/delete_create", move || specs_churn(n))
        .with("sparsey/destroy_create", move || sparsey_churn(n))
}

/// Every round begins with a full world, and ends with one without positions.
fn emptying<W, I>(
    make: impl Fn() -> (W, Vec<I>),
    end: impl Fn(&mut W, &[I]),
    left: impl Fn(&mut W) -> f64,
) -> impl Workload {
    fresh(make, move |(world, ids)| end(world, ids), move |(world, _), ()| left(world))
}

/// Every entity is replaced, over and over.
fn replacing<W, I: Copy>(
    (world, ids): (W, Vec<I>),
    replace: impl Fn(&mut W, I) -> I,
    sum: impl Fn(&mut W) -> f64,
) -> impl Workload {
    steady(
        (world, shuffled(ids)),
        move |(world, ids)| {
            for id in ids {
                *id = replace(world, *id);
            }
        },
        move |(world, _)| sum(world),
    )
}

pub(super) fn newcomer() -> (Position, Velocity) {
    (Position([3.0; 3]), Velocity([1.0; 3]))
}

fn limit_despawn(n: usize) -> impl Workload {
    emptying(
        move || Moving::filled(n),
        |table, ids| {
            for &id in ids {
                table.remove(id).unwrap();
            }
        },
        |table| sums::positions(table.positions()),
    )
}

fn limit_churn(n: usize) -> impl Workload {
    replacing(
        Moving::filled(n),
        |table, id: Id| {
            table.remove(id).unwrap();
            table.push(newcomer())
        },
        |table| sums::positions(table.positions()),
    )
}

fn ours_despawn(n: usize) -> impl Workload {
    emptying(
        move || worlds::ours::with_ids(population::moving(n)),
        |world, ids| {
            for &id in ids {
                world.despawn(id).unwrap();
            }
        },
        |world| worlds::ours::positions(world),
    )
}

fn ours_despawn_batch(n: usize) -> impl Workload {
    emptying(
        move || worlds::ours::with_ids(population::moving(n)),
        |world, ids| world.despawn_batch(ids).unwrap(),
        |world| worlds::ours::positions(world),
    )
}

fn ours_churn(n: usize) -> impl Workload {
    replacing(
        worlds::ours::with_ids(population::moving(n)),
        |world, id| {
            world.despawn(id).unwrap();
            world.spawn(newcomer())
        },
        |world| worlds::ours::positions(world),
    )
}

fn bevy_despawn(n: usize) -> impl Workload {
    emptying(
        move || worlds::bevy::with_ids(population::moving(n)),
        |world, ids| {
            for &id in ids {
                assert!(world.despawn(id));
            }
        },
        worlds::bevy::positions,
    )
}

fn bevy_churn(n: usize) -> impl Workload {
    replacing(
        worlds::bevy::with_ids(population::moving(n)),
        |world, id| {
            assert!(world.despawn(id));
            world.spawn(newcomer()).id()
        },
        worlds::bevy::positions,
    )
}

fn hecs_despawn(n: usize) -> impl Workload {
    emptying(
        move || worlds::hecs::with_ids(population::moving(n)),
        |world, ids| {
            for &id in ids {
                world.despawn(id).unwrap();
            }
        },
        worlds::hecs::positions,
    )
}

fn hecs_churn(n: usize) -> impl Workload {
    replacing(
        worlds::hecs::with_ids(population::moving(n)),
        |world, id| {
            world.despawn(id).unwrap();
            world.spawn(newcomer())
        },
        worlds::hecs::positions,
    )
}

fn flecs_despawn(n: usize) -> impl Workload {
    emptying(
        move || worlds::flecs::with_ids(population::moving(n)),
        |world, ids| {
            for &id in ids {
                world.entity_from_id(id).destruct();
            }
        },
        |world| worlds::flecs::positions(world),
    )
}

fn flecs_despawn_batch(n: usize) -> impl Workload {
    use flecs_ecs::prelude::ComponentId;
    emptying(
        move || worlds::flecs::with_ids(population::moving(n)),
        |world, _| world.delete_entities_with(Position::id()),
        |world| worlds::flecs::positions(world),
    )
}

fn flecs_churn(n: usize) -> impl Workload {
    replacing(
        worlds::flecs::with_ids(population::moving(n)),
        |world, id| {
            world.entity_from_id(id).destruct();
            let (position, velocity) = newcomer();
            *world.entity().set(position).set(velocity)
        },
        |world| worlds::flecs::positions(world),
    )
}

fn legion_despawn(n: usize) -> impl Workload {
    emptying(
        move || worlds::legion::with_ids(population::moving(n)),
        |world, ids| {
            for &id in ids {
                assert!(world.remove(id));
            }
        },
        |world| worlds::legion::positions(world),
    )
}

fn legion_churn(n: usize) -> impl Workload {
    replacing(
        worlds::legion::with_ids(population::moving(n)),
        |world, id| {
            assert!(world.remove(id));
            world.push(newcomer())
        },
        |world| worlds::legion::positions(world),
    )
}

fn shipyard_despawn(n: usize) -> impl Workload {
    emptying(
        move || worlds::shipyard::with_ids(population::moving(n)),
        |world, ids| {
            for &id in ids {
                assert!(world.delete_entity(id));
            }
        },
        |world| worlds::shipyard::positions(world),
    )
}

/// Looks only into the storages that are known to matter, as its performance
/// tips say.
fn shipyard_views(n: usize) -> impl Workload {
    use shipyard::{Delete, EntitiesViewMut, ViewMut};
    emptying(
        move || worlds::shipyard::with_ids(population::moving(n)),
        |world, ids| {
            world.run(
                |mut entities: EntitiesViewMut<'_>,
                 mut positions: ViewMut<'_, Position>,
                 mut velocities: ViewMut<'_, Velocity>| {
                    for &id in ids {
                        (&mut positions, &mut velocities).delete(id);
                        assert!(entities.delete_unchecked(id));
                    }
                },
            );
        },
        |world| worlds::shipyard::positions(world),
    )
}

fn shipyard_churn(n: usize) -> impl Workload {
    replacing(
        worlds::shipyard::with_ids(population::moving(n)),
        |world, id| {
            assert!(world.delete_entity(id));
            world.add_entity(newcomer())
        },
        |world| worlds::shipyard::positions(world),
    )
}

fn specs_despawn(n: usize) -> impl Workload {
    use specs::WorldExt;
    emptying(
        move || worlds::specs::with_ids(population::moving(n)),
        |world, ids| {
            for &id in ids {
                world.delete_entity(id).unwrap();
            }
        },
        |world| worlds::specs::positions(world),
    )
}

fn specs_despawn_batch(n: usize) -> impl Workload {
    use specs::WorldExt;
    emptying(
        move || worlds::specs::with_ids(population::moving(n)),
        |world, ids| world.delete_entities(ids).unwrap(),
        |world| worlds::specs::positions(world),
    )
}

fn specs_churn(n: usize) -> impl Workload {
    use crate::worlds::specs::Bundle;
    use specs::WorldExt;
    replacing(
        worlds::specs::with_ids(population::moving(n)),
        |world, id| {
            world.delete_entity(id).unwrap();
            newcomer().build(world.create_entity())
        },
        |world| worlds::specs::positions(world),
    )
}

fn sparsey_despawn(n: usize) -> impl Workload {
    emptying(
        move || worlds::sparsey::ungrouped(population::moving(n)),
        |world, ids| {
            for &id in ids {
                assert!(world.destroy(id));
            }
        },
        |world| worlds::sparsey::positions(world),
    )
}

fn sparsey_churn(n: usize) -> impl Workload {
    replacing(
        worlds::sparsey::ungrouped(population::moving(n)),
        |world, id| {
            assert!(world.destroy(id));
            world.create(newcomer())
        },
        |world| worlds::sparsey::positions(world),
    )
}
