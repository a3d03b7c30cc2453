use ecs_derive::SystemParam;
use ecs_world::Res;

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
struct Physics<'w> {
    gravity: Res<'w, f32>,
    #[system_param(default)]
    steps: u32,
}

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
struct Plain {
    steps: u32,
}

#[derive(SystemParam)]
#[system_param(krate = ecs_world)]
struct Odd;

fn main() {}
