//! That something in a page changed is known of every component.
use ecs_core::{Component, Description};
use ecs_storage_api::Changed;
use ecs_world::World;

struct Plain;
impl Component for Plain {
    fn describe() -> Description<Self> {
        Description::transient("Plain")
    }
}

fn main() {
    let mut world = World::new();
    world.spawn(Plain);
    assert_eq!(world.query_filtered_mut::<&Plain, Changed<Plain>>().iter().count(), 1);
}
