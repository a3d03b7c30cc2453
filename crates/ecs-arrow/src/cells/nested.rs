//! Cells that hold cells.

use std::sync::Arc;

use arrow_array::{ArrayRef, FixedSizeListArray, ListArray, MapArray, StructArray};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, FieldRef, Fields};

use super::{Cells, IN_STEP, Misread, NOT_BYTES, Step, count, field, take};

/// Values that may be missing.
#[derive(Debug)]
pub(super) struct Nullable(pub(super) Box<dyn Cells>);

impl Cells for Nullable {
    fn data_type(&self) -> DataType {
        self.0.data_type()
    }

    fn is_nullable(&self) -> bool {
        true
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Result<(), Misread> {
        // Written as a `bool` is.
        match take(bytes)? {
            true => self.0.read(bytes)?,
            false => self.0.null(1),
        }
        Ok(())
    }

    fn gather(&mut self, _: &[u8], _: usize, _: &[Step]) {
        unreachable!("{NOT_BYTES}")
    }

    fn null(&mut self, count: usize) {
        self.0.null(count);
    }

    fn finish(&mut self) -> ArrayRef {
        self.0.finish()
    }

    fn adopt(&self, _: &Buffer) -> Option<ArrayRef> {
        None
    }
}

/// Structs and tuples.
#[derive(Debug)]
pub(super) struct Structs {
    fields: Vec<Part>,
    nulls: NullBufferBuilder,
}

/// One field of a struct.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) cells: Box<dyn Cells>,
    /// Where it lies, of types that are read from memory.
    pub(super) offset: Option<usize>,
}

impl Structs {
    pub(super) fn new(fields: Vec<Part>) -> Self {
        Self { fields, nulls: NullBufferBuilder::new(0) }
    }

    fn fields(&self) -> Fields {
        self.fields.iter().map(|part| field(&part.name, &*part.cells)).collect()
    }
}

impl Cells for Structs {
    fn data_type(&self) -> DataType {
        DataType::Struct(self.fields())
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Result<(), Misread> {
        for part in &mut self.fields {
            part.cells.read(bytes)?;
        }
        self.nulls.append_non_null();
        Ok(())
    }

    // Field by field: each is a column of its own.
    fn gather(&mut self, bytes: &[u8], at: usize, steps: &[Step]) {
        for part in &mut self.fields {
            part.cells.gather(bytes, at + part.offset.expect(NOT_BYTES), steps);
        }
        self.nulls.append_n_non_nulls(count(steps));
    }

    fn null(&mut self, count: usize) {
        self.fields.iter_mut().for_each(|part| part.cells.null(count));
        self.nulls.append_n_nulls(count);
    }

    fn finish(&mut self) -> ArrayRef {
        let fields = self.fields();
        let arrays = self.fields.iter_mut().map(|part| part.cells.finish()).collect();
        Arc::new(StructArray::try_new(fields, arrays, self.nulls.finish()).expect(IN_STEP))
    }

    fn adopt(&self, buffer: &Buffer) -> Option<ArrayRef> {
        let [part] = &*self.fields else { return None };
        let array = part.cells.adopt(buffer)?;
        Some(Arc::new(StructArray::try_new(self.fields(), vec![array], None).ok()?))
    }
}

/// As many values as the type says.
#[derive(Debug)]
pub(super) struct Arrays {
    of: Box<dyn Cells>,
    len: usize,
    /// The bytes of one value, of types that are read from memory.
    size: Option<usize>,
    nulls: NullBufferBuilder,
}

impl Arrays {
    pub(super) fn new(of: Box<dyn Cells>, len: usize, size: Option<usize>) -> Self {
        Self { of, len, size, nulls: NullBufferBuilder::new(0) }
    }

