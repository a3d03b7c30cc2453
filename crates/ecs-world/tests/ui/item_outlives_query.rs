use ecs_derive::Component;
use ecs_world::World;

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Health(u32);

fn main() {
    let mut world = World::new();
    let mut query = world.query_mut::<&mut Health>();
    let first = query.iter_mut().next();
    let again = query.iter_mut().next();
    println!("{} {}", first.is_some(), again.is_some());
}
