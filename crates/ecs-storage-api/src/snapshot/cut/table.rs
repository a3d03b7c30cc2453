//! A table of a cut, and how it is taken from a store.

use std::hash::Hasher as _;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ecs_core::{CodecError, ComponentId, EntityId, ErasedSlice};
use twox_hash::XxHash3_64;

use super::page::{Encoded, Hashed, IdPage, ValuePage, Versions};
use super::paged::{GROUP, Group, Paged};
use crate::changes::{Changes, PAGE_ROWS, Version};
use crate::owned_chunk::OwnedChunk;
use crate::snapshot::ages::ChunkAges;
use crate::workers::{self, Workers};

/// The rows of one set of components, in pages.
#[derive(Debug)]
pub(crate) struct CutTable {
    /// In ascending order of their ids.
    pub(crate) components: Vec<ComponentId>,
    pub(crate) rows: usize,
    pub(crate) ids: Paged<IdPage>,
    /// Of each component.
    pub(crate) columns: Vec<Paged<ValuePage>>,
    /// Whether its pages are those of one table of the store.
    aligned: bool,
    /// 0 if nobody has asked for it yet.
    digest: AtomicU64,
}

impl CutTable {
    /// Puts a table together that is none of a store.
    pub(crate) fn new(
        components: Vec<ComponentId>,
        rows: usize,
        ids: Paged<IdPage>,
        columns: Vec<Paged<ValuePage>>,
    ) -> Self {
        let digest = AtomicU64::new(0);
        Self { components, rows, ids, columns, aligned: false, digest }
    }

    /// Copies a chunk, with its ages if they are known, for a store that is at
    /// `present`.
    pub(super) fn of_chunk(
        chunk: &OwnedChunk,
        ages: Option<&ChunkAges>,
        present: Version,
    ) -> Result<Self, CodecError> {
        let pages = || (0..chunk.len()).step_by(PAGE_ROWS);
        let rows = |start: usize| start..chunk.len().min(start + PAGE_ROWS);
        let ids = pages().map(|start| {
            let moves = ages.map(|ages| Versions::of(&ages.moves.range(rows(start)), present));
            let ids = Arc::new(Hashed::new(&chunk.ids()[rows(start)]));
            Arc::new(IdPage { ids, moves: moves.unwrap_or_default() })
        });
        let ids = Paged::new(ids.collect());
        let persistent = chunk.columns().iter().enumerate();
        let persistent = persistent.filter(|(_, column)| !column.info().is_transient());
        let (mut components, mut columns) = (Vec::new(), Vec::new());
        for (at, column) in persistent {
            let page = |start: usize| {
                let values = column.as_slice().range(start, rows(start).len());
                let mut bytes = Vec::new();
                values.expect("a column has a value for each id").encode(&mut bytes)?;
                let ages = ages.map(|ages| ages.columns[at].range(rows(start)));
                let values = Arc::new(Encoded::new(bytes));
                Ok(Arc::new(ValuePage::of(values, &ages.unwrap_or_default(), present)))
            };
            components.push(column.id());
            columns.push(Paged::new(pages().map(page).collect::<Result<_, CodecError>>()?));
        }
        Ok(Self::new(components, chunk.len(), ids, columns))
    }

    /// Returns a number for rows and values, but for when they changed.
    ///
    /// # Complexity
    /// O(pages), and the bytes of pages that nobody has asked for yet; O(1) the next
    /// time.
    pub(crate) fn digest(&self) -> u64 {
        // Relaxed: whoever computes it gets the same.
        let known = self.digest.load(Ordering::Relaxed);
        if known != 0 {
            return known;
        }
        let mut hash = XxHash3_64::new();
        hash.write(&(self.rows as u64).to_le_bytes());
        self.ids.add_digest(&mut hash, |page| page.ids.hash());
        let mut columns: Vec<_> = self.components.iter().zip(&self.columns).collect();
        columns.sort_by_key(|(component, _)| component.info().name());
        for (component, pages) in columns {
            let name = component.info().name().as_bytes();
            hash.write(&(name.len() as u64).to_le_bytes());
            hash.write(name);
            pages.add_digest(&mut hash, |page| page.values.hash());
        }
        let digest = hash.finish().max(1);
        self.digest.store(digest, Ordering::Relaxed);
        digest
    }
}

