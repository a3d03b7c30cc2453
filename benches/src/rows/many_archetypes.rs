//! Many archetypes: combinations of markers, some with a value.

use crate::compare::{Row, Size, Workload, steady};
use crate::components::{Data, letters};
use crate::worlds;

/// Which archetypes there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) archetypes: usize,
    /// Entities of each.
    pub(crate) entities: usize,
    /// One in so many archetypes has a value, the first one among them.
    pub(crate) rarity: usize,
}

/// All of them match.
pub(super) fn wide_frag(size: Size) -> Row {
    let shape = Shape { archetypes: size.of(1_000), entities: size.of(100), rarity: 1 };
    Row::new("wide_frag", "1,000 archetypes of 100 entities, all match", shape.matching())
        .with("limit/tables", move || limit(shape))
        .with("ecs/prepared", move || ours_prepared(shape))
        .with("ecs/one_shot", move || ours_one_shot(shape))
        .with("bevy/prepared", move || bevy_prepared(shape))
        .with("hecs/prepared", move || hecs_prepared(shape))
        .with("hecs/one_shot", move || hecs_one_shot(shape))
        .with("flecs/cached", move || flecs_cached(shape))
        .with("legion/prepared", move || legion_prepared(shape))
        .with("shipyard/view", move || shipyard(shape))
        .with("specs/join", move || specs(shape))
        .with("sparsey/for_each", move || sparsey(shape))
}

/// Few of them match.
pub(super) fn sparse_match(size: Size) -> Row {
    let shape = Shape { archetypes: size.of(1_000), entities: size.of(100), rarity: 100 };
    let about = "1,000 archetypes of 100 entities, of which 10 match";
    Row::new("sparse_match", about, shape.matching())
        .with("limit/tables", move || limit(shape))
        .with("ecs/prepared", move || ours_prepared(shape))
        .with("ecs/one_shot", move || ours_one_shot(shape))
        .with("bevy/prepared", move || bevy_prepared(shape))
        .with("bevy/one_shot", move || bevy_one_shot(shape))
        .with("hecs/prepared", move || hecs_prepared(shape))
        .with("hecs/one_shot", move || hecs_one_shot(shape))
        .with("flecs/cached", move || flecs_cached(shape))
        .with("flecs/one_shot", move || flecs_one_shot(shape))
        .with("legion/prepared", move || legion_prepared(shape))
        .with("legion/one_shot", move || legion_one_shot(shape))
        .with("shipyard/view", move || shipyard(shape))
        .with("specs/join", move || specs(shape))
        .with("sparsey/for_each", move || sparsey(shape))
}

impl Shape {
    /// Returns, for every entity, which markers it has, as bits, and whether it
    /// has a value.
    fn all(self) -> impl Iterator<Item = (usize, bool)> {
        self.kinds().flat_map(move |kind| std::iter::repeat_n(kind, self.entities))
    }

    /// Returns the same for every archetype.
    fn kinds(self) -> impl Iterator<Item = (usize, bool)> {
        (0..self.archetypes).map(move |n| (n, n % self.rarity == 0))
    }

    /// Returns how many entities have a value.
    pub(crate) fn matching(self) -> usize {
        self.archetypes.div_ceil(self.rarity) * self.entities
    }
}

/// For A: `if $bits & 1 == 1 { let $marker = A(0.0); $insert; }`; and so on.
macro_rules! insert_markers {
    ($bits:expr, |$marker:ident| $insert:expr) => {
        insert_markers!(
            $bits, |$marker| $insert,
            A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15, Q 16
        )
    };
    ($bits:expr, |$marker:ident| $insert:expr, $($letter:ident $bit:literal),*) => {
        $(if ($bits >> $bit) & 1 == 1 {
            let $marker = $crate::letters::$letter(0.0);
            $insert;
        })*
    };
}
pub(crate) use insert_markers;

fn touch(data: &mut Data) {
    data.0 += 1.0;
}

pub(crate) fn sum<'a>(data: impl IntoIterator<Item = &'a Data>) -> f64 {
    data.into_iter().map(|data| f64::from(data.0)).sum()
}

