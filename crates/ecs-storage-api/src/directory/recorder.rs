//! From the tables of a directory to the records of a query.

use smallvec::SmallVec;

use super::{ComponentEntry, TableEntry, TableId};
use crate::query::{RecordBuffer, RecordPattern, Term, TermWords};

/// Writes records of tables, with each term's columns at hand.
pub(crate) struct Recorder<'a> {
    pub(super) tables: &'a [TableEntry],
    pub(super) columns: SmallVec<[(Term, Option<&'a ComponentEntry>); 4]>,
}

impl Recorder<'_> {
    /// Writes a table's record, if it has rows.
    #[inline]
    pub(crate) fn record(&self, table: TableId, records: &mut RecordBuffer) {
        let TableEntry { len, ref ids, .. } = self.tables[table.index()];
        if len != 0 {
            let words = |&(term, entry): &(Term, Option<&ComponentEntry>)| {
                (term, entry.map_or(TermWords::NONE, |entry| entry.words(table, &term)))
            };
            records.push(ids.as_ptr(), 0..len, self.columns.iter().map(words));
        }
    }

    /// Returns the pattern of the records of a table's runs of rows.
    pub(crate) fn pattern(&self, table: TableId) -> RecordPattern {
        let words = |&(term, entry): &(Term, Option<&ComponentEntry>)| match entry {
            Some(entry) => (term, entry.words(table, &term), entry.stride()),
            None => (term, TermWords::NONE, 0),
        };
        let ids = self.tables[table.index()].ids.as_ptr();
        RecordPattern::new(ids, self.columns.iter().map(words))
    }
}

impl ComponentEntry {
    /// Returns where a table's column lies, with what a term needs beside it.
    #[inline]
    fn words(&self, table: TableId, term: &Term) -> TermWords {
        let Some(&first) = self.columns.get(table.index()) else { return TermWords::NONE };
        let mut words = TermWords { first, ..TermWords::NONE };
        if term.words() > 1 && !first.is_null() {
            words.pages = self.pages[table.index()].first();
            words.ticks = self.ticks(table);
        }
        words
    }

    /// Returns how many bytes values are apart.
    fn stride(&self) -> usize {
        self.info.map_or(0, |info| info.stride())
    }
}
