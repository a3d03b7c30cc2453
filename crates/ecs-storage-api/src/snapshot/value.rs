//! Single values as bytes. Most are as large as a number, and to copy or compare so many
//! bytes as are known at run time only would cost more than the value.

/// Tells whether two values are the same.
#[inline]
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    fn of<const N: usize>(one: &[u8], other: &[u8]) -> bool {
        one.first_chunk::<N>() == other.first_chunk::<N>()
    }
    match (one.len(), other.len()) {
        (2, 2) => of::<2>(one, other),
        (4, 4) => of::<4>(one, other),
        (8, 8) => of::<8>(one, other),
        _ => one == other,
    }
}

/// Replaces a value by another of its size, and tells whether they differ.
#[inline]
pub(super) fn replace_value(known: &mut [u8], new: &[u8]) -> bool {
    #[inline]
    fn of<const N: usize>(known: &mut [u8], new: &[u8]) -> bool {
        let (Some(known), Some(new)) = (known.first_chunk_mut::<N>(), new.first_chunk::<N>())
        else {
            return false;
        };
        let differs = known != new;
        *known = *new;
        differs
    }
    match known.len() {
        0 => false,
        2 => of::<2>(known, new),
        4 => of::<4>(known, new),
        8 => of::<8>(known, new),
        _ => {
            let differs = *known != *new;
            known.copy_from_slice(new);
            differs
        }
    }
}

/// Appends a value to bytes.
#[inline]
pub(super) fn append_value(value: &[u8], out: &mut Vec<u8>) {
    match value.len() {
        2 => out.extend(value.first_chunk::<2>().into_iter().flatten()),
        4 => out.extend(value.first_chunk::<4>().into_iter().flatten()),
        8 => out.extend(value.first_chunk::<8>().into_iter().flatten()),
        _ => out.extend_from_slice(value),
    }
}
