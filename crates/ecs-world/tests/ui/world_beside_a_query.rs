//! A system that has the world and a query could change what the query shows.

use ecs_core::{Component, Description};
use ecs_storage_api::Query;
use ecs_world::{Schedule, World};

struct Hp;

impl Component for Hp {
    fn describe() -> Description<Self> {
        Description::transient("ui::Hp")
    }
}

fn both(_: &mut World, _: Query<'_, &Hp>) {}

fn main() {
    Schedule::new().add_system(both);
}
