//! The main job: an epidemic carried by real flights.
fn main() {}
