//! Where values are read from: memory, or what serde and postcard wrote.

use serde::Deserialize;

use super::Unfit;
use super::number::Number;

/// A value that is read part by part, in the order of its schema.
pub(super) trait Source {
    fn number<N: Number>(&mut self) -> Result<N, Unfit>;
    fn boolean(&mut self) -> Result<bool, Unfit>;
    fn text(&mut self) -> Result<&str, Unfit>;
    fn character(&mut self) -> Result<char, Unfit>;
    /// Tells whether an optional value is there.
    fn presence(&mut self) -> Result<bool, Unfit>;
    /// Reads how many values a list or map has.
    fn count(&mut self) -> Result<usize, Unfit>;
    /// Reads which variant an enum is.
    fn variant(&mut self) -> Result<u32, Unfit>;
    /// Reads that many bytes.
    fn bytes(&mut self, count: usize) -> Result<&[u8], Unfit>;

    /// Returns the place that has been reached.
    fn here(&self) -> usize {
        0
    }

    /// Goes to a place. Values that postcard wrote follow each other, and have none.
    fn go(&mut self, _place: usize) {}
}

/// A value in memory, without padding, every pattern of which is valid.
pub(super) struct Memory<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Memory<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

/// Kinds that lie in memory are numbers, and arrays and structs of them.
const NOT_IN_MEMORY: &str = "a layout reads from memory what has a size there";

impl Source for Memory<'_> {
    fn number<N: Number>(&mut self) -> Result<N, Unfit> {
        let bytes = self.bytes(size_of::<N>())?;
        Ok(bytemuck::pod_read_unaligned(bytes))
    }

    fn boolean(&mut self) -> Result<bool, Unfit> {
        unreachable!("{NOT_IN_MEMORY}")
    }

    fn text(&mut self) -> Result<&str, Unfit> {
        unreachable!("{NOT_IN_MEMORY}")
    }

    fn character(&mut self) -> Result<char, Unfit> {
        unreachable!("{NOT_IN_MEMORY}")
    }

    fn presence(&mut self) -> Result<bool, Unfit> {
        unreachable!("{NOT_IN_MEMORY}")
    }

    fn count(&mut self) -> Result<usize, Unfit> {
        unreachable!("{NOT_IN_MEMORY}")
    }

    fn variant(&mut self) -> Result<u32, Unfit> {
        unreachable!("{NOT_IN_MEMORY}")
    }

    fn bytes(&mut self, count: usize) -> Result<&[u8], Unfit> {
        let bytes = self.bytes.get(self.at..self.at + count);
        self.at += count;
        bytes.ok_or_else(|| Unfit("a field lies outside of its value".to_owned()))
    }

    fn here(&self) -> usize {
        self.at
    }

    fn go(&mut self, place: usize) {
        self.at = place;
    }
}

/// Values in postcard's format, one after another.
pub(super) struct Encoded<'a>(&'a [u8]);

impl<'a> Encoded<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns what has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    fn take<T: Deserialize<'a>>(&mut self) -> Result<T, Unfit> {
        let (value, rest) = postcard::take_from_bytes(self.0)?;
        self.0 = rest;
        Ok(value)
    }
}

impl Source for Encoded<'_> {
    fn number<N: Number>(&mut self) -> Result<N, Unfit> {
        self.take()
    }

    fn boolean(&mut self) -> Result<bool, Unfit> {
        self.take()
    }

    fn text(&mut self) -> Result<&str, Unfit> {
        self.take()
    }

    fn character(&mut self) -> Result<char, Unfit> {
        self.take()
    }

    fn presence(&mut self) -> Result<bool, Unfit> {
        // Written as a `bool` is.
        self.take()
    }

    fn count(&mut self) -> Result<usize, Unfit> {
        let count: usize = self.take()?;
        // A value takes a byte at least, wherever a list of this kind is a column.
        match count <= self.0.len() {
            true => Ok(count),
            false => Err(Unfit(format!("{count} values in {} bytes", self.0.len()))),
        }
    }

    fn variant(&mut self) -> Result<u32, Unfit> {
        self.take()
    }

    fn bytes(&mut self, count: usize) -> Result<&[u8], Unfit> {
        let ends = || Unfit("the bytes of a value end early".to_owned());
        let (bytes, rest) = self.0.split_at_checked(count).ok_or_else(ends)?;
        self.0 = rest;
        Ok(bytes)
    }
}
