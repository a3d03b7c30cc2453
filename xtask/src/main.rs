//! Chores, the same for people and for continuous integration.
//!
//! `cargo xtask` alone lists them; `cargo xtask test` runs every check.

mod asan;
mod command;
mod compile_time;
mod docs;
mod examples;
mod fuzz;
mod instructions;
mod lint;
mod loom;
mod measure;
mod miri;
mod postgres;
mod report;
mod rooms;
mod tsan;
mod unit;
mod workspace;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use report::Report;

/// Runs the chores of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    chore: Option<Chore>,
}

#[derive(Subcommand)]
enum Chore {
    /// Runs every check: all of the chores below down to `unit`.
    Test,
    /// Sees to the PostgreSQL server that tests start; it is installed if it may be.
    Postgres,
    /// Checks that unsafe code stands only in the rooms of docs/unsafe.md.
    Rooms,
    /// Checks formatting and clippy.
    Lint,
    /// Builds the documentation; a warning is an error.
    Docs,
    /// Runs every example at a small size.
    Examples,
    /// Runs the tests of crates/ under AddressSanitizer (needs nightly).
    Asan,
    /// Runs the tests of several threads under ThreadSanitizer (needs nightly).
    Tsan,
    /// Explores every interleaving of what threads change without a lock.
    Loom,
    /// Runs unit tests of the crates with unsafe code under Miri, if installed.
    Miri,
    /// Counts the instructions of the hot paths (needs valgrind), and compares with
    /// benches/instructions/counts.json.
    Instructions {
        /// Keeps what was counted instead.
        #[arg(long)]
        update: bool,
    },
    /// Runs every test and doctest.
    Unit,
    /// Compares the backends with the oracle for many operations.
    Differential {
        /// How many operations.
        #[arg(long, default_value_t = 1_000_000)]
        ops: u64,
    },
    /// Runs the fuzz targets, going on from what they found before (needs nightly;
    /// cargo-fuzz is installed if it is missing).
    Fuzz {
        /// One target: restore, delta, journal, update_batch or operations; all if it is left out.
        #[arg(long)]
        target: Option<String>,
        /// How many inputs each target runs.
        #[arg(long)]
        runs: Option<u64>,
        /// For how many seconds each target runs: 60, unless runs are given.
        #[arg(long)]
        seconds: Option<u64>,
        /// Builds without AddressSanitizer and debug assertions: for many inputs.
        #[arg(long)]
        fast: bool,
    },
    /// Times builds of a program of 50 components and 100 systems, with this engine
    /// and with bevy_ecs.
    CompileTime,
    /// Runs the benchmarks.
    Bench {
        /// What criterion gets, such as a part of a benchmark's name.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let Some(chore) = Arguments::parse().chore else {
        // Without a chore it is a question, not a mistake.
        return match Arguments::command().print_help() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    };
    let mut report = Report::default();
    match chore {
        Chore::Test => test(&mut report),
        Chore::Postgres => postgres::check(&mut report),
        Chore::Rooms => rooms::check(&mut report),
        Chore::Lint => lint::check(&mut report),
        Chore::Docs => docs::check(&mut report),
        Chore::Examples => {
            postgres::check(&mut report);
            examples::check(&mut report);
        }
        Chore::Asan => asan::check(&mut report),
        Chore::Tsan => tsan::check(&mut report),
        Chore::Loom => loom::check(&mut report),
        Chore::Miri => miri::check(&mut report),
        Chore::Unit => {
            postgres::check(&mut report);
            unit::check(&mut report);
        }
        Chore::Instructions { update } => instructions::check(&mut report, update),
        Chore::Differential { ops } => measure::differential(&mut report, ops),
        Chore::Fuzz { target, runs, seconds, fast } => {
            fuzz::fuzz(&mut report, &fuzz::Wish { target, runs, seconds, fast });
        }
        Chore::CompileTime => compile_time::measure(&mut report),
        Chore::Bench { arguments } => measure::bench(&mut report, &arguments),
    }
    report.close()
}

/// Runs every check. The plain tests come last, so that their closing lines
/// stand just above the summary.
fn test(report: &mut Report) {
    postgres::check(report);
    rooms::check(report);
    lint::check(report);
    docs::check(report);
    examples::check(report);
    asan::check(report);
    tsan::check(report);
    loom::check(report);
    miri::check(report);
    instructions::check(report, false);
    unit::check(report);
}
