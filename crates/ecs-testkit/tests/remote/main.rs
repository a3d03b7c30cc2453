//! The contract of remote stores, its two adapters, and what happens when the
//! line between them fails.

mod blocking;
mod components;
mod faults;
mod pages;
mod tight;
mod wilful;
mod wire;
mod writes;
