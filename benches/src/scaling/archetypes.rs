//! Operations on a number of entities that are spread over archetypes.

use std::time::{Duration, Instant};

use ecs::{EntityId, ErasedBundle, ErasedValue, QueryState, Storage, World};

use super::Operation;
use crate::compare::{Row, Workload, steady};
use crate::components::{B, Data};
use crate::rows::many_archetypes::{Shape, insert_markers, limit, ours_ids, ours_prepared, sum};
use crate::{scattered, shuffled};

/// How many entities are asked for, changed or made.
const TOUCHED: usize = 100_000;

/// How many archetypes the engine holds.
const MOST_ARCHETYPES: usize = 131_072;

/// Returns the operations whose size is a number of archetypes, which `entities`
/// are spread over.
pub fn by_archetypes(entities: usize) -> Vec<Operation> {
    let shape = move |archetypes: usize, rarity| Shape {
        archetypes,
        entities: (entities / archetypes).max(1),
        rarity,
    };
    let touched = entities.min(TOUCHED);
    vec![
        Operation::new("iterate, all match", move |archetypes| {
            let shape = shape(archetypes, 1);
            Row::new("iterate", "a prepared query", shape.matching())
                .with("limit/tables", move || limit(shape))
                .with("ecs/prepared", move || ours_prepared(shape))
        }),
        Operation::new("one-shot query, 1 in 100 match", move |archetypes| {
            let shape = shape(archetypes, 100);
            Row::new("one_shot", "a query that is matched anew", shape.matching())
                .with("ecs/one_shot", move || one_shot(shape))
        }),
        Operation::new("spawn, any archetype", move |archetypes| {
            let shape = shape(archetypes, 1);
            Row::new("spawn", "bundles put together at run time", touched)
                .with("ecs/spawn", move || Spawning::new(shape, touched))
        }),
        Operation::new("random get", move |archetypes| {
            let shape = shape(archetypes, 1);
            Row::new("random_get", "reads by id without order", touched)
                .with("limit/tables", move || get_by_hand(shape, touched))
                .with("ecs/query", move || get(shape, touched))
        }),
        Operation::new("add_remove, without order", move |archetypes| {
            let shape = shape(archetypes, 1);
            let touched = touched.min(movable(shape));
            Row::new("add_remove", "insert a component, then remove it", touched)
                .with("ecs/insert_remove", move || add_remove(shape, touched))
        }),
    ]
}

fn one_shot(shape: Shape) -> impl Workload {
    let (world, _) = ours_ids(shape);
    let total = |world: &mut World| {
        // Whole numbers, so that no addition waits for the one before.
        let mut total = 0;
        world.query::<&Data>().for_each(|data| total += u64::from(data.0.to_bits()));
        total as f64
    };
    steady(world, total, total)
}

fn get(shape: Shape, count: usize) -> impl Workload {
    let (world, ids) = ours_ids(shape);
    let chosen: Vec<_> = scattered(count, ids.len()).into_iter().map(|at| ids[at]).collect();
    let read = |(world, query, chosen): &mut (World, QueryState<&Data>, Vec<EntityId>)| {
        let query = query.query(world.storage());
        sum(chosen.iter().map(|&id| query.get(id).unwrap()))
    };
    steady((world, QueryState::new(), chosen), read, read)
}

/// A vector of tables, and where in them each entity is.
fn get_by_hand(shape: Shape, count: usize) -> impl Workload {
    let tables = vec![vec![Data(1.0); shape.entities]; shape.archetypes];
    let places: Vec<_> = (0..shape.archetypes as u32)
        .flat_map(|table| (0..shape.entities as u32).map(move |row| (table, row)))
        .collect();
    let chosen = scattered(count, places.len());
    let read = move |tables: &mut Vec<Vec<Data>>| {
        let place = |&id: &usize| {
            let (table, row) = places[id];
            &tables[table as usize][row as usize]
        };
        sum(chosen.iter().map(place))
    };
    steady(tables, read.clone(), read)
}

/// Returns how many entities, the first ones, can get one component more: the
/// archetypes that they move to have to fit in too.
fn movable(shape: Shape) -> usize {
    shape.archetypes.min(MOST_ARCHETYPES - shape.archetypes) * shape.entities
}

fn add_remove(shape: Shape, count: usize) -> impl Workload {
    let (world, mut ids) = ours_ids(shape);
    ids.truncate(movable(shape));
    let mut chosen = shuffled(ids);
    chosen.truncate(count);
    steady(
        (world, chosen),
        |(world, chosen)| {
            for &id in chosen.iter() {
                world.insert(id, B(0.0)).unwrap();
            }
            for &id in chosen.iter() {
                world.remove::<B>(id).unwrap();
            }
        },
        |(world, _)| sum(world.query::<&Data>().iter()),
    )
}

/// Entities that are made in archetypes without order, and ended untimed.
struct Spawning {
    world: World,
    /// The markers of each entity that is made.
    markers: Vec<usize>,
}

impl Spawning {
    fn new(shape: Shape, count: usize) -> Self {
        Self { world: ours_ids(shape).0, markers: scattered(count, shape.archetypes) }
    }

    fn bundle(markers: usize) -> ErasedBundle {
        let mut values = vec![ErasedValue::new(Data(1.0))];
        insert_markers!(markers, |marker| values.push(ErasedValue::new(marker)));
        ErasedBundle::new(values)
    }
}

impl Workload for Spawning {
    fn rounds(&mut self, count: u64) -> Duration {
        let mut total = Duration::ZERO;
        for _ in 0..count {
            let mut bundles: Vec<_> = self.markers.iter().copied().map(Self::bundle).collect();
            let storage = self.world.storage_mut();
            let start = Instant::now();
            let made: Vec<_> =
                bundles.iter_mut().map(|bundle| storage.create_with(bundle).unwrap()).collect();
            total += start.elapsed();
            self.world.despawn_batch(&made).unwrap();
        }
        total
    }

    fn checksum(&mut self) -> f64 {
        sum(self.world.query::<&Data>().iter())
    }
}
