//! Memory given back, and columns laid side by side.

use std::mem::swap;

use ecs_core::RawArray;
use ecs_storage_api::TableId;

use super::Rows;
use crate::column::Column;

/// Bytes of a column that is long enough by itself.
const LONG: usize = 64 << 10;

impl Rows {
    /// Gives back what tables hold beyond their rows, and the directory beyond its
    /// last entity.
    pub(crate) fn shrink(&mut self) {
        for id in (0..self.tables.len()).map(|id| TableId(id as u32)) {
            let len = self.len(id);
            if self.tables[id.index()].capacity != len {
                // Where memory for a smaller copy is refused, the larger one stays.
                let _ = self.resize(id, len);
            }
        }
        self.lay_side_by_side();
        self.directory.shrink_to_fit();
    }

    /// Moves the short columns of each component into fresh memory one after the other, in
    /// the order of the tables, so that a query over many of them goes through memory in
    /// order, as far as the allocator gives it so.
    fn lay_side_by_side(&mut self) {
        let is_short = |column: &Column| {
            let bytes = column.values.capacity().saturating_mul(column.values.element_size());
            !column.is_of_ticks() && (1..LONG).contains(&bytes)
        };
        let columns = self.tables.iter_mut().flat_map(|table| &mut table.columns);
        let mut short: Vec<_> = columns.filter(|column| is_short(column)).collect();
        short.sort_by_key(|column| column.info().id());
        // With room for all, so that nothing panics before the new addresses are known.
        let mut moved = Vec::with_capacity(short.len());
        for column in short {
            // Where memory is refused, a column stays where it is.
            if let Ok(before) = column.values.try_relocate() {
                moved.push((column, before));
            }
        }
        // Memory that is given out in holes between others may lie worse than that before,
        // which holds the same bytes still.
        for of_one in moved.chunk_by_mut(|(one, _), (next, _)| one.info().id() == next.info().id())
        {
            let now = neighbours(of_one.iter().map(|(column, _)| &column.values));
            if now <= neighbours(of_one.iter().map(|(_, before)| before)) {
                of_one.iter_mut().for_each(|(column, other)| swap(&mut column.values, other));
            }
        }
        // Given back together, so that none of it was among what was asked for meanwhile.
        drop(moved.into_iter().map(|(_, other)| other).collect::<Vec<_>>());
        for id in (0..self.tables.len()).map(|id| TableId(id as u32)) {
            if self.tables[id.index()].capacity > 0 {
                self.publish(id);
            }
        }
    }
}

/// Counts the arrays that begin where the one before ends, or little behind.
fn neighbours<'a>(arrays: impl Iterator<Item = &'a RawArray>) -> usize {
    /// Bytes that an allocator notes between two.
    const GAP: usize = 64;
    let mut end = None;
    let is_near = |array: &&RawArray| {
        let first = array.first().addr().get();
        let before = end.replace(first + array.capacity() * array.element_size());
        before.is_some_and(|end| (end..=end + GAP).contains(&first))
    };
    arrays.filter(is_near).count()
}
