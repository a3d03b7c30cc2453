//! How memory grows while a batch is written.

use ecs_core::{BundleRow, BundleRows, Component, Description, IdSource};

use super::Rows;
use crate::graph::{Change, Graph};

struct Byte {
    _byte: u8,
}

fn byte(n: usize) -> Byte {
    Byte { _byte: n as u8 }
}

impl Component for Byte {
    fn describe() -> Description<Self> {
        Description::transient("growth::Byte")
    }
}

/// An iterator that names another number than comes.
struct Hint<I>(I, (usize, Option<usize>));

impl<I: Iterator> Iterator for Hint<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.1
    }
}

/// Rows, and what there is room for: rows, locations, and ids in the list.
fn spawned(batches: impl IntoIterator<Item = impl Iterator<Item = Byte>>) -> (usize, [usize; 3]) {
    let (mut rows, mut graph, mut ids) = (Rows::new(0), Graph::new(), IdSource::new(0));
    let (mut made, mut target) = (Vec::new(), Rows::EMPTY);
    for batch in batches {
        let mut batch = BundleRows::new(batch);
        let kind = ecs_core::BundleBatch::kind(&batch);
        let plan = graph.plan(&mut rows, Change::Insert, Rows::EMPTY, &kind).unwrap();
        target = plan.target();
        rows.spawn_batch(plan, &mut batch, &mut ids, &mut made).unwrap();
    }
    assert_eq!((rows.len(target), rows.count()), (made.len(), made.len()));
    let capacity = rows.tables[target.index()].capacity;
    (made.len(), [capacity, rows.directory.capacity(), made.capacity()])
}

#[test]
fn a_batch_that_names_its_number_leaves_room_for_no_more() {
    const ROWS: usize = 5 << 19;
    let (rows, room) = spawned([(0..ROWS).map(byte)]);
    // No entity has index 0.
    assert_eq!((rows, room), (ROWS, [ROWS, ROWS + 1, ROWS]));
}

#[test]
fn a_hint_that_lies_costs_no_more_than_doubling() {
    const ROWS: usize = 5_000;
    for hint in [(0, None), (1, Some(1)), (7, Some(7)), (0, Some(usize::MAX))] {
        let (rows, room) = spawned([Hint((0..ROWS).map(byte), hint)]);
        assert_eq!(rows, ROWS);
        assert!(room.iter().all(|room| (ROWS..=2 * ROWS + 1).contains(room)), "{hint:?}: {room:?}");
    }
    let (rows, room) = spawned([Hint((0..9).map(byte), (usize::MAX, Some(usize::MAX)))]);
    assert!(rows == 9 && room.iter().all(|&room| room <= 1 << 20 | 1), "{room:?}");
}

#[test]
fn many_small_batches_double_what_there_is_room_for() {
    const ROWS: usize = 5_000;
    let (rows, room) = spawned((0..ROWS / 5).map(|_| (0..5).map(byte)));
    assert_eq!(rows, ROWS);
    assert!(room.iter().all(|&room| room > ROWS + 100), "{room:?}");
}

#[test]
fn replacing_in_turn_with_spawning_moves_tables_seldom() {
    const ROWS: usize = 100_000;
    let (mut rows, mut graph, mut ids) = (Rows::new(0), Graph::new(), IdSource::new(0));
    let (mut made, mut grown) = (Vec::new(), 0);
    for n in 0..ROWS {
        let mut batch = BundleRows::new(std::iter::once(byte(n)));
        let kind = ecs_core::BundleBatch::kind(&batch);
        let plan = graph.plan(&mut rows, Change::Insert, Rows::EMPTY, &kind).unwrap();
        let target = plan.target();
        rows.spawn_batch(plan, &mut batch, &mut ids, &mut made).unwrap();
        let capacity = rows.tables[target.index()].capacity;
        let (entity, plan) = (made[n], graph.plan(&mut rows, Change::Insert, target, &kind));
        let at = rows.locate(entity).unwrap();
        rows.insert(plan.unwrap(), entity, at, &mut BundleRow::new(byte(n))).unwrap();
        grown += usize::from(rows.tables[target.index()].capacity != capacity);
    }
    // Each time an eighth more, once there are more than a few.
    assert!(grown < 100, "a table of {ROWS} rows grew {grown} times");
}
