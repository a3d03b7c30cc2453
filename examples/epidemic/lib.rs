//! An epidemic carried by real flights: the parts of the program `epidemic`.
//!
//! `docs/guide/epidemic.md` tells the model's rules, with parameters, units and sources.

#![forbid(unsafe_code)]

pub mod apportion;
pub mod atomic_file;
pub mod calendar;
pub mod catchment;
pub mod cli;
pub mod departure_board;
pub mod draws;
pub mod effective_distance;
pub mod error;
pub mod final_size;
pub mod geo;
pub mod hazard;
pub mod input;
pub mod number;
pub mod outputs;
pub mod parameters;
pub mod philox;
pub mod picture;
pub mod poisson;
pub mod progress;
pub mod purpose;
pub mod queues;
pub mod rss;
pub mod rules;
pub mod run;
pub mod scenario;
pub mod settlement;
pub mod simulation;
pub mod statistics;
#[cfg(feature = "postgres")]
pub mod store;
pub mod timetable;
