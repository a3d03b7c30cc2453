//! When a value came is known of tracked components alone.
use ecs_core::{Component, Description};
use ecs_storage_api::Added;
use ecs_world::World;

struct Plain;
impl Component for Plain {
    fn describe() -> Description<Self> {
        Description::transient("Plain")
    }
}

fn main() {
    World::new().query_filtered_mut::<&Plain, Added<Plain>>();
}
