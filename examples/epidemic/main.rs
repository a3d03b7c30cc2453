//! The main job: an epidemic carried by real flights.
#![forbid(unsafe_code)]
fn main() {}
