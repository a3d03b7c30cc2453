//! Where values are written to: memory, or the form that serde and postcard read.

use serde::Serialize;

use super::number::Number;

/// A value that is written part by part, in the order of its schema.
pub(super) trait Target {
    fn number<N: Number>(&mut self, number: N);
    fn boolean(&mut self, value: bool);
    fn text(&mut self, text: &str);
    fn character(&mut self, character: char);
    /// Says whether an optional value is there.
    fn presence(&mut self, is_there: bool);
    /// Says how many values a list or map has.
    fn count(&mut self, count: usize);
    /// Says which variant an enum is.
    fn variant(&mut self, variant: u32);
    fn bytes(&mut self, bytes: &[u8]);

    /// Returns the place that has been reached.
    fn here(&self) -> usize {
        0
    }

    /// Goes to a place. Values that postcard reads follow each other, and have none.
    fn go(&mut self, _place: usize) {}
}

/// Memory of one value.
pub(super) struct Memory<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl<'a> Memory<'a> {
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

/// Kinds that lie in memory are numbers, and arrays and structs of them.
const NOT_IN_MEMORY: &str = "a layout writes to memory what has a size there";

impl Target for Memory<'_> {
    fn number<N: Number>(&mut self, number: N) {
        self.bytes(bytemuck::bytes_of(&number));
    }

    fn boolean(&mut self, _: bool) {
        unreachable!("{NOT_IN_MEMORY}")
    }

    fn text(&mut self, _: &str) {
        unreachable!("{NOT_IN_MEMORY}")
    }

    fn character(&mut self, _: char) {
        unreachable!("{NOT_IN_MEMORY}")
    }

    fn presence(&mut self, _: bool) {
        unreachable!("{NOT_IN_MEMORY}")
    }

    fn count(&mut self, _: usize) {
        unreachable!("{NOT_IN_MEMORY}")
    }

    fn variant(&mut self, _: u32) {
        unreachable!("{NOT_IN_MEMORY}")
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.bytes[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    fn here(&self) -> usize {
        self.at
    }

    fn go(&mut self, place: usize) {
        self.at = place;
    }
}

/// Values in postcard's format, one after another.
pub(super) struct Encoded<'a>(&'a mut Vec<u8>);

impl<'a> Encoded<'a> {
    pub(super) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self(bytes)
    }

    fn put<T: Serialize + ?Sized>(&mut self, value: &T) {
        let bytes = std::mem::take(self.0);
        *self.0 = postcard::to_extend(value, bytes).expect("memory takes numbers and text");
    }
}

impl Target for Encoded<'_> {
    fn number<N: Number>(&mut self, number: N) {
        self.put(&number);
    }

    fn boolean(&mut self, value: bool) {
        self.put(&value);
    }

    fn text(&mut self, text: &str) {
        self.put(text);
    }

    fn character(&mut self, character: char) {
        self.put(&character);
    }

    fn presence(&mut self, is_there: bool) {
        // Read as a `bool` is.
        self.put(&is_there);
    }

    fn count(&mut self, count: usize) {
        self.put(&count);
    }

    fn variant(&mut self, variant: u32) {
        self.put(&variant);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}
