//! Choices out of bytes.

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
