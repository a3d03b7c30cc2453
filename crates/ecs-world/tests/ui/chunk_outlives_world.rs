use ecs_derive::Component;
use ecs_world::World;

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Health(u32);

fn main() {
    let health = {
        let world = World::new();
        let query = world.query::<&Health>();
        query.chunks().next().unwrap().into_slices()
    };
    println!("{}", health.len());
}
