//! How much of the heap is in use, whoever asked for it.
//!
//! A counting `#[global_allocator]` would not see what C asks for, and slow down
//! every other row, so malloc itself is asked.
#![expect(unsafe_code, reason = "room: malloc's statistics")]

/// Returns the bytes that malloc has given out and not got back, its own words
/// beside each piece included.
pub(crate) fn live_bytes() -> usize {
    // SAFETY: mallinfo2 has no arguments and no conditions; it takes the locks
    // of the arenas that it reads.
    let statistics = unsafe { libc::mallinfo2() };
    statistics.uordblks + statistics.hblkhd
}
