//! First steps: components, a world, a system, a resource.

use ecs::prelude::*;

#[derive(Component, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[component(name = "first_steps::Position")]
struct Position {
    x: f32,
    y: f32,
}

#[derive(Component, Clone, Debug, serde::Serialize, serde::Deserialize)]
#[component(name = "first_steps::Velocity")]
struct Velocity {
    x: f32,
    y: f32,
}

/// Something of the world that belongs to no entity.
struct Gravity(f32);

fn fall(gravity: Res<Gravity>, mut bodies: Query<&mut Velocity>) {
    bodies.for_each(|velocity| velocity.y -= gravity.0);
}

fn movement(mut bodies: Query<(&mut Position, &Velocity)>) {
    bodies.for_each(|(position, velocity)| {
        position.x += velocity.x;
        position.y += velocity.y;
    });
}

fn main() {
    let mut world = World::new();
    world.insert_resource(Gravity(1.0));

    let ball = world.spawn((Position { x: 0.0, y: 10.0 }, Velocity { x: 1.0, y: 0.0 }));
    let house = world.spawn(Position { x: 5.0, y: 0.0 });

    let mut schedule = Schedule::new();
    schedule.add_system(fall);
    schedule.add_system(movement);
    for _ in 0..3 {
        schedule.run(&mut world);
    }

    for (entity, position) in world.query::<(EntityId, &Position)>().iter() {
        println!("{entity} is at {position:?}");
    }
    assert_eq!(world.get::<Position>(ball), Some(&Position { x: 3.0, y: 4.0 }));
    assert_eq!(world.get::<Position>(house), Some(&Position { x: 5.0, y: 0.0 }));
}
