//! The program from its arguments to its exit status.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::atomic_file::prepare_folder;
use crate::cli::Arguments;
use crate::error::Error;
use crate::scenario::Scenario;

/// The exit status when the input, an option or the place for the output is wrong.
const WRONG: u8 = 2;

/// Runs the program; the first argument is its name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::parse(arguments) {
        Ok(arguments) => arguments,
        Err(message) => {
            // clap writes help to the standard output and errors to the standard error;
            // where neither can be written there is nobody to tell.
            let _ = message.print();
            return ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(WRONG));
        }
    };
    match simulate(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(WRONG)
        }
    }
}

fn simulate(arguments: &Arguments) -> Result<(), Error> {
    let scenario = Scenario::begin(&arguments.cli)?;
    prepare_folder(&arguments.cli.out)?;
    if !arguments.cli.quiet {
        let input = &scenario.input;
        println!(
            "{} cities, {} airports, {} flights",
            input.cities.len(),
            input.airports.len(),
            input.flights().len()
        );
    }
    Ok(())
}