    fn array(&self, values: ArrayRef, nulls: Option<arrow_buffer::NullBuffer>) -> ArrayRef {
        let of = field("item", &*self.of);
        let array = FixedSizeListArray::try_new(of, self.len as i32, values, nulls);
        Arc::new(array.expect(IN_STEP))
    }
}

impl Cells for Arrays {
    fn data_type(&self) -> DataType {
        DataType::FixedSizeList(field("item", &*self.of), self.len as i32)
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Result<(), Misread> {
        for _ in 0..self.len {
            self.of.read(bytes)?;
        }
        self.nulls.append_non_null();
        Ok(())
    }

    fn gather(&mut self, bytes: &[u8], at: usize, steps: &[Step]) {
        let inside = (self.len, self.size.expect(NOT_BYTES));
        self.of.gather(bytes, at, &[steps, &[inside]].concat());
        self.nulls.append_n_non_nulls(count(steps));
    }

    fn null(&mut self, count: usize) {
        self.of.null(count * self.len);
        self.nulls.append_n_nulls(count);
    }

    fn finish(&mut self) -> ArrayRef {
        let values = self.of.finish();
        let nulls = self.nulls.finish();
        self.array(values, nulls)
    }

    fn adopt(&self, buffer: &Buffer) -> Option<ArrayRef> {
        Some(self.array(self.of.adopt(buffer)?, None))
    }
}

/// Where each of several lists ends in the values of all.
#[derive(Debug)]
struct Ends {
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Ends {
    fn new() -> Self {
        Self { offsets: vec![0], nulls: NullBufferBuilder::new(0) }
    }

    /// Reads how many values a list has.
    fn begin(&mut self, bytes: &mut &[u8]) -> Result<usize, Misread> {
        let len: usize = take(bytes)?;
        let last = self.offsets.last().expect("there is a first offset");
        let end = i32::try_from(len).ok().and_then(|len| last.checked_add(len));
        let too_many = || Misread("lists of one batch hold more than 2^31 values".to_owned());
        self.offsets.push(end.ok_or_else(too_many)?);
        self.nulls.append_non_null();
        Ok(len)
    }

    fn null(&mut self, count: usize) {
        let last = *self.offsets.last().expect("there is a first offset");
        self.offsets.resize(self.offsets.len() + count, last);
        self.nulls.append_n_nulls(count);
    }

    fn finish(&mut self) -> (OffsetBuffer<i32>, Option<arrow_buffer::NullBuffer>) {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        (OffsetBuffer::new(ScalarBuffer::from(offsets)), self.nulls.finish())
    }
}

/// Values one after another, as many as there are.
#[derive(Debug)]
pub(super) struct Lists {
    of: Box<dyn Cells>,
    ends: Ends,
}

impl Lists {
    pub(super) fn new(of: Box<dyn Cells>) -> Self {
        Self { of, ends: Ends::new() }
    }
}

impl Cells for Lists {
    fn data_type(&self) -> DataType {
        DataType::List(field("item", &*self.of))
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Result<(), Misread> {
        for _ in 0..self.ends.begin(bytes)? {
            self.of.read(bytes)?;
        }
        Ok(())
    }

    fn gather(&mut self, _: &[u8], _: usize, _: &[Step]) {
        unreachable!("{NOT_BYTES}")
    }

    fn null(&mut self, count: usize) {
        self.ends.null(count);
    }

    fn finish(&mut self) -> ArrayRef {
        let (offsets, nulls) = self.ends.finish();
        let of = field("item", &*self.of);
        Arc::new(ListArray::try_new(of, offsets, self.of.finish(), nulls).expect(IN_STEP))
    }

    fn adopt(&self, _: &Buffer) -> Option<ArrayRef> {
        None
    }
}

/// Keys and values.
#[derive(Debug)]
pub(super) struct Maps {
    keys: Box<dyn Cells>,
    values: Box<dyn Cells>,
    ends: Ends,
}

impl Maps {
    pub(super) fn new(keys: Box<dyn Cells>, values: Box<dyn Cells>) -> Self {
        Self { keys, values, ends: Ends::new() }
    }

    fn fields(&self) -> Fields {
        [field("key", &*self.keys), field("value", &*self.values)].into_iter().collect()
    }

    fn entry(&self) -> FieldRef {
        Field::new("entries", DataType::Struct(self.fields()), false).into()
    }
}

impl Cells for Maps {
    fn data_type(&self) -> DataType {
        DataType::Map(self.entry(), false)
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Result<(), Misread> {
        for _ in 0..self.ends.begin(bytes)? {
            self.keys.read(bytes)?;
            self.values.read(bytes)?;
        }
        Ok(())
    }

    fn gather(&mut self, _: &[u8], _: usize, _: &[Step]) {
        unreachable!("{NOT_BYTES}")
    }

    fn null(&mut self, count: usize) {
        self.ends.null(count);
    }

    fn finish(&mut self) -> ArrayRef {
        let (offsets, nulls) = self.ends.finish();
        let arrays = vec![self.keys.finish(), self.values.finish()];
        let entries = StructArray::try_new(self.fields(), arrays, None).expect(IN_STEP);
        let map = MapArray::try_new(self.entry(), offsets, entries, nulls, false);
        Arc::new(map.expect(IN_STEP))
    }

    fn adopt(&self, _: &Buffer) -> Option<ArrayRef> {
        None
    }
}
