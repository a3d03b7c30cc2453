//! From the tables of a directory to the records of a query.

use smallvec::SmallVec;

use super::{TableEntry, TableId};
use crate::query::RecordBuffer;

/// Writes records of tables, with each term's columns at hand.
pub(crate) struct Recorder<'a> {
    pub(super) tables: &'a [TableEntry],
    pub(super) columns: SmallVec<[&'a [*mut u8]; 4]>,
}

impl Recorder<'_> {
    /// Writes a table's record, if it has rows.
    #[inline]
    pub(crate) fn record(&self, table: TableId, records: &mut RecordBuffer) {
        let entry = &self.tables[table.index()];
        if entry.len != 0 {
            let column = |columns: &&[*mut u8]| {
                columns.get(table.index()).copied().unwrap_or(std::ptr::null_mut())
            };
            records.push(entry.len, entry.ids.as_ptr(), self.columns.iter().map(column));
        }
    }
}
