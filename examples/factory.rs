//! A factory: phases, a shift that ends, alarms, belts that run in fixed steps,
//! and one story on any number of threads.

use std::error::Error;
use std::fmt::Write;
use std::time::Duration;

use ecs::prelude::*;
use serde::{Deserialize, Serialize};

/// A machine, which wears until it breaks.
#[derive(Component, Clone, Serialize, Deserialize)]
#[component(name = "factory::Machine")]
struct Machine {
    wear: u32,
    power: f64,
}

#[derive(Component, Clone, Serialize, Deserialize)]
#[component(name = "factory::Broken")]
struct Broken;

/// Something on a belt: how many steps from its beginning.
#[derive(Component, Clone, Serialize, Deserialize)]
#[component(name = "factory::Parcel")]
struct Parcel(u32);

#[derive(Component, Clone, Serialize, Deserialize)]
#[component(name = "factory::Heat")]
struct Heat(f32);

/// An event: a machine broke.
struct Broke(EntityId);

/// What the office knows, as part of the world's state.
#[derive(Default, Serialize, Deserialize)]
struct Books {
    hour: u32,
    shipped: usize,
    energy: f64,
}

fn at_work(books: Res<Books>) -> bool {
    books.hour < 8
}

fn produce(
    mut machines: Query<(EntityId, &mut Machine), Without<Broken>>,
    mut alarms: EventWriter<Broke>,
    mut commands: Commands,
) {
    for (entity, machine) in machines.iter_mut() {
        machine.wear += 1 + entity.index() % 4;
        if machine.wear < 10 {
            commands.spawn(Parcel(0));
        } else {
            commands.insert(entity, Broken);
            alarms.send(Broke(entity));
        }
    }
}

/// Runs beside the machines: it touches nothing that they touch.
fn ventilate(mut halls: Query<&mut Heat>) {
    halls.for_each(|heat| heat.0 *= 0.9);
}

/// Comes every third hour, and finds every alarm since the last time.
fn repair(
    mut alarms: EventReader<Broke>,
    mut machines: Query<&mut Machine>,
    mut commands: Commands,
) {
    for &Broke(entity) in alarms.read() {
        machines.get_mut(entity).expect("machines stay").wear = 0;
        commands.remove::<Broken>(entity);
    }
}

fn carry(
    mut parcels: Query<(EntityId, &mut Parcel)>,
    mut books: ResMut<Books>,
    mut commands: Commands,
) {
    let on = |(entity, parcel): (EntityId, &mut Parcel)| {
        parcel.0 += 1;
        (parcel.0 == 5).then_some(entity)
    };
    let arrived: Vec<_> = parcels.iter_mut().filter_map(on).collect();
    books.shipped += arrived.len();
    commands.despawn_batch(arrived);
}

/// Adds floating-point numbers up in the order of the rows.
fn meter(mut machines: Query<&Machine, Without<Broken>>, mut books: ResMut<Books>) {
    books.energy += machines.par_fold(|| 0.0, |sum, machine| sum + machine.power, |a, b| a + b);
    books.hour += 1;
}

fn factory(threads: Threads) -> Schedule {
    let mut belts = Schedule::new();
    belts.add_system(carry);
    let belts = SubSchedule::fixed("belts", Duration::from_millis(400), belts);
    let mut schedule = Schedule::new();
    schedule
        .set_phases(["work", "delivery", "office"])
        .set_threads(threads)
        .add_system(produce.label("machines"))
        .add_system(ventilate)
        .add_system(repair.every_offset(3, 2).after("machines"))
        .add_system(belts.in_phase("delivery"))
        .add_system(meter.in_phase("office"))
        .configure_set(SetConfig::new("machines").run_if(at_work));
    schedule
}

/// Runs a day, and returns what is to be told of it.
fn day(threads: Threads) -> Result<String, Box<dyn Error>> {
    let mut world = World::new();
    world.save_resource::<Books>("factory::Books");
    world.insert_resource(Books::default());
    world.spawn_batch((1..=10_000).map(|n| Machine { wear: 0, power: 1.0 / f64::from(n) }));
    world.spawn_batch([Heat(40.0), Heat(35.0), Heat(30.0)]);
    let mut schedule = factory(threads);
    let mut story = format!("{}\n", schedule.describe(&mut world)?);
    for _ in 0..10 {
        world.insert_resource(FrameTime(Duration::from_secs(1)));
        let commands = schedule.try_run(&mut world)?.commands.applied;
        let parcels = world.query::<&Parcel>().count();
        let broken = world.query::<&Broken>().count();
        let Books { hour, shipped, energy } = &*world.resource::<Books>().ok_or("no books")?;
        writeln!(
            story,
            "hour {hour:2}: {parcels:5} on the belts, {shipped:5} shipped, {broken:4} broken, \
             {energy:.3} kWh, {commands} commands"
        )?;
    }
    for (name, stats) in schedule.stats() {
        let name = name.rsplit("::").next().unwrap_or(name);
        writeln!(story, "{name}: {} runs, {} rows", stats.runs, stats.rows)?;
    }
    writeln!(story, "state {:016x}", world.state_hash()?)?;
    Ok(story)
}

fn main() -> Result<(), Box<dyn Error>> {
    let story = day(Threads::Current)?;
    print!("{story}");
    assert_eq!(day(Threads::None)?, story, "one thread tells the same story");
    Ok(())
}
