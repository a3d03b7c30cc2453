use ecs_derive::Component;

#[derive(Component, Clone, Copy)]
#[component(crate = ecs_core, pod)]
#[repr(C)]
struct Padded(u8, u32);

fn main() {}
