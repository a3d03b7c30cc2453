//! The cells of a column while it is filled, a kind a file.

mod choice;
mod kinds;
mod nested;
mod numbers;
mod text;

use std::fmt::Debug;
use std::ops::Range;

use arrow_array::ArrayRef;
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field, FieldRef};

pub(crate) use kinds::{Unfit, blob, memory_size, of, presence};

/// What a value can't be read from: bytes that are not what the schema says.
#[derive(Debug)]
pub(crate) struct Misread(pub(crate) String);

impl From<postcard::Error> for Misread {
    fn from(error: postcard::Error) -> Self {
        Self(error.to_string())
    }
}

/// Values that lie in memory at one distance from another: how many, and the
/// distance in bytes.
pub(crate) type Step = (usize, usize);

/// Cells of one type, to which values are appended.
pub(crate) trait Cells: Debug {
    /// Returns the type of the column.
    fn data_type(&self) -> DataType;

    /// Tells whether there may be nulls even where what they are part of is there.
    fn is_nullable(&self) -> bool {
        false
    }

    /// Appends a value as serde and postcard wrote it, and goes on behind it.
    fn read(&mut self, bytes: &mut &[u8]) -> Result<(), Misread>;

    /// Appends the values that lie at `at` and from there at each step, the last
    /// step fastest: of kinds that have a [`memory_size`].
    fn gather(&mut self, bytes: &[u8], at: usize, steps: &[Step]);

    /// Appends nulls.
    fn null(&mut self, count: usize);

    /// Returns what was appended, and begins anew.
    fn finish(&mut self) -> ArrayRef;

    /// Makes an array of memory that holds nothing but values of this kind, or
    /// returns `None` if Arrow lays them out in another way.
    fn adopt(&self, buffer: &Buffer) -> Option<ArrayRef>;
}

/// Returns the field that holds such cells.
fn field(name: &str, cells: &dyn Cells) -> FieldRef {
    Field::new(name, cells.data_type(), cells.is_nullable()).into()
}

/// Calls `f` with each place that the steps reach.
fn each(at: usize, steps: &[Step], f: &mut impl FnMut(usize)) {
    match steps {
        [] => f(at),
        [(count, distance), rest @ ..] => {
            (0..*count).for_each(|n| each(at + n * distance, rest, f));
        }
    }
}

/// Returns how many places the steps reach.
fn count(steps: &[Step]) -> usize {
    steps.iter().map(|(count, _)| count).product()
}

/// Returns the bytes that the steps cover, if values of that size lie there one
/// after another.
fn run(at: usize, steps: &[Step], size: usize) -> Option<Range<usize>> {
    let dense = steps.iter().rev().try_fold(size, |len, &(count, distance)| {
        (count == 1 || distance == len).then_some(len * count)
    });
    dense.map(|len| at..at + len)
}

/// Reads a value that postcard knows, and goes on behind it.
fn take<'b, T: serde::Deserialize<'b>>(bytes: &mut &'b [u8]) -> Result<T, Misread> {
    let (value, rest) = postcard::take_from_bytes(bytes)?;
    *bytes = rest;
    Ok(value)
}

const NOT_BYTES: &str = "only kinds with a size in memory are gathered";
const IN_STEP: &str = "parts of a column are appended together";
