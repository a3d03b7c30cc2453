//! Memory asked for before it is read.

/// Asks memory for the line of a place, so that it is near when it is used. The place
/// may be anywhere: nothing is read.
#[inline(always)]
pub(crate) fn prefetch<T>(place: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch of whatever address does nothing that can be seen.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
    }
    // Others look up in blocks all the same, and leave the rest to the processor.
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = place;
}
