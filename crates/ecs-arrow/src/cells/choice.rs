//! Cells of enums.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, StringArray, StructArray};
use arrow_buffer::{Buffer, NullBufferBuilder};
use arrow_schema::{DataType, Fields};

use super::numbers::Numbers;
use super::{Cells, IN_STEP, Misread, NOT_BYTES, Step, field, take};

/// Variants by name, in a dictionary.
#[derive(Debug)]
pub(super) struct Choices {
    names: Vec<String>,
    keys: Numbers<Int32Type>,
}

impl Choices {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self { names, keys: Numbers::new() }
    }

    /// Reads which variant it is.
    fn choose(&mut self, bytes: &mut &[u8]) -> Result<usize, Misread> {
        let number: u32 = take(bytes)?;
        if number as usize >= self.names.len() {
            return Err(Misread(format!("variant {number} of {}", self.names.len())));
        }
        self.keys.push(number as i32);
        Ok(number as usize)
    }
}

impl Cells for Choices {
    fn data_type(&self) -> DataType {
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Result<(), Misread> {
        self.choose(bytes).map(drop)
    }

    fn gather(&mut self, _: &[u8], _: usize, _: &[Step]) {
        unreachable!("{NOT_BYTES}")
    }

    fn null(&mut self, count: usize) {
        self.keys.null(count);
    }

    fn finish(&mut self) -> ArrayRef {
        let names = StringArray::from_iter_values(&self.names);
        let keys = self.keys.finish_numbers();
        Arc::new(DictionaryArray::try_new(keys, Arc::new(names)).expect("a key is checked"))
    }

    fn adopt(&self, _: &Buffer) -> Option<ArrayRef> {
        None
    }
}

/// What the column is called that tells which variant it is.
pub(super) const CHOICE: &str = "variant";

/// Variants with data: which it is, and for each of them what it holds, if it is
/// the one.
#[derive(Debug)]
pub(super) struct Tagged {
    choices: Choices,
    /// By variant.
    payloads: Vec<Option<Box<dyn Cells>>>,
    nulls: NullBufferBuilder,
}

impl Tagged {
    pub(super) fn new(names: Vec<String>, payloads: Vec<Option<Box<dyn Cells>>>) -> Self {
        let nulls = NullBufferBuilder::new(0);
        Self { choices: Choices::new(names), payloads, nulls }
    }

    fn fields(&self) -> Fields {
        let named = self.choices.names.iter().zip(&self.payloads);
        let held = named.filter_map(|(name, payload)| {
            let payload = field(name, payload.as_deref()?);
            Some(Arc::new(payload.as_ref().clone().with_nullable(true)))
        });
        std::iter::once(field(CHOICE, &self.choices)).chain(held).collect()
    }
}

impl Cells for Tagged {
    fn data_type(&self) -> DataType {
        DataType::Struct(self.fields())
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Result<(), Misread> {
        let chosen = self.choices.choose(bytes)?;
        for (n, payload) in self.payloads.iter_mut().enumerate() {
            match payload {
                Some(payload) if n == chosen => payload.read(bytes)?,
                Some(payload) => payload.null(1),
                None => {}
            }
        }
        self.nulls.append_non_null();
        Ok(())
    }

    fn gather(&mut self, _: &[u8], _: usize, _: &[Step]) {
        unreachable!("{NOT_BYTES}")
    }

    fn null(&mut self, count: usize) {
        self.choices.null(count);
        self.payloads.iter_mut().flatten().for_each(|payload| payload.null(count));
        self.nulls.append_n_nulls(count);
    }

    fn finish(&mut self) -> ArrayRef {
        let fields = self.fields();
        let mut arrays = vec![self.choices.finish()];
        arrays.extend(self.payloads.iter_mut().flatten().map(|payload| payload.finish()));
        Arc::new(StructArray::try_new(fields, arrays, self.nulls.finish()).expect(IN_STEP))
    }

    fn adopt(&self, _: &Buffer) -> Option<ArrayRef> {
        None
    }
}
