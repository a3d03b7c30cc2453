use ecs_derive::Bundle;

#[derive(Bundle)]
#[bundle(crate = ecs_core)]
struct Mover {
    speed: f32,
}

fn main() {}
