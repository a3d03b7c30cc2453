//! The values of a cut, row by row.

use std::rc::Rc;
use std::sync::Arc;

use ahash::AHashMap;
use ecs_core::{CodecError, ComponentId, ComponentInfo, ErasedVec};

use super::Row;
use crate::changes::PAGE_ROWS;
use crate::owned_chunk::OwnedChunk;
use crate::snapshot::cut::{CutTable, ValuePage};

/// Finds the encoded values of rows.
pub(super) struct Values<'a> {
    tables: &'a [Arc<CutTable>],
    /// Where values end, in pages of components that are not plain bytes: by table,
    /// column and page. It takes decoding to find that out.
    ends: AHashMap<(usize, usize, usize), Rc<[usize]>>,
}

/// The encoded values of a page.
pub(super) struct PageValues<'a> {
    info: &'static ComponentInfo,
    bytes: &'a [u8],
    /// None for plain bytes.
    ends: Option<Rc<[usize]>>,
}

impl<'a> Values<'a> {
    pub(super) fn of(tables: &'a [Arc<CutTable>]) -> Self {
        Self { tables, ends: AHashMap::new() }
    }

    pub(super) fn table(&self, table: usize) -> &'a CutTable {
        &self.tables[table]
    }

    /// Returns the values of a page of some table and column.
    pub(super) fn page(
        &mut self,
        table: usize,
        column: usize,
        n: usize,
        page: &'a ValuePage,
    ) -> Result<PageValues<'a>, CodecError> {
        let info = self.tables[table].components[column].info();
        let bytes = &page.values[..];
        if info.is_pod() {
            return Ok(PageValues { info, bytes, ends: None });
        }
        let key = (table, column, n);
        let ends = match self.ends.get(&key) {
            Some(known) => known.clone(),
            None => {
                let rows = self.tables[table].ids.get(n).map_or(0, |page| page.ids.len());
                let found = find_ends(info, bytes, rows)?;
                self.ends.insert(key, found.clone());
                found
            }
        };
        Ok(PageValues { info, bytes, ends: Some(ends) })
    }

    /// Returns the value of a row in a column.
    pub(super) fn get(&mut self, row: Row, column: usize) -> Result<&'a [u8], CodecError> {
        let (page, at) = (row.row as usize / PAGE_ROWS, row.row as usize % PAGE_ROWS);
        self.page_of(row.table as usize, column, page)?.get(at)
    }

    fn page_of(
        &mut self,
        table: usize,
        column: usize,
        n: usize,
    ) -> Result<PageValues<'a>, CodecError> {
        let tables = self.tables;
        let page = tables[table].columns.get(column).and_then(|pages| pages.get(n));
        let info = tables[table].components[column].info();
        let page = page.ok_or_else(|| missing(info, n.saturating_mul(PAGE_ROWS)))?;
        self.page(table, column, n, page)
    }

    /// Copies rows whose ids are in ascending order, of some components that all of
    /// them have.
    pub(super) fn chunk(
        &mut self,
        components: &[ComponentId],
        rows: &[Row],
    ) -> Result<OwnedChunk, CodecError> {
        let columns = components.iter().map(|component| self.column(*component, rows));
        let columns = columns.collect::<Result<_, _>>()?;
        let ids = rows.iter().map(|row| row.id).collect();
        let chunk = OwnedChunk::with_unchecked_ids(ids, columns);
        Ok(chunk.expect("each column has a value for each row"))
    }

    fn column(&mut self, component: ComponentId, rows: &[Row]) -> Result<ErasedVec, CodecError> {
        let info = component.info();
        let in_place = info.is_pod() && info.stride() != 0;
        let (mut values, mut bytes) = (ErasedVec::new(info), Vec::new());
        values.reserve(if in_place { rows.len() } else { 0 });
        // Neighbours by id are mostly neighbours in a table.
        let mut here = None;
        for row in rows {
            let (table, n) = (row.table as usize, row.row as usize / PAGE_ROWS);
            let page = match here.take() {
                Some((at, page)) if at == (table, n) => page,
                _ => {
                    let column = self.tables[table].components.binary_search(&component);
                    self.page_of(table, column.map_err(|_| missing(info, 0))?, n)?
                }
            };
            let value = page.get(row.row as usize % PAGE_ROWS)?;
            match in_place {
                true => values.extend_from_bytes(value),
                false => bytes.extend_from_slice(value),
            }
            here = Some(((table, n), page));
        }
        if in_place {
            return Ok(values);
        }
        ErasedVec::decode(info, &mut &bytes[..], rows.len())
    }
}

impl<'a> PageValues<'a> {
    /// Returns the encoded value of a row of the page.
    pub(super) fn get(&self, row: usize) -> Result<&'a [u8], CodecError> {
        let range = match &self.ends {
            None => row * self.info.stride()..(row + 1) * self.info.stride(),
            Some(ends) => {
                let start =
                    row.checked_sub(1).map_or(0, |before| ends.get(before).copied().unwrap_or(0));
                start..*ends.get(row).ok_or_else(|| missing(self.info, row))?
            }
        };
        self.bytes.get(range).ok_or_else(|| missing(self.info, row))
    }
}

/// Finds out where each value of a page ends.
fn find_ends(
    info: &'static ComponentInfo,
    bytes: &[u8],
    rows: usize,
) -> Result<Rc<[usize]>, CodecError> {
    let (mut left, mut ends) = (bytes, Vec::with_capacity(rows));
    for _ in 0..rows {
        ErasedVec::decode(info, &mut left, 1)?;
        ends.push(bytes.len() - left.len());
    }
    Ok(ends.into())
}

fn missing(info: &ComponentInfo, row: usize) -> CodecError {
    let reason = "the page ends before".to_owned();
    CodecError::Decode { component: info.name().to_owned(), row, reason }
}
