use ecs_derive::SystemParam;
use ecs_world::{Local, SystemParam};

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
struct Any<'w, P: SystemParam> {
    param: P,
    local: Local<'w, u8>,
}

fn main() {}
