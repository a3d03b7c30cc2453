//! The values of a cut, row by row.

use std::sync::Arc;

use ahash::AHashMap;
use ecs_core::{CodecError, ComponentId, ComponentInfo, ErasedVec};

use super::Row;
use super::bits::Bits;
use crate::changes::PAGE_ROWS;
use crate::owned_chunk::OwnedChunk;
use crate::snapshot::cut::CutTable;

/// Finds the encoded values of rows.
pub(super) struct Values<'a> {
    tables: &'a [Arc<CutTable>],
    /// Those that were asked for, by table and place in it.
    columns: AHashMap<(usize, usize), Column<'a>>,
}

/// The encoded values of a column.
pub(super) struct Column<'a> {
    table: &'a CutTable,
    at: usize,
    info: &'static ComponentInfo,
    /// Those that were asked for: a page is found over several places in memory, and
    /// if rows lie in any order, this is most of the work.
    pages: Vec<Option<Page<'a>>>,
}

/// The encoded values of a page of a column.
pub(super) struct Page<'a> {
    info: &'static ComponentInfo,
    bytes: &'a [u8],
    /// Where each value ends; none for plain bytes, which are all of one size.
    ends: Option<Box<[usize]>>,
}

impl<'a> Values<'a> {
    pub(super) fn of(tables: &'a [Arc<CutTable>]) -> Self {
        Self { tables, columns: AHashMap::new() }
    }

    pub(super) fn table(&self, table: usize) -> &'a CutTable {
        &self.tables[table]
    }

    pub(super) fn column(&mut self, table: usize, at: usize) -> &mut Column<'a> {
        let tables = self.tables;
        self.columns.entry((table, at)).or_insert_with(|| Column::of(&tables[table], at))
    }

    /// Copies rows whose ids are in ascending order, of some components that all of
    /// them have.
    pub(super) fn chunk(
        &mut self,
        components: &[ComponentId],
        rows: &[Row],
    ) -> Result<OwnedChunk, CodecError> {
        let columns = components.iter().map(|component| self.copy(*component, rows));
        let columns = columns.collect::<Result<_, _>>()?;
        let ids = rows.iter().map(|row| row.id).collect();
        let chunk = OwnedChunk::with_unchecked_ids(ids, columns);
        Ok(chunk.expect("each column has a value for each row"))
    }

    fn copy(&mut self, component: ComponentId, rows: &[Row]) -> Result<ErasedVec, CodecError> {
        let info = component.info();
        let in_place = info.is_pod() && info.stride() != 0;
        let (mut values, mut bytes) = (ErasedVec::new(info), Vec::new());
        values.reserve(if in_place { rows.len() } else { 0 });
        for run in rows.chunk_by(|a, b| a.table == b.table) {
            let table = run[0].table as usize;
            let at = self.tables[table].components.binary_search(&component);
            let column = self.column(table, at.map_err(|_| missing(info, 0))?);
            for row in run {
                let value = column.get(row.row as usize)?;
                match in_place {
                    true => values.extend_from_bytes(value),
                    false => bytes.extend_from_slice(value),
                }
            }
        }
        if in_place {
            return Ok(values);
        }
        ErasedVec::decode(info, &mut &bytes[..], rows.len())
    }
}

impl<'a> Column<'a> {
    fn of(table: &'a CutTable, at: usize) -> Self {
        let mut pages = Vec::new();
        pages.resize_with(table.ids.len(), || None);
        Self { table, at, info: table.components[at].info(), pages }
    }

    /// Returns the value of a row.
    #[inline]
    pub(super) fn get(&mut self, row: usize) -> Result<&'a [u8], CodecError> {
        self.page(row / PAGE_ROWS)?.get(row % PAGE_ROWS)
    }

    /// Returns a page.
    #[inline]
    pub(super) fn page(&mut self, n: usize) -> Result<&Page<'a>, CodecError> {
        if self.pages.get(n).is_none_or(Option::is_none) {
            self.find(n)?;
        }
        Ok(self.pages[n].as_ref().expect("it is found"))
    }

    #[cold]
    fn find(&mut self, n: usize) -> Result<(), CodecError> {
        let (table, info) = (self.table, self.info);
        let values = table.columns.get(self.at).and_then(|pages| pages.get(n));
        let places = values.zip(table.ids.get(n)).zip(self.pages.get_mut(n));
        let Some(((values, ids), place)) = places else {
            return Err(missing(info, n.saturating_mul(PAGE_ROWS)));
        };
        let bytes = &values.values[..];
        let ends = match info.is_pod() {
            true if bytes.len() < ids.ids.len() * info.stride() => {
                let row = n * PAGE_ROWS + bytes.len() / info.stride();
                return Err(missing(info, row));
            }
            true => None,
            false => Some(find_ends(info, bytes, ids.ids.len())?),
        };
        *place = Some(Page { info, bytes, ends });
        Ok(())
    }
}

impl<'a> Page<'a> {
    /// Returns the value of a row of the page.
    #[inline]
    pub(super) fn get(&self, row: usize) -> Result<&'a [u8], CodecError> {
        let range = match &self.ends {
            None => row * self.info.stride()..(row + 1) * self.info.stride(),
            Some(ends) => {
                let start = row.checked_sub(1).and_then(|before| ends.get(before));
                start.copied().unwrap_or(0)..ends.get(row).copied().unwrap_or(usize::MAX)
            }
        };
        self.bytes.get(range).ok_or_else(|| missing(self.info, row))
    }
}

impl Page<'_> {
    /// Returns which of the first rows have the same values as in another page.
    pub(super) fn equal(&self, other: &Self, rows: usize) -> Result<Bits, CodecError> {
        if self.ends.is_none() {
            return Ok(Bits::of_equal_bytes(self.info.stride(), self.bytes, other.bytes));
        }
        let values =
            |page: &Self| -> Result<Vec<_>, _> { (0..rows).map(|row| page.get(row)).collect() };
        Ok(Bits::of_equal(&values(self)?, &values(other)?))
    }
}

/// Finds out where each value of a page ends, which takes decoding.
fn find_ends(
    info: &'static ComponentInfo,
    bytes: &[u8],
    rows: usize,
) -> Result<Box<[usize]>, CodecError> {
    let (mut left, mut ends) = (bytes, Vec::with_capacity(rows));
    for _ in 0..rows {
        ErasedVec::decode(info, &mut left, 1)?;
        ends.push(bytes.len() - left.len());
    }
    Ok(ends.into())
}

#[cold]
fn missing(info: &ComponentInfo, row: usize) -> CodecError {
    let reason = "the page ends before".to_owned();
    CodecError::Decode { component: info.name().to_owned(), row, reason }
}
