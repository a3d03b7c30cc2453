//! How each engine makes many entities, and sums up what it holds.

pub(crate) mod bevy;
pub(crate) mod hecs;
pub(crate) mod ours;