pub(crate) fn limit(shape: Shape) -> impl Workload {
    let tables = shape.archetypes.div_ceil(shape.rarity);
    steady(
        vec![vec![Data(1.0); shape.entities]; tables],
        |tables| {
            for table in tables.iter_mut() {
                table.iter_mut().for_each(touch);
            }
        },
        |tables| sum(tables.iter().flatten()),
    )
}

/// Makes each archetype at once, and returns the entities in order.
pub(crate) fn ours_ids(shape: Shape) -> (ecs::World, Vec<ecs::EntityId>) {
    use ecs::{ErasedVec, Storage};
    let mut world = ecs::World::new();
    let mut ids = Vec::new();
    for (markers, has_value) in shape.kinds() {
        let mut columns = Vec::new();
        insert_markers!(markers, |marker| {
            columns.push(ErasedVec::from_vec(vec![marker; shape.entities]));
        });
        if has_value {
            columns.push(ErasedVec::from_vec(vec![Data(1.0); shape.entities]));
        }
        world.storage_mut().create_columns(columns, &mut ids).unwrap();
    }
    (world, ids)
}

/// With the columns of all archetypes side by side.
fn ours_world(shape: Shape) -> ecs::World {
    let mut world = ours_ids(shape).0;
    world.storage_mut().shrink_to_fit();
    world
}

pub(crate) fn ours_prepared(shape: Shape) -> impl Workload {
    steady(
        (ours_world(shape), ecs::QueryState::<&mut Data>::new()),
        |(world, query)| query.query_mut(world.storage_mut()).for_each(touch),
        |(world, _)| sum(world.query::<&Data>().iter()),
    )
}

fn ours_one_shot(shape: Shape) -> impl Workload {
    steady(
        ours_world(shape),
        |world| world.query_mut::<&mut Data>().for_each(touch),
        |world| sum(world.query::<&Data>().iter()),
    )
}

pub(crate) fn bevy_world(shape: Shape) -> bevy_ecs::world::World {
    let mut world = bevy_ecs::world::World::new();
    for (markers, has_value) in shape.all() {
        let mut entity = world.spawn_empty();
        insert_markers!(markers, |marker| entity.insert(marker));
        if has_value {
            entity.insert(Data(1.0));
        }
    }
    world
}

fn bevy_prepared(shape: Shape) -> impl Workload {
    let mut world = bevy_world(shape);
    let query = world.query::<&mut Data>();
    steady(
        (world, query),
        |(world, query)| query.iter_mut(world).for_each(|mut data| touch(&mut data)),
        |(world, _)| sum(world.query::<&Data>().iter(world)),
    )
}

fn bevy_one_shot(shape: Shape) -> impl Workload {
    steady(
        bevy_world(shape),
        |world| {
            let mut query = world.query::<&mut Data>();
            query.iter_mut(world).for_each(|mut data| touch(&mut data));
        },
        |world| sum(world.query::<&Data>().iter(world)),
    )
}

pub(crate) fn hecs_world(shape: Shape) -> hecs::World {
    let mut world = hecs::World::new();
    for (markers, has_value) in shape.all() {
        let mut entity = hecs::EntityBuilder::new();
        insert_markers!(markers, |marker| entity.add(marker));
        if has_value {
            entity.add(Data(1.0));
        }
        world.spawn(entity.build());
    }
    world
}

fn hecs_prepared(shape: Shape) -> impl Workload {
    steady(
        (hecs_world(shape), hecs::PreparedQuery::<&mut Data>::new()),
        |(world, query)| query.query_mut(world).for_each(touch),
        |(world, _)| sum(world.query_mut::<&Data>()),
    )
}

fn hecs_one_shot(shape: Shape) -> impl Workload {
    steady(
        hecs_world(shape),
        |world| world.query_mut::<&mut Data>().into_iter().for_each(touch),
        |world| sum(world.query_mut::<&Data>()),
    )
}

fn flecs_world(shape: Shape) -> flecs_ecs::prelude::World {
    let world = flecs_ecs::prelude::World::new();
    for (markers, has_value) in shape.all() {
        let entity = world.entity();
        insert_markers!(markers, |marker| entity.set(marker));
        if has_value {
            entity.set(Data(1.0));
        }
    }
    world
}

