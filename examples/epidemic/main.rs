//! The main job: an epidemic carried by real flights.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    epidemic_model::run::run(std::env::args_os())
}
