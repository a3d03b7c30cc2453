//! The command line.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum};

use crate::calendar::DAY_MINUTES;

/// Simulates an epidemic that real flights carry from city to city.
///
/// Loads cities, airports and a week of US flights, lets an influenza-like illness
/// spread among the people, and leaves a summary, tables and pictures in a folder.
#[derive(Clone, Debug, Parser)]
#[command(name = "epidemic", version, allow_negative_numbers = true)]
pub struct Cli {
    /// Number of people, apportioned to the cities by population
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = people)]
    pub people: u32,

    /// Length of the run, in days from the first start
    #[arg(long, value_name = "D", default_value_t = 60, value_parser = days)]
    pub days: u32,

    /// Length of a tick, in minutes; a divisor of 1440
    #[arg(long, value_name = "M", default_value_t = 60, value_parser = tick_minutes)]
    pub tick_minutes: u32,

    /// Number from which every random draw is derived
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = whole::<u64>)]
    pub seed: u64,

    /// Basic reproduction number: how many people one case infects when all are susceptible
    #[arg(long, value_name = "R", default_value_t = 2.5, value_parser = r0)]
    pub r0: f64,

    /// Mean time from infection until a person infects others, in days
    #[arg(long, value_name = "DAYS", default_value_t = 1.0, value_parser = mean_days)]
    pub latent_days: f64,

    /// Mean time for which a person infects others, in days
    #[arg(long, value_name = "DAYS", default_value_t = 2.0, value_parser = mean_days)]
    pub infectious_days: f64,

    /// Number of people exposed at the start
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = whole::<u32>)]
    pub first_cases: u32,

    /// City of the first cases: "Name" or "Name, State" [default: the largest]
    #[arg(long, value_name = "NAME")]
    pub first_city: Option<String>,

    /// Number of threads [default: all processors]
    #[arg(long, value_name = "T", value_parser = threads)]
    pub threads: Option<usize>,

    /// Where the entities are stored
    #[arg(long, value_enum, default_value_t = Backend::Archetype)]
    pub backend: Backend,

    /// Folder of us-cities.csv, us-airports.csv and the flights [default: the one that comes
    /// with the program]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Another week's flights, plain or gzip, of the same columns [default: the data folder's]
    #[arg(long, value_name = "FILE")]
    pub flights: Option<PathBuf>,

    /// Leave the flights out
    #[arg(long, conflicts_with = "flights")]
    pub no_flights: bool,

    /// Let everybody live in one city, that of the first cases
    #[arg(long)]
    pub single_city: bool,

    /// Number of runs, with seeds from S on; the summary has medians and quantiles
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = runs)]
    #[arg(conflicts_with_all = ["save", "resume"])]
    pub runs: u32,

    /// Print the schedule of systems first, also with --quiet
    #[arg(long)]
    pub plan: bool,

    /// Folder for the summary, the tables and the pictures
    #[arg(long, value_name = "DIR", default_value = "target/epidemic")]
    pub out: PathBuf,

    /// Save a checkpoint at the end
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,

    /// Save the checkpoint during the run too, each time this many days have passed
    #[arg(long, value_name = "DAYS", requires = "save", value_parser = days)]
    pub save_every: Option<u32>,

    /// Go on from a checkpoint up to --days
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,

    /// Where the run is committed.
    #[cfg(feature = "postgres")]
    #[command(flatten)]
    pub store: crate::store::StoreOptions,

    /// Print nothing but errors
    #[arg(long)]
    pub quiet: bool,
}

/// Where the entities are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// In contiguous columns: fast
    Archetype,
    /// In a map of maps: slow and simple, to compare with
    Local,
}

impl Backend {
    /// The name on the command line and in the summary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Archetype => "archetype",
            Self::Local => "local",
        }
    }
}

/// The command line with the names of the options that were really given.
///
/// A default never contradicts a checkpoint, an option that was given may.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// All options.
    pub cli: Cli,
    given: BTreeSet<String>,
}

impl Arguments {
    /// Reads the arguments, the program's name first.
    ///
    /// # Errors
    /// clap's own error, which prints itself; asking for help is one too.
    pub fn parse<T>(arguments: impl IntoIterator<Item = T>) -> Result<Self, clap::Error>
    where
        T: Into<OsString> + Clone,
    {
        let mut command = Cli::command();
        let matches = command.try_get_matches_from_mut(arguments)?;
        let given = matches
            .ids()
            .filter(|id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine))
            .map(|id| id.as_str().replace('_', "-"))
            .collect();
        let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        Ok(Self { cli, given })
    }

    /// Tells whether an option, named without its dashes, was given.
    #[must_use]
    pub fn has(&self, option: &str) -> bool {
        self.given.contains(option)
    }
}

/// Reads a whole number from 1 to a limit.
fn count(text: &str, what: &str, largest: u32) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=largest).contains(number));
    number.ok_or_else(|| format!("expected a whole number of {what} from 1 to {largest}"))
}

fn people(text: &str) -> Result<u32, String> {
    count(text, "people", 1_000_000_000)
}

/// Up to a hundred years: ticks of a minute still fit in 32 bits.
pub(crate) fn days(text: &str) -> Result<u32, String> {
    count(text, "days", 36_500)
}

#[cfg(feature = "postgres")]
pub(crate) fn commits(text: &str) -> Result<u64, String> {
    count(text, "commits", u32::MAX).map(u64::from)
}

