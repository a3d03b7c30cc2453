//! What a view lends for writing is given back before the next is asked for.
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
    let first = view.get_mut(hero).unwrap();
    let second = view.get_mut(hero).unwrap();
    std::mem::swap(first, second);
}
