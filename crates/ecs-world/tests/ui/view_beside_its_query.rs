//! While a view lends values for writing, its query lends none.
use ecs_core::{Component, Description};
use ecs_world::World;

struct Health(u32);
impl Component for Health {
    fn describe() -> Description<Self> {
        Description::transient("ui::Health")
    }
}

fn main() {
    let mut world = World::new();
    let hero = world.spawn(Health(1));
    let mut query = world.query_mut::<&mut Health>();
    let mut view = query.view_mut();
    for health in &mut query {
        health.0 += view.get_mut(hero).unwrap().0;
    }
}
