use ecs_derive::Component;
use ecs_world::World;

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Health(u32);

fn main() {
    let world = World::new();
    world.query::<&mut Health>().iter();
}
