use ecs_derive::Component;

#[derive(Component)]
#[component(crate = ecs_core, transient, name = "")]
struct Nameless;

#[derive(Component)]
#[component(crate = ecs_core, transient, name = "one", name = "two")]
struct Renamed;

fn main() {}