/// A chunk of a store, as it is borrowed.
pub(super) struct Part<'a> {
    pub(super) ids: &'a [EntityId],
    pub(super) moves: Option<&'a [AtomicU64]>,
    /// In ascending order of their ids.
    pub(super) columns: Vec<(ErasedSlice<'a>, Option<Changes<'a>>)>,
}

/// Returns the version of a row's page, and the rows of that page behind the row.
fn stamp(pages: Option<&[AtomicU64]>, row: usize) -> (u64, usize) {
    // Relaxed: who wrote has ended, or the store could not be read.
    let page = pages.and_then(|pages| pages.get(row / PAGE_ROWS));
    (page.map_or(0, |page| page.load(Ordering::Relaxed)), PAGE_ROWS - row % PAGE_ROWS)
}

/// Returns the versions of some rows of a chunk, of a store that is so far ahead of
/// its cuts.
fn versions(pages: Option<&[AtomicU64]>, mut rows: Range<usize>, lead: u64, all: &mut Versions) {
    while !rows.is_empty() {
        let (version, left) = stamp(pages, rows.start);
        let count = left.min(rows.len());
        all.push(count, version.saturating_sub(lead));
        rows.start += count;
    }
}

/// Tells whether no page of so many rows is later than a version.
fn none_after(pages: &[AtomicU64], rows: usize, since: Version) -> bool {
    let pages = &pages[..rows.div_ceil(PAGE_ROWS)];
    pages.iter().all(|page| page.load(Ordering::Relaxed) <= since.get())
}

/// How many pages are copied by one thread in a piece: whole groups.
const PART: usize = 4 * GROUP;

/// Some pages of a table.
struct CutPart {
    ids: Vec<Arc<Group<IdPage>>>,
    /// Of each component.
    columns: Vec<Vec<Arc<Group<ValuePage>>>>,
}

