use ecs_derive::Component;
use ecs_world::World;

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Health(u32);

fn main() {
    let mut world = World::new();
    let hero = world.spawn(Health(1));
    let health = world.get::<Health>(hero).unwrap();
    world.despawn(hero).unwrap();
    println!("{}", health.0);
}
