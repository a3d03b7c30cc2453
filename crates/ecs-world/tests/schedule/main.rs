//! Schedules and systems.

mod changing;
mod commands;
mod common;
mod events;
mod exclusive;
mod failures;
mod names;
mod order;
mod phases;
mod pipes;
mod plans;
mod rhythm;
mod sharing;
mod sub_schedules;
mod systems;
mod threads;
