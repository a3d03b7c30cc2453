//! What is asked of memory: that it may be refused, and how much is taken.
//!
//! Apart from the other tests, since the allocator is the whole program's. What it
//! is told holds for the thread that tells it.

mod allocator;
mod bounded;
mod cuts;
mod refused;
