use ecs_derive::Bundle;

#[derive(Bundle)]
#[bundle(crate = ecs_core)]
enum Either {
    One,
}

fn main() {}
