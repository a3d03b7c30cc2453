use ecs_derive::Component;

#[derive(Component)]
#[component(crate = ecs_core)]
struct Unsaved(u8);

fn main() {}