/// Copies tables, each as far as it is not that of an earlier cut, which stands beside
/// it. What the store has not stamped after `since` is as it was there.
pub(super) fn cut_all(
    tables: &[(Source<'_>, Option<&Arc<CutTable>>)],
    since: Option<Version>,
    workers: &dyn Workers,
) -> Result<Vec<Arc<CutTable>>, CodecError> {
    let known = |(source, before): &(Source<'_>, Option<&Arc<CutTable>>)| {
        let before = (*before)?;
        let since = source.since(Some(before), since)?;
        source.is_unchanged(before, since).then(|| before.clone())
    };
    let known: Vec<Option<Arc<CutTable>>> = tables.iter().map(known).collect();
    let mut tasks = Vec::new();
    for (n, (source, _)) in tables.iter().enumerate().filter(|(n, _)| known[*n].is_none()) {
        tasks.extend(source.parts().map(|pages| (n, pages)));
    }
    let bytes = tasks.iter().map(|(n, pages)| pages.len() * tables[*n].0.page_bytes()).sum();
    let made = workers::map(workers, bytes, tasks, |(n, pages)| {
        let (source, before) = &tables[n];
        let before = before.map(|before| &**before);
        (n, source.cut(before, source.since(before, since), pages))
    });
    let mut parts = made.into_iter().peekable();
    let mut all = Vec::with_capacity(tables.len());
    for (n, ((source, _), known)) in tables.iter().zip(known).enumerate() {
        if let Some(known) = known {
            all.push(known);
            continue;
        }
        let mut ids = Vec::new();
        let mut columns: Vec<Vec<_>> = source.components.iter().map(|_| Vec::new()).collect();
        while let Some((_, part)) = parts.next_if(|(of, _)| *of == n) {
            let mut part = part?;
            ids.append(&mut part.ids);
            for (column, groups) in columns.iter_mut().zip(&mut part.columns) {
                column.append(groups);
            }
        }
        let columns = columns.into_iter().map(Paged::of_groups).collect();
        let (components, ids) = (source.components.clone(), Paged::of_groups(ids));
        let table = CutTable::new(components, source.rows, ids, columns);
        all.push(Arc::new(CutTable { aligned: source.aligned, ..table }));
    }
    Ok(all)
}

/// The chunks of a group, taken as one table.
pub(super) struct Source<'a> {
    components: Vec<ComponentId>,
    parts: Vec<Part<'a>>,
    rows: usize,
    aligned: bool,
    /// How far the versions of the store are ahead of those of the cut.
    lead: u64,
}

impl<'a> Source<'a> {
    pub(super) fn new(components: Vec<ComponentId>, parts: Vec<Part<'a>>, lead: u64) -> Self {
        let rows = parts.iter().map(|part| part.ids.len()).sum();
        let aligned = matches!(&parts[..], [part] if part.moves.is_some());
        Self { components, parts, rows, aligned, lead }
    }

    pub(super) fn components(&self) -> &[ComponentId] {
        &self.components
    }

    /// Returns about how many bytes a page takes.
    fn page_bytes(&self) -> usize {
        let strides = self.components.iter().map(|component| component.info().stride());
        PAGE_ROWS * (size_of::<EntityId>() + strides.sum::<usize>())
    }

    /// Returns which pages are to be copied side by side.
    fn parts(&self) -> impl Iterator<Item = Range<usize>> {
        let pages = self.rows.div_ceil(PAGE_ROWS);
        (0..pages).step_by(PART).map(move |start| start..pages.min(start + PART))
    }

    /// Copies some pages, as far as they are not those of an earlier cut. What the store
    /// has not stamped after `since` is as it was there.
    fn cut(
        &self,
        before: Option<&CutTable>,
        since: Option<Version>,
        pages: Range<usize>,
    ) -> Result<CutPart, CodecError> {
        let rows = |page: usize| page * PAGE_ROWS..self.rows.min((page + 1) * PAGE_ROWS);
        // Whether pages have as many rows as before, and nothing was stamped.
        let unstamped = |pages: Range<usize>, stamps: Option<&[AtomicU64]>| {
            let (Some(before), Some(since), Some(stamps)) = (before, since, stamps) else {
                return false;
            };
            let end = pages.end * PAGE_ROWS;
            end.min(self.rows) == end.min(before.rows)
                && stamps[pages].iter().all(|stamp| stamp.load(Ordering::Relaxed) <= since.get())
        };
        let moves = self.parts.first().and_then(|part| part.moves);
        let known_ids = before.map(|before| &before.ids);
        let mut same_rows = vec![false; pages.len()];
        let ids = Paged::groups_after(
            known_ids,
            pages.clone(),
            |pages| unstamped(pages, moves),
            |page| {
                let known = known_ids.and_then(|known| known.get(page));
                Ok::<_, CodecError>(self.id_page(rows(page), known, since))
            },
        )?;
        for (page, made) in pages.clone().zip(ids.iter().flat_map(|group| group.pages())) {
            let known = known_ids.and_then(|known| known.get(page));
            same_rows[page - pages.start] = known.is_some_and(|known| Arc::ptr_eq(known, made));
        }
        let mut columns = Vec::with_capacity(self.components.len());
        for column in 0..self.components.len() {
            let known_column = before.map(|before| &before.columns[column]);
            let stamps = self.parts.first().and_then(|part| part.columns[column].1);
            let stamps = stamps.map(|changes| changes.pages);
            columns.push(Paged::groups_after(
                known_column,
                pages.clone(),
                |pages| unstamped(pages.clone(), moves) && unstamped(pages, stamps),
                |page| {
                    let known = known_column.and_then(|known| known.get(page));
                    let since = since.filter(|_| same_rows[page - pages.start]);
                    self.value_page(column, rows(page), known, since)
                },
            )?);
        }
        Ok(CutPart { ids, columns })
    }

    /// Returns when the cut was taken whose pages are as they were, unless stamped since.
    fn since(&self, before: Option<&CutTable>, since: Option<Version>) -> Option<Version> {
        since.filter(|_| self.aligned && before.is_some_and(|before| before.aligned))
    }

    fn is_unchanged(&self, before: &CutTable, since: Version) -> bool {
        let part = &self.parts[0];
        let mut all = part.columns.iter().map(|(_, changes)| changes.as_ref().map(|it| it.pages));
        self.rows == before.rows
            && part.moves.is_some_and(|moves| none_after(moves, self.rows, since))
            && all.all(|pages| pages.is_some_and(|pages| none_after(pages, self.rows, since)))
    }

    /// Returns the parts that have some rows, and which of theirs those are.
    fn overlapping(&self, rows: Range<usize>) -> impl Iterator<Item = (&Part<'a>, Range<usize>)> {
        let mut start = 0;
        self.parts.iter().filter_map(move |part| {
            let here = start;
            start += part.ids.len();
            let (first, end) = (rows.start.max(here), rows.end.min(start));
            (first < end).then(|| (part, first - here..end - here))
        })
    }

    fn id_page(
        &self,
        rows: Range<usize>,
        known: Option<&Arc<IdPage>>,
        since: Option<Version>,
    ) -> Arc<IdPage> {
        let known = known.filter(|known| known.ids.len() == rows.len());
        if let (Some(known), Some(since)) = (known, since)
            && stamp(self.parts[0].moves, rows.start).0 <= since.get()
        {
            return known.clone();
        }
        let (mut ids, mut moves) = (Vec::with_capacity(rows.len()), Versions::default());
        for (part, rows) in self.overlapping(rows) {
            ids.extend_from_slice(&part.ids[rows.clone()]);
            versions(part.moves, rows, self.lead, &mut moves);
        }
        let ids = match known {
            Some(known) if known.ids[..] == ids[..] => known.ids.clone(),
            _ => Arc::new(Hashed::new(ids)),
        };
        Arc::new(IdPage { ids, moves })
    }

    fn value_page(
        &self,
        column: usize,
        rows: Range<usize>,
        known: Option<&Arc<ValuePage>>,
        since: Option<Version>,
    ) -> Result<Arc<ValuePage>, CodecError> {
        let changes = |part: &Part<'a>| part.columns[column].1;
        if let (Some(known), Some(since)) = (known, since)
            && let Some(changes) = changes(&self.parts[0])
            && stamp(Some(changes.pages), rows.start).0 <= since.get()
        {
            return Ok(known.clone());
        }
        let (mut bytes, mut dates) = (Vec::new(), Versions::default());
        let mut ticks = [Vec::new(), Vec::new()];
        for (part, rows) in self.overlapping(rows.clone()) {
            let values = part.columns[column].0.range(rows.start, rows.len());
            let values = values.expect("a column has a value for each id");
            if bytes.capacity() == 0 && values.info().is_pod() {
                bytes.reserve_exact(values.info().stride() * PAGE_ROWS.min(self.rows));
            }
            values.encode(&mut bytes)?;
            let pages = changes(part).map(|changes| changes.pages);
            versions(pages, rows.clone(), self.lead, &mut dates);
            if let Some((changed, added)) = changes(part).and_then(|changes| changes.ticks) {
                ticks[0].extend_from_slice(&changed[rows.clone()]);
                ticks[1].extend_from_slice(&added[rows]);
            }
        }
        let values = match known {
            Some(known) if known.values[..] == bytes[..] => known.values.clone(),
            _ => Arc::new(Encoded::new(bytes)),
        };
        let known = ticks[0].len() == rows.len() && !rows.is_empty();
        let ticks = known.then(|| ticks.map(Vec::into_boxed_slice));
        Ok(Arc::new(ValuePage { values, versions: dates, ticks }))
    }
}
