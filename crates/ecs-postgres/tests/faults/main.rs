//! Faults: whatever breaks, nothing acknowledged is lost, nothing is half there, and
//! every error says whether to try again.
//!
//! `ECS_FAULT_ROUNDS` says how often each fault strikes.

mod child;
mod clients;
mod cut;
mod disk;
mod drops;
mod injection;
mod journal;
mod kill;
mod model;
mod nonsense;
mod rights;
mod rivals;
mod secrets;
mod servers;
#[cfg(feature = "tls")]
mod tls;
#[path = "../common/world.rs"]
mod world;

/// How often each fault strikes.
fn rounds() -> usize {
    let asked = std::env::var("ECS_FAULT_ROUNDS").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(50)
}
