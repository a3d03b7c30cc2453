//! Who lost a value is known of tracked components alone.
use ecs_core::{Component, Description};
use ecs_world::{RemovedComponents, Schedule};

struct Plain;
impl Component for Plain {
    fn describe() -> Description<Self> {
        Description::transient("Plain")
    }
}

fn main() {
    Schedule::new().add_system(|_: RemovedComponents<Plain>| {});
}
