//! Functions that ask for what no system gets, and queries that ask for what they can't.

use ecs_core::{Component, Description};
use ecs_storage_api::{Query, With};
use ecs_world::{Schedule, World};

struct Hp;

impl Component for Hp {
    fn describe() -> Description<Self> {
        Description::transient("ui::what_is_no_system::Hp")
    }
}

struct NoComponent;

fn number(_: u32) {}

fn by_value(_: Query<Hp>) {}

fn filter_in_front(_: Query<(&Hp, With<Hp>)>) {}

fn a_tuple_in_a_filter(_: Query<&Hp, With<(Hp, Hp)>>) {}

fn main() {
    Schedule::new().add_system(number);
    let mut world = World::new();
    world.spawn((Hp, NoComponent));
    world.query_mut::<(&Hp, Option<&mut Hp>)>().iter().count();
}
