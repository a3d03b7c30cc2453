use ecs_derive::Component;
use serde::{Deserialize, Serialize};

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core)]
struct Tag<T>(T);

struct Unsaved;

fn main() {
    ecs_core::ComponentId::of::<Tag<Unsaved>>();
}
