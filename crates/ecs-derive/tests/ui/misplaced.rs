use ecs_derive::{Bundle, Component};

#[derive(Component)]
#[component(crate = ecs_core, transient)]
enum Either {
    #[component(name = "one")]
    One,
}

#[derive(Bundle)]
#[bundle(crate = ecs_core)]
struct Mover {
    #[bundle(skip)]
    either: Either,
}

fn main() {}
