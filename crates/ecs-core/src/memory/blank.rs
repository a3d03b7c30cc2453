//! Parts of a vector of bytes, written side by side.

use std::mem::MaybeUninit;

/// Room for bytes, filled from its beginning on.
#[derive(Debug)]
pub struct Blank<'v> {
    room: &'v mut [MaybeUninit<u8>],
    filled: usize,
}

impl Blank<'_> {
    /// Fills in the next bytes.
    ///
    /// # Panics
    /// If there is no room for them.
    pub fn push(&mut self, bytes: &[u8]) {
        let end = self.filled + bytes.len();
        self.room[self.filled..end].write_copy_of_slice(bytes);
        self.filled = end;
    }

    /// Tells whether nothing is left to be filled.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.filled == self.room.len()
    }
}

/// Makes a vector longer by parts of some lengths, which `fill` fills in any order, on
/// several threads if it likes. If `fill` panics, the vector is as it was.
///
/// # Panics
/// If `fill` leaves a part that is not full.
///
/// # Example
/// ```
/// let mut bytes = b"1".to_vec();
/// ecs_core::extend_by_parts(&mut bytes, &[1, 2], |parts| {
///     parts[1].push(b"34");
///     parts[0].push(b"2");
/// });
/// assert_eq!(bytes, b"1234");
/// ```
pub fn extend_by_parts(
    bytes: &mut Vec<u8>,
    lengths: &[usize],
    fill: impl for<'v> FnOnce(&mut [Blank<'v>]),
) {
    let all = lengths.iter().sum();
    bytes.reserve_exact(all);
    let mut rest = &mut bytes.spare_capacity_mut()[..all];
    let mut parts: Vec<_> = lengths
        .iter()
        .map(|&length| {
            let (room, behind) = std::mem::take(&mut rest).split_at_mut(length);
            rest = behind;
            Blank { room, filled: 0 }
        })
        .collect();
    fill(&mut parts);
    assert!(parts.iter().all(Blank::is_full), "every part is filled");
    drop(parts);
    // SAFETY: the parts were all of the room that is counted now. Each was full, and of
    // none but this vector: `fill` takes parts of any lifetime, so that those of another
    // vector can't be put in their place; and what is filled stays so.
    unsafe { bytes.set_len(bytes.len() + all) }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn parts_are_filled_on_several_threads() {
        let (mut bytes, lengths) = (vec![9], [3, 0, 100_000, 1]);
        extend_by_parts(&mut bytes, &lengths, |parts| {
            std::thread::scope(|scope| {
                for ((part, length), n) in parts.iter_mut().zip(lengths).zip(0..) {
                    scope.spawn(move || (0..length).for_each(|_| part.push(&[n])));
                }
            });
        });
        let expected = lengths.iter().zip(0..).flat_map(|(length, n)| vec![n; *length]);
        assert_eq!(bytes, std::iter::once(9).chain(expected).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_not_filled_or_too_much_is_refused() {
        let mut bytes = vec![1, 2];
        for count in [0, 1, 3] {
            let fill = || {
                extend_by_parts(&mut bytes, &[2], |parts| {
                    (0..count).for_each(|_| parts[0].push(b"x"));
                });
            };
            assert!(catch_unwind(AssertUnwindSafe(fill)).is_err(), "{count} of 2");
            assert_eq!(bytes, [1, 2]);
        }
        extend_by_parts(&mut bytes, &[], |parts| assert!(parts.is_empty()));
        assert_eq!(bytes, [1, 2]);
    }
}
