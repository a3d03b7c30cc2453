//! Worlds whose hot paths are counted, ready before counting begins.

use bytemuck::{Pod, Zeroable};
use ecs::{Bundle, Changed, Component, EntityId, QueryState, World};

/// How many entities a world has, so that counts divide into counts an entity.
pub const ENTITIES: usize = 10_000;

/// A 4 x 4 matrix.
#[derive(Component, Clone, Copy, Debug, Pod, Zeroable)]
#[component(pod)]
#[repr(C)]
pub struct Transform(pub [f32; 16]);

/// Where something is.
#[derive(Component, Clone, Copy, Debug, Pod, Zeroable)]
#[component(pod)]
#[repr(C)]
pub struct Position(pub [f32; 3]);

/// How something is turned.
#[derive(Component, Clone, Copy, Debug, Pod, Zeroable)]
#[component(pod)]
#[repr(C)]
pub struct Rotation(pub [f32; 3]);

/// How fast something moves.
#[derive(Component, Clone, Copy, Debug, Pod, Zeroable)]
#[component(pod)]
#[repr(C)]
pub struct Velocity(pub [f32; 3]);

/// What stays when something comes or goes, and what all fragments have.
#[derive(Component, Clone, Copy, Debug, Pod, Zeroable)]
#[component(pod)]
#[repr(C)]
pub struct Stays(pub f32);

/// A value of which it is known when it changed, row by row.
#[derive(Component, Clone, Copy, Debug)]
#[component(transient, track)]
pub struct Noticed(pub f32);

/// What comes and goes.
#[derive(Component, Clone, Copy, Debug, Pod, Zeroable)]
#[component(pod)]
#[repr(C)]
pub struct Comes(pub f32);

/// One bit of an archetype's number: an archetype for every set of them.
#[derive(Component, Clone, Copy, Debug)]
#[component(transient)]
pub struct Bit<const PLACE: u8>;

/// The bundle of `spawn`.
pub fn simple() -> (Transform, Position, Rotation, Velocity) {
    (Transform([1.0; 16]), Position([1.0; 3]), Rotation([1.0; 3]), Velocity([1.0; 3]))
}

/// A world whose entities all have the same bundle, and their ids.
pub fn alike<B: Bundle>(bundle: impl Fn() -> B) -> (World, Vec<EntityId>) {
    let mut world = World::new();
    let made = world.spawn_batch((0..ENTITIES).map(|_| bundle()));
    (world, made)
}

/// Entities that had `Comes` once, or have it: either way the move is known.
pub fn coming_and_going(has: bool) -> (World, Vec<EntityId>) {
    let (mut world, made) = alike(|| Stays(0.0));
    for &entity in &made {
        world.insert(entity, Comes(0.0)).expect("it is alive");
    }
    if !has {
        for &entity in &made {
            world.remove::<Comes>(entity).expect("it is alive");
        }
    }
    (world, made)
}

/// Archetypes of `rows` entities each, all with `Stays`, those with a number
/// below `positioned` with `Position` too.
///
/// # Panics
/// If there are more than 1,024 archetypes.
pub fn fragments(archetypes: usize, rows: usize, positioned: usize) -> World {
    assert!(archetypes <= 1024, "ten bits number 1,024 archetypes");
    let mut world = World::new();
    for number in 0..archetypes {
        for _ in 0..rows {
            let entity = world.spawn(Stays(1.0));
            if number < positioned {
                world.insert(entity, Position([0.0; 3])).expect("it is alive");
            }
            set_bits(&mut world, entity, number);
        }
    }
    world
}

fn set_bits(world: &mut World, entity: EntityId, number: usize) {
    macro_rules! set {
        ($($place:literal)*) => {$(
            if number >> $place & 1 == 1 {
                world.insert(entity, Bit::<$place>).expect("it is alive");
            }
        )*};
    }
    set!(0 1 2 3 4 5 6 7 8 9);
}

/// A query that has run once over `world`.
pub fn prepared<D: ecs::QueryData>(mut world: World) -> (World, QueryState<D>) {
    let mut query = QueryState::new();
    query.query_mut(world.storage_mut()).for_each(|_| ());
    (world, query)
}

/// A world whose values were all looked at before every hundredth was written.
pub fn changed() -> (World, QueryState<&'static Noticed, Changed<Noticed>>) {
    let (mut world, made) = alike(|| Noticed(0.0));
    let mut query = QueryState::new();
    query.query(world.storage()).for_each(|_: &Noticed| ());
    for &entity in made.iter().step_by(100) {
        world.get_mut::<Noticed>(entity).expect("it is alive").0 = 1.0;
    }
    (world, query)
}

/// A world that was asked the query before.
pub fn asked<D: ecs::QueryData>(mut world: World) -> World {
    world.query_mut::<D>().for_each(|_| ());
    world
}

/// Adds a velocity to a position.
#[inline(always)]
pub fn step((position, velocity): (&mut Position, &Velocity)) {
    for (place, speed) in position.0.iter_mut().zip(velocity.0) {
        *place += speed;
    }
}
