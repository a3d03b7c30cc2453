//! A page of a replica: entities whose indices follow each other.
//!
//! Those that a capture brings are far from each other, so each value that is asked for
//! lies in memory that nobody has touched for long. So all values of an entity lie side by
//! side: they are waited for once. Who it is, and what it has, lies apart from them, close
//! together, since that is asked for more often.

use bytemuck::{Pod, Zeroable};
use ecs_core::{ComponentId, EntityId};

use crate::bits::Bits;
use crate::changes::LARGE;
use crate::directory::prefetch;
use crate::snapshot::capture::{CapturedColumn, CapturedValues};
use crate::snapshot::value::{is_same, replace_value};

/// Rows of a page: so many that a capture of scattered rows has several in each.
pub(super) const ROWS: usize = 8192;

/// What the cache takes at once. Rows of up to 64 bytes lie in one.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Who is in a row, and the number of the set of components.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Head {
    /// The two halves of the id; 0 stands for nobody.
    id: [u32; 2],
    set: u32,
}

/// Entities with the numbers of their sets of components, and values.
#[derive(Debug)]
pub(super) struct Page {
    heads: Box<[Head]>,
    /// Where in a row small values of plain bytes lie; after them other components begin.
    fields: Vec<Field>,
    end: usize,
    /// How far it is from one row of values to the next.
    stride: usize,
    rows: Box<[Line]>,
    /// Values that have no one size, or a [large](LARGE) one: in a row every entity of the
    /// page would have the room for one, whether it has the component or not.
    apart: Vec<(ComponentId, Apart)>,
}

/// The values of a component by row, where they are known.
type Apart = Vec<Option<Box<[u8]>>>;

/// Where in a row the value of a component is, if the entity has it and its value is known;
/// else anything is there.
#[derive(Debug)]
struct Field {
    component: ComponentId,
    at: usize,
    size: usize,
    /// The rows whose value is known.
    known: Bits,
}

impl Default for Page {
    fn default() -> Self {
        let (fields, apart, rows) = Default::default();
        let heads = bytemuck::allocation::zeroed_slice_box(ROWS);
        Self { heads, fields, end: 0, stride: 0, rows, apart }
    }
}

