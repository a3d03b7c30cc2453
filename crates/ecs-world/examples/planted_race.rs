//! A race, planted under `rayon::join`, that ThreadSanitizer must report: proof
//! that it sees one there. No test, since it must fail: `cargo xtask tsan` runs it,
//! and fails if it ends well.
#![expect(unsafe_code, reason = "safe code has no race to plant")]

use std::hint::black_box;

/// A number that anybody may write.
struct Shared(*mut u64);

// SAFETY: none; this is the fault that is planted.
unsafe impl Sync for Shared {}

impl Shared {
    fn planted_write(&self) {
        for n in 0..100_000 {
            // SAFETY: the pointer is good. That two threads write is the fault.
            unsafe { *self.0 = black_box(*self.0 + n) };
        }
    }
}

fn main() {
    let mut number = 0;
    let shared = Shared(&raw mut number);
    // Of two threads at least, whatever the machine has.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    for _ in 0..20 {
        pool.install(|| rayon::join(|| shared.planted_write(), || shared.planted_write()));
    }
    black_box(number);
}