fn flecs_sum(world: &flecs_ecs::prelude::World) -> f64 {
    use flecs_ecs::prelude::QueryAPI;
    let mut total = 0.0;
    world.new_query::<&Data>().each(|data| total += f64::from(data.0));
    total
}

fn flecs_cached(shape: Shape) -> impl Workload {
    use flecs_ecs::prelude::*;
    let world = flecs_world(shape);
    let query = world.query::<&mut Data>().set_cached().build();
    steady((query, world), |(query, _)| query.each(touch), |(_, world)| flecs_sum(world))
}

fn flecs_one_shot(shape: Shape) -> impl Workload {
    use flecs_ecs::prelude::QueryAPI;
    steady(
        flecs_world(shape),
        |world| world.new_query::<&mut Data>().each(touch),
        |world| flecs_sum(world),
    )
}

fn legion_world(shape: Shape) -> legion::World {
    let mut world = legion::World::default();
    for (markers, has_value) in shape.all() {
        let id = world.push(());
        let mut entity = world.entry(id).unwrap();
        insert_markers!(markers, |marker| entity.add_component(marker));
        if has_value {
            entity.add_component(Data(1.0));
        }
    }
    world.pack(legion::storage::PackOptions::force());
    world
}

fn legion_prepared(shape: Shape) -> impl Workload {
    use legion::IntoQuery;
    steady(
        (legion_world(shape), <&mut Data>::query()),
        |(world, query)| query.for_each_mut(world, touch),
        |(world, _)| sum(<&Data>::query().iter(world)),
    )
}

fn legion_one_shot(shape: Shape) -> impl Workload {
    use legion::IntoQuery;
    steady(
        legion_world(shape),
        |world| <&mut Data>::query().for_each_mut(world, touch),
        |world| sum(<&Data>::query().iter(world)),
    )
}

fn shipyard(shape: Shape) -> impl Workload {
    use shipyard::{IntoIter, View, ViewMut, World};
    let mut world = World::new();
    for (markers, has_value) in shape.all() {
        let id = world.add_entity(());
        insert_markers!(markers, |marker| world.add_component(id, (marker,)));
        if has_value {
            world.add_component(id, (Data(1.0),));
        }
    }
    steady(
        world,
        |world| {
            world.run(|mut data: ViewMut<'_, Data>| {
                (&mut data).iter().for_each(touch);
            });
        },
        |world| world.run(|data: View<'_, Data>| sum((&data).iter())),
    )
}

fn specs(shape: Shape) -> impl Workload {
    use letters::{A, B, C, D, E, F, G, H, I, J};
    use specs::{Builder, Join, World, WorldExt};
    let mut world = World::new();
    worlds::specs::register::<(A, B, C, D)>(&mut world);
    worlds::specs::register::<(E, F, G, H)>(&mut world);
    worlds::specs::register::<(I, J, Data)>(&mut world);
    for (markers, has_value) in shape.all() {
        let mut entity = world.create_entity();
        insert_markers!(markers, |marker| entity = entity.with(marker));
        if has_value {
            entity = entity.with(Data(1.0));
        }
        entity.build();
    }
    steady(
        world,
        |world| (&mut world.write_storage::<Data>()).join().for_each(touch),
        |world| sum(world.read_storage::<Data>().join()),
    )
}

fn sparsey(shape: Shape) -> impl Workload {
    use letters::{A, B, C, D, E, F, G, H, I, J};
    let mut world = sparsey::World::default();
    worlds::sparsey::register::<(A, B, C, D, E, F)>(&mut world);
    worlds::sparsey::register::<(G, H, I, J, Data)>(&mut world);
    for (markers, has_value) in shape.all() {
        let id = world.create(());
        insert_markers!(markers, |marker| world.insert(id, (marker,)));
        if has_value {
            world.insert(id, (Data(1.0),));
        }
    }
    steady(
        world,
        |world| world.for_each::<&mut Data>(touch),
        |world| {
            let mut total = 0.0;
            world.for_each::<&Data>(|data| total += f64::from(data.0));
            total
        },
    )
}
