//! Cells of numbers, and of what has nothing but its presence.

use std::fmt::Debug;
use std::sync::Arc;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBufferBuilder, ScalarBuffer};
use arrow_schema::DataType;
use bytemuck::Pod;
use serde::de::DeserializeOwned;

use super::{Cells, Misread, NOT_BYTES, Step, count, each, run, take};

/// Integers or floats.
#[derive(Debug)]
pub(super) struct Numbers<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    pub(super) fn new() -> Self {
        Self { values: Vec::new(), nulls: NullBufferBuilder::new(0) }
    }

    pub(super) fn push(&mut self, value: T::Native) {
        self.values.push(value);
        self.nulls.append_non_null();
    }

    pub(super) fn finish_numbers(&mut self) -> PrimitiveArray<T> {
        let values = ScalarBuffer::from(std::mem::take(&mut self.values));
        PrimitiveArray::new(values, self.nulls.finish())
    }
}

impl<T> Cells for Numbers<T>
where
    T: ArrowPrimitiveType<Native: Pod + DeserializeOwned> + Debug,
{
    fn data_type(&self) -> DataType {
        T::DATA_TYPE
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Result<(), Misread> {
        self.push(take(bytes)?);
        Ok(())
    }

    fn gather(&mut self, bytes: &[u8], at: usize, steps: &[Step]) {
        let size = size_of::<T::Native>();
        match run(at, steps, size).map(|run| bytemuck::try_cast_slice(&bytes[run])) {
            Some(Ok(values)) => self.values.extend_from_slice(values),
            _ => {
                self.values.reserve(count(steps));
                each(at, steps, &mut |at| {
                    self.values.push(bytemuck::pod_read_unaligned(&bytes[at..at + size]));
                });
            }
        }
        self.nulls.append_n_non_nulls(count(steps));
    }

    fn null(&mut self, count: usize) {
        self.values.resize(self.values.len() + count, T::Native::default());
        self.nulls.append_n_nulls(count);
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.finish_numbers())
    }

    fn adopt(&self, buffer: &Buffer) -> Option<ArrayRef> {
        let is_aligned = buffer.as_ptr().cast::<T::Native>().is_aligned();
        is_aligned
            .then(|| Arc::new(PrimitiveArray::<T>::new(buffer.clone().into(), None)) as ArrayRef)
    }
}

/// What a truth value says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Truth {
    /// What the `bool` says.
    Bool,
    /// That a value is there which has no data.
    Value,
    /// Whether an entity has the component, which has no data.
    Component,
}

/// Truth values.
#[derive(Debug)]
pub(super) struct Truths {
    values: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
    truth: Truth,
}

impl Truths {
    pub(super) fn new(truth: Truth) -> Self {
        let (values, nulls) = (BooleanBufferBuilder::new(0), NullBufferBuilder::new(0));
        Self { values, nulls, truth }
    }
}

impl Cells for Truths {
    fn data_type(&self) -> DataType {
        DataType::Boolean
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Result<(), Misread> {
        self.values.append(self.truth != Truth::Bool || take(bytes)?);
        self.nulls.append_non_null();
        Ok(())
    }

    fn gather(&mut self, _: &[u8], _: usize, steps: &[Step]) {
        assert!(self.truth != Truth::Bool, "{NOT_BYTES}");
        self.values.append_n(count(steps), true);
        self.nulls.append_n_non_nulls(count(steps));
    }

    fn null(&mut self, count: usize) {
        self.values.append_n(count, false);
        match self.truth {
            Truth::Component => self.nulls.append_n_non_nulls(count),
            Truth::Bool | Truth::Value => self.nulls.append_n_nulls(count),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(BooleanArray::new(self.values.finish(), self.nulls.finish()))
    }

    fn adopt(&self, _: &Buffer) -> Option<ArrayRef> {
        None
    }
}