fn runs(text: &str) -> Result<u32, String> {
    count(text, "runs", 10_000)
}

fn threads(text: &str) -> Result<usize, String> {
    count(text, "threads", 1_024).map(|threads| threads as usize)
}

fn tick_minutes(text: &str) -> Result<u32, String> {
    let minutes = count(text, "minutes", DAY_MINUTES)?;
    let divides = DAY_MINUTES.is_multiple_of(minutes);
    divides.then_some(minutes).ok_or_else(|| format!("expected a divisor of {DAY_MINUTES}"))
}

/// Reads a number that may be 0.
fn whole<N: FromStr>(text: &str) -> Result<N, String> {
    let expected =
        || format!("expected a whole number of {} bits, not below 0", 8 * size_of::<N>());
    text.parse().map_err(|_| expected())
}

/// Reads a number above 0 and up to a limit.
fn positive(text: &str, largest: f64) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|&number| number > 0.0 && number <= largest);
    number.ok_or_else(|| format!("expected a positive number up to {largest}"))
}

fn r0(text: &str) -> Result<f64, String> {
    positive(text, 1_000.0)
}

fn mean_days(text: &str) -> Result<f64, String> {
    positive(text, 36_500.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::parse(line.split_whitespace())
    }

    #[test]
    fn the_command_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let cli = parse("epidemic").unwrap().cli;
        assert_eq!((cli.people, cli.days, cli.tick_minutes, cli.seed), (1_000_000, 60, 60, 1));
        assert_eq!((cli.r0, cli.latent_days, cli.infectious_days), (2.5, 1.0, 2.0));
        assert_eq!((cli.first_cases, cli.runs, cli.backend), (100, 1, Backend::Archetype));
        assert_eq!(cli.out, PathBuf::from("target/epidemic"));
    }

    #[test]
    fn what_was_given_is_told_from_the_default() {
        let arguments = parse("epidemic --people 1000000 --tick-minutes=60").unwrap();
        assert!(arguments.has("people") && arguments.has("tick-minutes"));
        assert!(!arguments.has("seed") && !arguments.has("no-flights"));
    }

    #[test]
    fn help_tells_the_default_of_every_option_with_a_value() {
        for argument in Cli::command().get_arguments().filter(|a| a.get_action().takes_values()) {
            let help = argument.get_help().unwrap().to_string();
            let told = help.contains("[default: ") || !argument.get_default_values().is_empty();
            let none =
                ["save", "save_every", "resume", "url"].contains(&argument.get_id().as_str());
            assert!(told || none, "{}", argument.get_id());
        }
    }

    #[test]
    fn values_out_of_range_are_refused_with_the_range() {
        for (options, message) in [
            ("--people 0", "expected a whole number of people from 1 to 1000000000"),
            ("--people -5", "expected a whole number of people from 1 to 1000000000"),
            ("--people 1e6", "expected a whole number of people"),
            ("--days 0", "expected a whole number of days from 1 to 36500"),
            ("--days -1", "expected a whole number of days from 1 to 36500"),
            ("--tick-minutes 0", "expected a whole number of minutes from 1 to 1440"),
            ("--tick-minutes 7", "expected a divisor of 1440"),
            ("--threads 0", "expected a whole number of threads from 1 to 1024"),
            ("--runs 0", "expected a whole number of runs from 1 to 10000"),
            ("--r0 0", "expected a positive number up to 1000"),
            ("--r0 -2", "expected a positive number"),
            ("--r0 NaN", "expected a positive number"),
            ("--r0 inf", "expected a positive number"),
            ("--latent-days 0", "expected a positive number up to 36500"),
            ("--infectious-days nought", "expected a positive number"),
            ("--first-cases -1", "expected a whole number of 32 bits, not below 0"),
            ("--seed -1", "expected a whole number of 64 bits, not below 0"),
            ("--backend disk", "possible values: archetype, local"),
            ("--save-every 3", "--save <FILE>"),
            ("--no-flights --flights f.csv", "cannot be used with"),
            ("--runs 2 --resume f", "cannot be used with"),
        ] {
            let error = parse(&format!("epidemic {options}")).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{options}");
            let text = error.to_string();
            assert!(text.contains(message), "{options}: {text}");
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn the_address_of_a_store_is_not_shown() {
        let url = "--store postgresql://me:secret@host/db";
        let arguments = parse(&format!("epidemic {url} --store-schema s")).unwrap();
        assert!(!format!("{arguments:?}").contains("secret"));
        assert_eq!((arguments.cli.store.every, &*arguments.cli.store.schema), (1, "s"));
        for (options, message) in [
            (format!("{url} --runs 2"), "cannot be used with"),
            (format!("{url} --resume f"), "cannot be used with"),
            (format!("{url} --store-every 0"), "expected a whole number of days"),
            (format!("{url} {url}"), "cannot be used multiple times"),
            (format!("{url} --store-rows-every 0"), "expected a whole number of commits"),
            ("--store-every 2".to_owned(), "--store <URL>"),
            ("--store-rows-every 2".to_owned(), "--store <URL>"),
            ("--store-skip".to_owned(), "--store <URL>"),
            ("--store-schema s".to_owned(), "--store <URL>"),
            ("--stor=postgresql://me:secret@host/db".to_owned(), "--stor"),
        ] {
            let text = parse(&format!("epidemic {options}")).unwrap_err().to_string();
            assert!(text.contains(message) && !text.contains("secret"), "{options}: {text}");
        }
    }
}
