//! Cells of text and of bytes.

use std::sync::Arc;

use arrow_array::builder::{FixedSizeBinaryBuilder, StringBuilder};
use arrow_array::{ArrayRef, FixedSizeBinaryArray};
use arrow_buffer::Buffer;
use arrow_schema::DataType;

use super::{Cells, Misread, NOT_BYTES, Step, each, take};

/// What is written as text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spelled {
    String,
    Char,
    /// Arrow has no integers of that many bits.
    I128,
    U128,
}

/// Text.
#[derive(Debug)]
pub(super) struct Texts {
    texts: StringBuilder,
    of: Spelled,
}

impl Texts {
    pub(super) fn new(of: Spelled) -> Self {
        Self { texts: StringBuilder::new(), of }
    }

    /// Adds one, unless the offsets of a batch can't tell where it ends.
    fn add(&mut self, text: &str) -> Result<(), Misread> {
        let end = self.texts.values_slice().len() + text.len();
        if i32::try_from(end).is_err() {
            return Err(Misread("texts of one batch have 2^31 bytes or more".to_owned()));
        }
        self.texts.append_value(text);
        Ok(())
    }
}

impl Cells for Texts {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Result<(), Misread> {
        match self.of {
            Spelled::String => self.add(take(bytes)?),
            Spelled::Char => self.add(take::<char>(bytes)?.encode_utf8(&mut [0; 4])),
            Spelled::I128 => self.add(&take::<i128>(bytes)?.to_string()),
            Spelled::U128 => self.add(&take::<u128>(bytes)?.to_string()),
        }
    }

    fn gather(&mut self, bytes: &[u8], at: usize, steps: &[Step]) {
        each(at, steps, &mut |at| {
            let bytes = bytes[at..].first_chunk().expect("a value lies inside its column");
            self.texts.append_value(match self.of {
                Spelled::I128 => i128::from_ne_bytes(*bytes).to_string(),
                Spelled::U128 => u128::from_ne_bytes(*bytes).to_string(),
                Spelled::String | Spelled::Char => unreachable!("{NOT_BYTES}"),
            });
        });
    }

    fn null(&mut self, count: usize) {
        (0..count).for_each(|_| self.texts.append_null());
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.texts.finish())
    }

    fn adopt(&self, _: &Buffer) -> Option<ArrayRef> {
        None
    }
}

/// Bytes of which no more is known than how many a value has.
#[derive(Debug)]
pub(super) struct Blobs {
    values: FixedSizeBinaryBuilder,
    size: i32,
}

impl Blobs {
    pub(super) fn new(size: i32) -> Self {
        Self { values: FixedSizeBinaryBuilder::new(size), size }
    }
}

impl Cells for Blobs {
    fn data_type(&self) -> DataType {
        DataType::FixedSizeBinary(self.size)
    }

    fn read(&mut self, _: &mut &[u8]) -> Result<(), Misread> {
        unreachable!("serde does not write bytes without a schema")
    }

    fn gather(&mut self, bytes: &[u8], at: usize, steps: &[Step]) {
        each(at, steps, &mut |at| {
            let value = &bytes[at..at + self.size as usize];
            self.values.append_value(value).expect("the size is that of the column");
        });
    }

    fn null(&mut self, count: usize) {
        (0..count).for_each(|_| self.values.append_null());
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.values.finish())
    }

    fn adopt(&self, buffer: &Buffer) -> Option<ArrayRef> {
        Some(Arc::new(FixedSizeBinaryArray::try_new(self.size, buffer.clone(), None).ok()?))
    }
}
