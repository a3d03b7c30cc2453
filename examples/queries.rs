//! Queries: what they give, what they leave out, and what they cost.

use ecs::prelude::*;

#[derive(Component, Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[component(name = "queries::Health")]
struct Health(i32);

#[derive(Component, Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[component(name = "queries::Armour")]
struct Armour(i32);

#[derive(Component, Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
#[component(name = "queries::Knight")]
struct Knight;

#[derive(Component, Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
#[component(name = "queries::Ghost")]
struct Ghost;

fn main() {
    let mut world = World::new();
    let knight = world.spawn((Health(10), Armour(3), Knight));
    let peasant = world.spawn(Health(5));
    let ghost = world.spawn((Health(1), Ghost));

    // Armour takes a part of the blow, where there is any; ghosts are not hit.
    for (health, armour) in
        world.query_filtered_mut::<(&mut Health, Option<&Armour>), Without<Ghost>>().iter_mut()
    {
        health.0 -= 4 - armour.map_or(0, |armour| armour.0);
    }
    assert_eq!(world.get::<Health>(knight), Some(&Health(9)));
    assert_eq!(world.get::<Health>(peasant), Some(&Health(1)));
    assert_eq!(world.get::<Health>(ghost), Some(&Health(1)));

    // One of several.
    let odd = world.query_filtered::<EntityId, Or<(With<Knight>, With<Ghost>)>>();
    println!("knights and ghosts: {:?}", odd.iter().collect::<Vec<_>>());
    assert_eq!(odd.count(), 2);

    // By entity, and the only one.
    let knights = world.query_filtered::<(EntityId, &Armour), With<Knight>>();
    assert_eq!(knights.single(), Ok((knight, &Armour(3))));
    assert_eq!(knights.get(peasant), None);

    // Asked again and again: prepared once.
    let mut ageing = QueryState::<&mut Health>::new();
    for _ in 0..3 {
        ageing.query_mut(world.storage_mut()).for_each(|health| health.0 -= 1);
    }

    // It looked at the archetypes that match, and at nothing else.
    let cost = ageing.query_mut(world.storage_mut()).cost();
    println!("{cost:?}");
    assert_eq!((cost.chunks_visited, cost.rows_visited), (3, 3));
}
