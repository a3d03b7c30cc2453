//! How each engine makes many entities, and sums up what it holds.

pub(crate) mod bevy;
pub(crate) mod flecs;
pub(crate) mod hecs;
pub(crate) mod legion;
pub(crate) mod ours;
pub(crate) mod shipyard;
pub(crate) mod sparsey;
pub(crate) mod specs;
