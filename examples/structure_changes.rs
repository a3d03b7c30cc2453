//! Structure changes: components that come and go, one by one, in batches, and
//! recorded as commands while a query runs.

use ecs::prelude::*;

#[derive(Component, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[component(name = "structure_changes::Fuel")]
struct Fuel(u32);

#[derive(Component, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[component(name = "structure_changes::Burning")]
struct Burning {
    rate: u32,
}

/// Burns fuel, and puts out what has none left.
fn burn(mut fires: Query<(EntityId, &mut Fuel, &Burning)>, mut commands: Commands) {
    for (entity, fuel, burning) in fires.iter_mut() {
        fuel.0 = fuel.0.saturating_sub(burning.rate);
        if fuel.0 == 0 {
            commands.remove::<Burning>(entity);
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut world = World::new();
    let logs = world.spawn_batch((1..=5).map(|n| Fuel(n * 10)));

    // One by one: each is a move to another archetype.
    for &log in &logs {
        world.insert(log, Burning { rate: 10 })?;
    }

    let mut schedule = Schedule::new();
    schedule.add_system(burn);
    for minute in 1..=3 {
        schedule.run(&mut world);
        println!("after {minute} minutes {} logs burn", world.query::<&Burning>().count());
    }
    assert_eq!(world.query::<&Burning>().count(), 2);
    assert_eq!(world.get::<Burning>(logs[0]), None);

    // Several at once: wholly or not at all.
    let batch = UpdateBatch::new()
        .spawn((Fuel(99), Burning { rate: 1 }))
        .update(logs[0], Fuel(7))
        .destroy(logs[1]);
    let made = world.apply(batch)?;
    assert!(world.contains(made[0]) && !world.contains(logs[1]));

    let refused =
        world.apply(UpdateBatch::new().destroy(logs[2]).update(logs[0], Burning { rate: 1 }));
    println!("refused: {}", refused.unwrap_err());
    assert!(world.contains(logs[2]), "nothing of a refused batch happens");
    Ok(())
}
