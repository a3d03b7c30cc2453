use ecs_derive::{Component, SystemParam};
use ecs_storage_api::Query;
use ecs_world::Res;

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Place(f32);

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
struct Two<'w, 's> {
    first: Res<'w, u8>,
    second: Res<'s, u16>,
}

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
struct Borrows<'w> {
    places: Query<'w, (&'w Place, Option<&'static Place>)>,
}

fn main() {}
