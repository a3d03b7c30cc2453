//! A page of a replica: entities whose indices follow each other.
//!
//! Those that a capture brings are far from each other, so each value that is asked for
//! lies in memory that nobody has touched for long. So all of an entity lies side by side:
//! it is waited for once.

use bytemuck::{Pod, Zeroable};
use ecs_core::{ComponentId, EntityId};

use crate::changes::LARGE;
use crate::directory::prefetch;
use crate::snapshot::capture::{CapturedColumn, CapturedValues};
use crate::snapshot::value::is_same;

/// Rows of a page: so many that a capture of scattered rows has several in each.
pub(super) const ROWS: usize = 8192;

/// What the cache takes at once. Rows of 16, 32 or 64 bytes lie in one.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Where in a row the id is; 0 stands for nobody.
const ID: usize = 0;
/// Where the number of the set of components is.
const SET: usize = ID + size_of::<u64>();
/// Where values begin.
const VALUES: usize = SET + size_of::<u32>();

/// Entities with the numbers of their sets of components, and values.
#[derive(Debug)]
pub(super) struct Page {
    /// Where in a row small values of plain bytes lie; after them other components begin.
    fields: Vec<Field>,
    end: usize,
    /// How far it is from one row to the next.
    stride: usize,
    rows: Box<[Line]>,
    /// Values that have no one size, or a [large](LARGE) one: in a row every entity of the
    /// page would have the room for one, whether it has the component or not.
    apart: Vec<(ComponentId, Vec<Box<[u8]>>)>,
}

/// Where in a row the value of a component is, if the entity has it; else anything is
/// there.
#[derive(Debug, Clone, Copy)]
struct Field {
    component: ComponentId,
    at: usize,
    size: usize,
}

impl Default for Page {
    fn default() -> Self {
        let (fields, apart) = Default::default();
        let stride = stride_of(VALUES);
        Self { fields, end: VALUES, stride, rows: rows_of(stride), apart }
    }
}

/// Returns the distance of rows whose values end there.
fn stride_of(end: usize) -> usize {
    end.next_multiple_of(16)
}

fn rows_of(stride: usize) -> Box<[Line]> {
    bytemuck::allocation::zeroed_slice_box((stride * ROWS).div_ceil(size_of::<Line>()))
}

