//! From the tables of a directory to the records of a query.

use std::ops::Range;

use smallvec::SmallVec;

use super::{ComponentEntry, TableEntry, TableId, TicksAt};
use crate::query::{RecordBuffer, Term, TermWords};

/// Writes records of tables, with each term's columns at hand.
pub(crate) struct Recorder<'a> {
    pub(super) tables: &'a [TableEntry],
    pub(super) columns: SmallVec<[(Term, Option<&'a ComponentEntry>); 4]>,
}

impl Recorder<'_> {
    /// Writes a table's record, if it has rows.
    #[inline]
    pub(crate) fn record(&self, table: TableId, records: &mut RecordBuffer) {
        let len = self.tables[table.index()].len;
        if len != 0 {
            self.record_rows(table, 0..len, records);
        }
    }

    /// Writes the record of some rows of a table.
    #[inline]
    pub(crate) fn record_rows(
        &self,
        table: TableId,
        rows: Range<usize>,
        records: &mut RecordBuffer,
    ) {
        let ids = self.tables[table.index()].ids.as_ptr();
        let words = |(term, entry): &(Term, Option<&ComponentEntry>)| {
            (*term, entry.map_or(TermWords::NONE, |entry| entry.words(table, term, rows.start)))
        };
        records.push(ids, rows.clone(), self.columns.iter().map(words));
    }
}

impl ComponentEntry {
    /// Returns where a table's column lies from a row on, with what a term needs
    /// beside it.
    #[inline]
    fn words(&self, table: TableId, term: &Term, start: usize) -> TermWords {
        let Some(&first) = self.columns.get(table.index()) else { return TermWords::NONE };
        let mut words = TermWords { first, ..TermWords::NONE };
        if first.is_null() {
            return words;
        }
        if term.words() > 1 {
            words.pages = self.pages[table.index()].first();
            words.ticks = self.ticks.get(table.index()).copied().unwrap_or(TicksAt::NONE);
        }
        match self.info {
            Some(info) if start != 0 => words.moved(start, info.stride()),
            _ => words,
        }
    }
}
