//! The summary: what a person, or another program, checks a run by.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::number::grouped;
use crate::statistics::Quantiles;

/// The content of `summary.json`. The names of the fields are its keys.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Number of people.
    pub people: u32,
    /// Days from the first start.
    pub days: u32,
    /// Ticks from the first start.
    pub ticks: u32,
    /// Minutes a tick.
    pub tick_minutes: u32,
    /// What every draw was derived from.
    pub seed: u64,
    /// The basic reproduction number.
    pub r0: f64,
    /// Number of threads.
    pub threads: usize,
    /// Where the entities were stored.
    pub backend: String,
    /// Number of cities.
    pub cities: usize,
    /// Number of airports in the airport file.
    pub airports: usize,
    /// Number of rows in the flight file.
    pub flights_in_file: usize,
    /// How many of them repeat an earlier one.
    pub duplicate_rows: u64,
    /// How many have a delay below -60 minutes.
    pub early_outliers: u64,
    /// Flights that left in the first seven days, by the code of the airport.
    pub departures: BTreeMap<String, u64>,
    /// The largest difference of a leg's length in the file from the great circle, in miles.
    pub max_leg_error_mi: f64,
    /// People who boarded a flight.
    pub passengers: u64,
    /// Share of the people who were ever infected.
    pub attack_rate: f64,
    /// The day at whose end most people were infectious.
    pub peak_day: u32,
    /// How many they were.
    pub peak_infectious: u32,
    /// Correlation of the day of an airport's first case with its effective distance; `None`
    /// when there is nothing to correlate.
    pub arrival_correlation: Option<f64>,
    /// Whether the people added up in every tick.
    pub conserved: bool,
    /// How often an entity changed its archetype.
    pub archetype_moves: u64,
    /// The final state in one number, in hexadecimal digits.
    pub state_hash: String,
    /// Seconds for reading the input and making the entities.
    pub load_s: f64,
    /// Seconds for the simulation.
    pub simulate_s: f64,
    /// People times ticks of this session, a second.
    pub person_ticks_per_s: f64,
    /// Seconds by system.
    pub system_s: BTreeMap<String, f64>,
    /// The largest resident set in bytes; 0 where the system does not tell.
    pub peak_rss_bytes: u64,
    /// The spread over several runs; absent after one. All else is of the first run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<Runs>,
}

/// The spread over runs that differ in their seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Runs {
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Of the share of the people who were ever infected.
    pub attack_rate: Option<Quantiles>,
    /// Of the day at whose end most people were infectious.
    pub peak_day: Option<Quantiles>,
    /// Of how many they were.
    pub peak_infectious: Option<Quantiles>,
    /// Of the people who boarded a flight.
    pub passengers: Option<Quantiles>,
    /// Of the correlation of arrival and distance, over the runs that have one.
    pub arrival_correlation: Option<Quantiles>,
}

impl Runs {
    /// Summarises runs.
    #[must_use]
    pub fn of(runs: &[Summary]) -> Self {
        let quantiles = |of: &dyn Fn(&Summary) -> Option<f64>| {
            Quantiles::of(runs.iter().filter_map(of).collect())
        };
        Self {
            seeds: runs.iter().map(|run| run.seed).collect(),
            attack_rate: quantiles(&|run| Some(run.attack_rate)),
            peak_day: quantiles(&|run| Some(f64::from(run.peak_day))),
            peak_infectious: quantiles(&|run| Some(f64::from(run.peak_infectious))),
            passengers: quantiles(&|run| Some(run.passengers as f64)),
            arrival_correlation: quantiles(&|run| run.arrival_correlation),
        }
    }
}

impl Summary {
    /// Writes the summary as indented JSON with a line end.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("a summary has only plain fields");
        json.push(b'\n');
        json
    }

    /// Tells whether a folder has the summary of a run of so many days that ended so.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn is_left(folder: &std::path::Path, days: u32, state_hash: u64) -> bool {
        let json = std::fs::read(folder.join("summary.json")).unwrap_or_default();
        let summary: serde_json::Value = serde_json::from_slice(&json).unwrap_or_default();
        summary["days"] == days && summary["state_hash"] == *format!("{state_hash:016x}")
    }
}

/// Writes what a person checks a run by.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |number: u64| grouped(number as f64);
        let mut busiest: Vec<_> = self.departures.iter().collect();
        busiest.sort_by_key(|&(_, &flights)| std::cmp::Reverse(flights));
        let busiest: Vec<String> = busiest
            .iter()
            .take(5)
            .map(|&(code, &flights)| format!("{code} {}", count(flights)))
            .collect();
        let busiest = if busiest.is_empty() { "none".to_owned() } else { busiest.join(", ") };
        let correlation = self.arrival_correlation.map_or("none".to_owned(), |r| format!("{r:.2}"));
        let mut line = |name: &str, value: String| writeln!(f, "{name:>22}  {value}");

        line("people", count(self.people.into()))?;
        line("days", format!("{} of {} ticks", self.days, self.ticks / self.days.max(1)))?;
        line(
            "flights in the file",
            format!(
                "{} ({} duplicate rows, {} delays below -60 min, all kept)",
                count(self.flights_in_file as u64),
                self.duplicate_rows,
                self.early_outliers
            ),
        )?;
        let when = match self.days {
            1 => "departures in a day".to_owned(),
            days @ 2..7 => format!("departures in {days} days"),
            _ => "departures in a week".to_owned(),
        };
        line(&when, busiest)?;
        line("leg off great circle", format!("at most {:.1} mi", self.max_leg_error_mi))?;
        line("passengers", count(self.passengers))?;
        line("ever infected", format!("{:.1} %", 100.0 * self.attack_rate))?;
        line(
            "peak",
            format!("day {}, {} infectious", self.peak_day, count(self.peak_infectious.into())),
        )?;
        line("arrival by distance", format!("Pearson r {correlation}"))?;
        line("people conserved", if self.conserved { "in every tick" } else { "NO" }.to_owned())?;
        line("archetype moves", count(self.archetype_moves))?;
        line("state hash", self.state_hash.clone())?;
        line("load", format!("{:.2} s", self.load_s))?;
        line(
            "simulate",
            format!(
                "{:.2} s, {} person-ticks a second, {} threads, {}",
                self.simulate_s,
                grouped(self.person_ticks_per_s),
                self.threads,
                self.backend
            ),
        )?;
        line("memory", format!("{:.0} MB at most", self.peak_rss_bytes as f64 / 1e6))?;
        let Some(runs) = &self.runs else { return Ok(()) };
        if let Some(spread) = runs.attack_rate {
            line(
                "ever infected",
                format!(
                    "median {:.1} %, from {:.1} to {:.1} % in nine runs of ten, of {}",
                    100.0 * spread.median,
                    100.0 * spread.q05,
                    100.0 * spread.q95,
                    runs.seeds.len()
                ),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
