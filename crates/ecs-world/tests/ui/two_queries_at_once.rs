use ecs_derive::Component;
use ecs_world::World;

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Health(u32);

fn main() {
    let mut world = World::new();
    let first = world.query_mut::<&mut Health>();
    let second = world.query_mut::<&mut Health>();
    println!("{}", first.count() + second.count());
}
