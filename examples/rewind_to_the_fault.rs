//! Debugging backwards: an audit finds money from nowhere, the run is rewound to the
//! tick in which it appeared, and its systems are audited one by one.

use std::error::Error;

use ecs::prelude::*;
use ecs::{History, SystemConfig};
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[component(name = "market::Purse")]
struct Purse(u64);

/// What the town has to help the poor, and which day it is.
#[derive(Default, Serialize, Deserialize)]
struct Town {
    day: u64,
    treasury: u64,
}

/// An event, which waits over night for those who bring things back.
#[derive(Serialize, Deserialize)]
struct Sold {
    buyer: EntityId,
    seller: EntityId,
    price: u64,
}

const TRADERS: u64 = 200;
const MONEY: u64 = TRADERS * 500;

/// A number that follows from who asks, when and for what.
fn draw(town: &Town, who: EntityId, what: u64) -> u64 {
    [town.day, who.to_bits(), what].iter().fold(3, |mixed: u64, part| {
        let mixed = (mixed ^ part).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        mixed ^ (mixed >> 32)
    })
}

/// The fault of the story: who has less pays less, and the other one gets all.
fn pay(purses: &mut Query<'_, &mut Purse>, from: EntityId, to: EntityId, price: u64) {
    let payer = purses.get_mut(from).expect("traders stay");
    payer.0 = payer.0.saturating_sub(price);
    purses.get_mut(to).expect("traders stay").0 += price;
}

/// One in forty of the things that were sold yesterday comes back.
fn refund(town: Res<Town>, mut purses: Query<&mut Purse>, mut sales: EventReader<Sold>) {
    for &Sold { buyer, seller, price } in sales.read() {
        if draw(&town, buyer, 1).is_multiple_of(40) {
            pay(&mut purses, seller, buyer, price);
        }
    }
}

/// Everybody buys something of somebody; some, once in years, for all that they have.
fn trade(
    town: Res<Town>,
    traders: Query<EntityId, With<Purse>>,
    mut purses: Query<&mut Purse>,
    mut sales: EventWriter<Sold>,
) {
    let traders: Vec<_> = traders.iter().collect();
    for &buyer in &traders {
        let seller = traders[(draw(&town, buyer, 2) % TRADERS) as usize];
        let has = purses.get_mut(buyer).expect("traders stay").0;
        let is_house = draw(&town, buyer, 3).is_multiple_of(4_000);
        let price = if is_house { has } else { 1 + draw(&town, buyer, 4) % 20 };
        if price <= has && seller != buyer {
            pay(&mut purses, buyer, seller, price);
            sales.send(Sold { buyer, seller, price });
        }
    }
}

/// Takes from the rich, and gives to the poor while there is something; the day ends.
fn tax(mut purses: Query<&mut Purse>, mut town: ResMut<Town>) {
    for purse in purses.iter_mut() {
        let (due, gift) = (purse.0 / 200, u64::from(purse.0 < 20).min(town.treasury));
        purse.0 = purse.0 - due + gift;
        town.treasury = town.treasury + due - gift;
    }
    town.day += 1;
}

fn money(purses: &Query<'_, &Purse>, town: &Town) -> u64 {
    purses.iter().map(|purse| purse.0).sum::<u64>() + town.treasury
}

fn excess(world: &World) -> u64 {
    money(&world.query(), &world.resource().expect("there is a town")) - MONEY
}

/// A system that ends the run if the money is not what it was.
fn audit(after: &'static str) -> SystemConfig {
    let audit = move |purses: Query<&Purse>, town: Res<Town>| match money(&purses, &town) {
        MONEY => Ok(()),
        wrong => Err(format!("after `{after}` there are {wrong} coins of {MONEY}")),
    };
    audit.into_config()
}

/// The systems of a day; with an audit after each, if it is wanted.
fn day(is_audited: bool) -> Schedule {
    let systems = [refund.into_config(), trade.into_config(), tax.into_config()];
    let mut schedule = Schedule::new();
    for (system, name) in systems.into_iter().zip(["refund", "trade", "tax"]) {
        schedule.add_system(system);
        if is_audited {
            schedule.add_system(audit(name));
        }
    }
    schedule
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut world = World::new();
    world.save_resource::<Town>("market::Town");
    world.save_events::<Sold>("market::Sold");
    world.insert_resource(Town::default());
    world.spawn_batch((0..TRADERS).map(|_| Purse(MONEY / TRADERS)));

    // Every tick is remembered, and every hundredth audited.
    let (mut schedule, mut history) = (day(false), History::new(101));
    history.record(&world)?;
    while excess(&world) == 0 {
        for _ in 0..100 {
            schedule.run(&mut world);
            history.record(&world)?;
        }
    }
    println!("tick {}: {} coins too many", world.tick(), excess(&world));

    // What is too much stays: halve the ticks between the last good one and this.
    let (mut good, mut bad) = (world.tick() - 100, world.tick());
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        let excess = excess(&history.fork(&world, middle)?);
        println!("tick {middle}: {excess} coins too many");
        *(if excess == 0 { &mut good } else { &mut bad }) = middle;
    }

    // Back to the evening before, and into that day step by step. New systems go on where
    // those of their names were, if these are gone by then.
    drop(schedule);
    history.rewind(&mut world, good)?;
    let failed = day(true).try_run(&mut world).expect_err("it fails as it failed before");
    println!("in the tick after {good}: {failed}");
    assert!(failed.to_string().contains("after `refund`"), "{failed}");

    // What the culprit has written is there to be seen.
    let before = history.fork(&world, good)?;
    for (trader, _) in world.query::<(EntityId, &Purse)>().iter().filter(|(_, now)| now.0 == 0) {
        let had = before.get::<Purse>(trader).expect("traders stay").0;
        println!("{trader} had {had} coins, paid them, and owed {} more", excess(&world));
    }
    Ok(())
}
