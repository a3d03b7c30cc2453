//! An order that no prefetcher guesses.

/// Returns `count` indices below `bound`, the same every time, without order.
pub fn scattered(count: usize, bound: usize) -> Vec<usize> {
    // A full-period linear congruential sequence (Knuth, MMIX) is enough to
    // defeat the prefetcher, and needs no dependency.
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let next = |_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    (0..count).map(next).collect()
}

/// Puts items out of order, the same way every time.
pub(crate) fn shuffled<T>(mut items: Vec<T>) -> Vec<T> {
    let count = items.len();
    for (at, other) in scattered(count, count).into_iter().enumerate() {
        items.swap(at, other);
    }
    items
}
