//! How much memory a query goes through, for each row.

/// What one row of a query takes of memory.
#[derive(Debug, Clone, Copy)]
pub struct Footprint {
    /// In how many columns it lies.
    pub(crate) columns: usize,
    /// Bytes in all of them.
    pub(crate) bytes: usize,
    /// Bytes in the widest.
    pub(crate) widest: usize,
}

impl Footprint {
    pub(super) const NONE: Self = Self { columns: 0, bytes: 0, widest: 0 };

    /// Of one column of values of that type.
    pub(super) const fn of<T>() -> Self {
        let bytes = size_of::<T>();
        Self { columns: (bytes > 0) as usize, bytes, widest: bytes }
    }

    /// Of both.
    pub(super) const fn and(self, other: Self) -> Self {
        let widest = if self.widest > other.widest { self.widest } else { other.widest };
        let (columns, bytes) = (self.columns + other.columns, self.bytes + other.bytes);
        Self { columns, bytes, widest }
    }
}
