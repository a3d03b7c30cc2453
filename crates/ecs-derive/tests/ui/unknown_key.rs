use ecs_derive::Component;

#[derive(Component)]
#[component(crate = ecs_core, sparse)]
struct Odd(u8);

fn main() {}
