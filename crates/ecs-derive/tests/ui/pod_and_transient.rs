use ecs_derive::Component;

#[derive(Component)]
#[component(crate = ecs_core, pod, transient)]
struct Both(u8);

fn main() {}