impl Page {
    fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.rows)
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(&mut self.rows)
    }

    /// Of so many rows memory is asked in advance. Who asks for more of them asks for so
    /// many in a row that the processor sees it coming.
    pub(super) const AHEAD: usize = 256;

    /// Asks memory for rows that are to be looked at.
    #[inline]
    pub(super) fn ask_for(&self, rows: &[u32]) {
        let bytes = self.bytes();
        rows.iter().for_each(|row| prefetch(&raw const bytes[*row as usize * self.stride]));
    }

    /// Returns who is in a row, and with which set of components.
    #[inline]
    pub(super) fn row(&self, row: usize) -> Option<(EntityId, u32)> {
        let bytes = &self.bytes()[row * self.stride..][..VALUES];
        let id = EntityId::from_bits(bytemuck::pod_read_unaligned(&bytes[ID..SET])).ok()?;
        Some((id, bytemuck::pod_read_unaligned(&bytes[SET..])))
    }

    /// Returns everybody.
    pub(super) fn entities(&self) -> impl Iterator<Item = EntityId> + '_ {
        (0..ROWS).filter_map(|row| self.row(row)).map(|(id, _)| id)
    }

    /// Says who is in a row.
    #[inline]
    pub(super) fn begin(&mut self, row: usize, id: EntityId, set: u32) {
        let start = row * self.stride;
        let bytes = &mut self.bytes_mut()[start..][..VALUES];
        bytes[ID..SET].copy_from_slice(bytemuck::bytes_of(&id.to_bits()));
        bytes[SET..].copy_from_slice(bytemuck::bytes_of(&set));
    }

    /// Says that nobody is in a row.
    pub(super) fn end(&mut self, row: usize) {
        let start = row * self.stride;
        self.bytes_mut()[start..][ID..SET].fill(0);
    }

    /// Returns where in a row a component's values lie, and how large they are, if they do
    /// not lie apart.
    pub(super) fn place(&self, component: ComponentId) -> Option<(usize, usize)> {
        self.field(component).map(|field| (field.at, field.size))
    }

    /// Returns all of a row.
    #[inline]
    pub(super) fn row_mut(&mut self, row: usize) -> &mut [u8] {
        let start = row * self.stride;
        let stride = self.stride;
        &mut self.bytes_mut()[start..start + stride]
    }

    fn field(&self, component: ComponentId) -> Option<Field> {
        self.fields.iter().find(|field| field.component == component).copied()
    }

    fn apart(&self, component: ComponentId) -> &[Box<[u8]>] {
        let column = self.apart.iter().find(|(id, _)| *id == component);
        &column.expect("whoever has a component has a value of it").1
    }

    /// Makes room for values of components.
    pub(super) fn make_room(&mut self, components: &[ComponentId]) {
        let stride = self.stride;
        for &component in components {
            let is_apart = self.apart.iter().any(|(id, _)| *id == component);
            if is_apart || self.field(component).is_some() {
                continue;
            }
            let info = component.info();
            if !info.is_pod() || info.stride() > LARGE {
                self.apart.push((component, vec![Box::default(); ROWS]));
            } else {
                self.fields.push(Field { component, at: self.end, size: info.stride() });
                self.end += info.stride();
                self.stride = stride_of(self.end);
            }
        }
        if self.stride != stride {
            let mut rows = rows_of(self.stride);
            let wider = bytemuck::cast_slice_mut::<_, u8>(&mut rows).chunks_mut(self.stride);
            for (wider, row) in wider.zip(self.bytes().chunks(stride)).take(ROWS) {
                wider[..stride].copy_from_slice(row);
            }
            self.rows = rows;
        }
    }

    /// Calls `differs` with those of some pairs of rows, of a capture and of this, whose
    /// values of a component differ.
    ///
    /// # Panics
    /// If nobody has ever had it.
    pub(super) fn compare(
        &self,
        component: ComponentId,
        captured: &CapturedColumn,
        rows: &[(u32, u32)],
        mut differs: impl FnMut(u32),
    ) {
        let Some(field) = self.field(component) else {
            let known = self.apart(component);
            for &(row, there) in rows {
                if !is_same(&known[there as usize], captured.get(row as usize)) {
                    differs(row);
                }
            }
            return;
        };
        match (field.size, captured.values()) {
            (0, _) => {}
            (2, CapturedValues::Plain(new)) => self.compare_values::<2>(field, new, rows, differs),
            (4, CapturedValues::Plain(new)) => self.compare_values::<4>(field, new, rows, differs),
            (8, CapturedValues::Plain(new)) => self.compare_values::<8>(field, new, rows, differs),
            _ => {
                for &(row, there) in rows {
                    let start = there as usize * self.stride + field.at;
                    let known = &self.bytes()[start..start + field.size];
                    if !is_same(known, captured.get(row as usize)) {
                        differs(row);
                    }
                }
            }
        }
    }

    /// Compares values of `N` bytes: a call for each would take longer than the values.
    #[inline]
    fn compare_values<const N: usize>(
        &self,
        field: Field,
        new: &[u8],
        rows: &[(u32, u32)],
        mut differs: impl FnMut(u32),
    ) {
        let (known, (new, _)) = (self.bytes(), new.as_chunks::<N>());
        for &(row, there) in rows {
            let start = there as usize * self.stride + field.at;
            if known[start..start + N] != new[row as usize] {
                differs(row);
            }
        }
    }

    /// Replaces the values of rows by those of a capture from `start` on, for which there
    /// [is room](Self::make_room).
    pub(super) fn put(
        &mut self,
        component: ComponentId,
        captured: &CapturedColumn,
        start: usize,
        rows: &[u32],
    ) {
        let Some(field) = self.field(component) else {
            let column = self.apart.iter_mut().find(|(id, _)| *id == component);
            let (_, known) = column.expect("room was made");
            for (row, &there) in (start..).zip(rows) {
                let (known, new) = (&mut known[there as usize], captured.get(row));
                match known.len() == new.len() {
                    true => known.copy_from_slice(new),
                    false => *known = new.into(),
                }
            }
            return;
        };
        match (field.size, captured.values()) {
            (0, _) => {}
            (2, CapturedValues::Plain(new)) => self.put_values::<2>(field, new, start, rows),
            (4, CapturedValues::Plain(new)) => self.put_values::<4>(field, new, start, rows),
            (8, CapturedValues::Plain(new)) => self.put_values::<8>(field, new, start, rows),
            _ => {
                let stride = self.stride;
                let known = self.bytes_mut();
                for (row, &there) in (start..).zip(rows) {
                    let at = there as usize * stride + field.at;
                    known[at..at + field.size].copy_from_slice(captured.get(row));
                }
            }
        }
    }

    #[inline]
    fn put_values<const N: usize>(&mut self, field: Field, new: &[u8], start: usize, rows: &[u32]) {
        let (stride, (new, _)) = (self.stride, new.as_chunks::<N>());
        let known = self.bytes_mut();
        for (new, &there) in new[start..].iter().zip(rows) {
            let at = there as usize * stride + field.at;
            known[at..at + N].copy_from_slice(new);
        }
    }
}

