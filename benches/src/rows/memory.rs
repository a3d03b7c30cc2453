//! Live heap of a million entities, made as a batch of known size.

use std::time::{Duration, Instant};

use super::by_hand::Moving;
use crate::compare::{Row, Size, Unit, Workload};
use crate::heap::live_bytes;
use crate::{population, sums, worlds};

pub(super) fn row(size: Size) -> Row {
    let n = size.of(1_000_000);
    let all = move || population::moving(n);
    let mut row = Row::new("memory", "live heap of 1M entities of position and velocity", n)
        .with("limit/table", move || {
            holding(move || Moving::filled(n).0, |table| sums::positions(table.positions()))
        })
        .with("ecs/spawn_batch", move || {
            holding(move || worlds::ours::spawned(all()), |world| worlds::ours::positions(world))
        })
        .with("bevy/spawn_batch", move || {
            holding(move || worlds::bevy::spawned(all()), worlds::bevy::positions)
        })
        .with("hecs/spawn_batch", move || {
            holding(move || worlds::hecs::spawned(all()), worlds::hecs::positions)
        })
        .with("flecs/bulk", move || {
            holding(move || worlds::flecs::spawned(all()), |world| worlds::flecs::positions(world))
        })
        .with("legion/extend", move || {
            holding(
                move || worlds::legion::spawned(all()),
                |world| worlds::legion::positions(world),
            )
        })
        .with("shipyard/bulk_add_entity", move || {
            holding(
                move || worlds::shipyard::spawned(all()),
                |world| worlds::shipyard::positions(world),
            )
        })
        .with("specs/create_entity", move || {
            holding(move || worlds::specs::spawned(all()), |world| worlds::specs::positions(world))
        })
        .with("sparsey/extend", move || {
            holding(
                move || worlds::sparsey::ungrouped(all()).0,
                |world| worlds::sparsey::positions(world),
            )
        });
    row.unit = Unit::Bytes;
    row
}

struct Holding<M, S> {
    make: M,
    sum: S,
}

fn holding<W>(make: impl Fn() -> W, sum: impl Fn(&mut W) -> f64) -> impl Workload {
    Holding { make, sum }
}

impl<W, M: Fn() -> W, S: Fn(&mut W) -> f64> Workload for Holding<M, S> {
    fn rounds(&mut self, count: u64) -> Duration {
        let start = Instant::now();
        (0..count).for_each(|_| drop((self.make)()));
        start.elapsed()
    }

    fn checksum(&mut self) -> f64 {
        (self.sum)(&mut (self.make)())
    }

    fn bytes(&mut self) -> Option<usize> {
        let before = live_bytes();
        let world = (self.make)();
        let after = live_bytes();
        drop(world);
        Some(after.saturating_sub(before))
    }
}
