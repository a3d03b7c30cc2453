use ecs_derive::Component;

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Borrowed<'a>(&'a u8);

fn main() {}
