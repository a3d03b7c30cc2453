//! Choices out of bytes.

use crate::differential::Pick;

/// Gives out choices, a byte each. When the bytes are used up, all that is left is
/// the first choice.
pub(super) struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Tells whether the bytes are used up.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the next byte.
    pub(super) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// Returns a number below `end`.
    pub(super) fn below(&mut self, end: u8) -> u8 {
        self.byte() % end
    }

    /// Returns which known id something is about: mostly one of the first.
    pub(super) fn pick(&mut self) -> Pick {
        match self.byte() {
            low @ 0..192 => low % 16,
            high => high - 192,
        }
    }

    /// Returns how many rows there are: few, since what an input costs follows its rows,
    /// and a fuzzer that counts how often code runs goes where they are many.
    pub(super) fn rows(&mut self) -> u8 {
        self.below(10)
    }

    /// Returns a small number that is not negative.
    pub(super) fn value(&mut self) -> i32 {
        self.below(100).into()
    }

    /// Returns fewer than `end` items.
    pub(super) fn list<T>(&mut self, end: u8, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.below(end);
        (0..count).map(|_| item(self)).collect()
    }
}