/// Returns the distance of rows whose values end there: so that they lie in as few lines as
/// they can.
fn stride_of(end: usize) -> usize {
    match end {
        0 => 0,
        1..=64 => end.next_power_of_two(),
        _ => end.next_multiple_of(16),
    }
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
        for row in rows {
            prefetch(&raw const self.heads[*row as usize]);
            if let Some(values) = self.bytes().get(*row as usize * self.stride) {
                prefetch(values);
            }
        }
    }

    /// Returns who is in a row, and with which set of components.
    #[inline]
    pub(super) fn row(&self, row: usize) -> Option<(EntityId, u32)> {
        let Head { id: [low, high], set } = self.heads[row];
        let id = EntityId::from_bits(u64::from(high) << 32 | u64::from(low)).ok()?;
        Some((id, set))
    }

    /// Returns everybody.
    pub(super) fn entities(&self) -> impl Iterator<Item = EntityId> + '_ {
        (0..ROWS).filter_map(|row| self.row(row)).map(|(id, _)| id)
    }

    /// Says who is in a row.
    #[inline]
    pub(super) fn begin(&mut self, row: usize, id: EntityId, set: u32) {
        let bits = id.to_bits();
        self.heads[row] = Head { id: [bits as u32, (bits >> 32) as u32], set };
    }

    /// Says that nobody is in a row.
    pub(super) fn end(&mut self, row: usize) {
        self.heads[row] = Head::zeroed();
    }

    /// Forgets all values.
    pub(super) fn forget_values(&mut self) {
        (self.fields, self.apart, self.rows) = Default::default();
        (self.end, self.stride) = (0, 0);
    }

    /// Returns the number of a component among those whose values lie in rows, if there is
    /// [room](Self::make_room) for it.
    pub(super) fn field(&self, component: ComponentId) -> Option<usize> {
        self.fields.iter().position(|field| field.component == component)
    }

    /// Replaces the value of a row, and tells whether the one before is not known to be the
    /// same.
    #[inline]
    pub(super) fn replace(&mut self, field: usize, row: usize, value: &[u8]) -> bool {
        let field = &mut self.fields[field];
        let was_known = field.known.get(row);
        field.known.set(row);
        let start = row * self.stride + field.at;
        let rows = bytemuck::cast_slice_mut::<_, u8>(&mut self.rows);
        replace_value(&mut rows[start..start + field.size], value)
            || !was_known && !value.is_empty()
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
                self.apart.push((component, vec![None; ROWS]));
            } else {
                let (at, size, known) = (self.end, info.stride(), Bits::new(ROWS));
                self.fields.push(Field { component, at, size, known });
                self.end += info.stride();
                self.stride = stride_of(self.end);
            }
        }
        if self.stride != stride {
            let mut rows = rows_of(self.stride);
            let wider = bytemuck::cast_slice_mut::<_, u8>(&mut rows).chunks_mut(self.stride);
            for (wider, row) in wider.zip(self.bytes().chunks(stride.max(1))).take(ROWS) {
                wider[..stride].copy_from_slice(row);
            }
            self.rows = rows;
        }
    }

    /// Calls `differs` with those of some pairs of rows, of a capture and of this, whose
    /// values of a component are not known to be the same.
    pub(super) fn compare(
        &self,
        component: ComponentId,
        captured: &CapturedColumn,
        rows: &[(u32, u32)],
        mut differs: impl FnMut(u32),
    ) {
        let info = component.info();
        if info.is_pod() && info.stride() == 0 {
            return;
        }
        let Some(field) = self.field(component) else {
            let known = self.apart.iter().find(|(id, _)| *id == component);
            let known = |row: u32| known?.1[row as usize].as_deref();
            for &(row, there) in rows {
                if known(there).is_none_or(|known| !is_same(known, captured.get(row as usize))) {
                    differs(row);
                }
            }
            return;
        };
        let field = &self.fields[field];
        match (field.size, captured.values()) {
            (2, CapturedValues::Plain(new)) => self.compare_values::<2>(field, new, rows, differs),
            (4, CapturedValues::Plain(new)) => self.compare_values::<4>(field, new, rows, differs),
            (8, CapturedValues::Plain(new)) => self.compare_values::<8>(field, new, rows, differs),
            _ => {
                for &(row, there) in rows {
                    let start = there as usize * self.stride + field.at;
                    let known = &self.bytes()[start..start + field.size];
                    let is_known = field.known.get(there as usize);
                    if !is_known || !is_same(known, captured.get(row as usize)) {
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
        field: &Field,
        new: &[u8],
        rows: &[(u32, u32)],
        mut differs: impl FnMut(u32),
    ) {
        let (known, (new, _)) = (self.bytes(), new.as_chunks::<N>());
        for &(row, there) in rows {
            let start = there as usize * self.stride + field.at;
            let is_known = field.known.get(there as usize);
            if !is_known || known[start..start + N] != new[row as usize] {
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
                match known {
                    Some(known) if known.len() == new.len() => known.copy_from_slice(new),
                    _ => *known = Some(new.into()),
                }
            }
            return;
        };
        let field = &mut self.fields[field];
        rows.iter().for_each(|row| field.known.set(*row as usize));
        let (at, size) = (field.at, field.size);
        match (size, captured.values()) {
            (0, _) => {}
            (2, CapturedValues::Plain(new)) => self.put_values::<2>(at, new, start, rows),
            (4, CapturedValues::Plain(new)) => self.put_values::<4>(at, new, start, rows),
            (8, CapturedValues::Plain(new)) => self.put_values::<8>(at, new, start, rows),
            _ => {
                let stride = self.stride;
                let known = self.bytes_mut();
                for (row, &there) in (start..).zip(rows) {
                    let start = there as usize * stride + at;
                    known[start..start + size].copy_from_slice(captured.get(row));
                }
            }
        }
    }

    #[inline]
    fn put_values<const N: usize>(&mut self, at: usize, new: &[u8], start: usize, rows: &[u32]) {
        let (stride, (new, _)) = (self.stride, new.as_chunks::<N>());
        let known = self.bytes_mut();
        for (new, &there) in new[start..].iter().zip(rows) {
            let start = there as usize * stride + at;
            known[start..start + N].copy_from_slice(new);
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
        // Row 4 is nobody's, so nothing is known of it; a value without bytes can't be another.
        for (component, size) in captures.iter().map(|(component, _)| *component).zip(sizes) {
            let Some(field) = page.field(component) else { continue };
            let value = vec![0; size];
            assert_eq!(page.replace(field, 4, &value), size != 0);
            assert!(!page.replace(field, 4, &value), "it is known now");
        }
        page.end(1);
        let there: Vec<_> = (0..4).map(|row| page.row(row)).collect();
        assert_eq!(there, [Some((ids[0], 0)), None, Some((ids[2], 2)), None]);
        page.forget_values();
        for ((component, capture), size) in captures.iter().zip(sizes) {
            let mut unknown = 0;
            page.compare(*component, &capture.entities[0].columns[0], &[(0, 0)], |_| unknown += 1);
            assert_eq!(unknown, usize::from(size != 0), "{component:?}");
        }
        assert_eq!(page.row(0), Some((ids[0], 0)), "nobody is forgotten");
    }
}
