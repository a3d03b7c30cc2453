use ecs_derive::SystemParam;

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
enum Either {
    One,
}

fn main() {}