#[cfg(test)]
mod tests {
    use ecs_core::{DynamicComponent, EntityAllocator, ErasedVec};

    use super::*;
    use crate::snapshot::capture::RowCapture;
    use crate::{OwnedChunk, StorageImage};

    /// Registers a component of `size` bytes.
    fn component(name: &str, size: usize) -> ComponentId {
        DynamicComponent::new(name, size, 1).register().unwrap()
    }

    #[test]
    fn rows_keep_what_they_hold_when_they_grow_wider() {
        let sizes = [1, 2, 4, 8, 12, LARGE, LARGE + 1, 0];
        let mut allocator = EntityAllocator::new(0);
        let ids = allocator.allocate_many(3);
        let mut page = Page::default();
        for (row, id) in ids.iter().enumerate() {
            page.begin(row, *id, row as u32);
        }
        let captures: Vec<_> = (1u8..)
            .zip(sizes)
            .map(|(fill, size)| {
                let component = component(&format!("page::Size{size}"), size);
                let bytes: Vec<u8> = (0..3 * size).map(|n| fill.wrapping_add(n as u8)).collect();
                let values = ErasedVec::decode(component.info(), &mut &bytes[..], 3).unwrap();
                let chunk = OwnedChunk::new(ids.clone(), vec![values]).unwrap();
                let image = StorageImage::new(allocator.state(), vec![chunk]).unwrap();
                (component, RowCapture::of_image(&image).unwrap())
            })
            .collect();
        for (component, capture) in &captures {
            page.make_room(&[*component]);
            page.put(*component, &capture.entities[0].columns[0], 0, &[0, 1, 2]);
        }
        for (component, capture) in &captures {
            let column = &capture.entities[0].columns[0];
            let (mut same, mut other) = (0, 0);
            page.compare(*component, column, &[(0, 0), (1, 1), (2, 2)], |_| same += 1);
            page.compare(*component, column, &[(0, 1), (1, 2)], |_| other += 1);
            assert_eq!(same, 0, "{component:?}");
            assert_eq!(other, if component.info().stride() == 0 { 0 } else { 2 });
        }
        page.end(1);
        let there: Vec<_> = (0..4).map(|row| page.row(row)).collect();
        assert_eq!(there, [Some((ids[0], 0)), None, Some((ids[2], 2)), None]);
    }
}
