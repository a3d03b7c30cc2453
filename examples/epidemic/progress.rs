//! Showing how far the simulation is.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::number::grouped;
use crate::outputs::series::DayCounts;

/// Where no line can be drawn over, a new one is written this often.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows the day, the speed and the counts on the standard error.
///
/// A bar on a terminal; elsewhere, in a log say, a line every few seconds; nothing when
/// it is to be quiet.
#[derive(Debug)]
pub struct Progress {
    days: u32,
    person_ticks_a_day: f64,
    first_day: u32,
    start: Instant,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines { last: Instant },
    Nothing,
}

impl Progress {
    /// Begins to show a run of `days` days, of which `done` were simulated before.
    #[must_use]
    pub fn new(days: u32, done: u32, people: u32, ticks_per_day: u32, quiet: bool) -> Self {
        let start = Instant::now();
        let shown = if quiet {
            Shown::Nothing
        } else if stderr().is_terminal() {
            Shown::Bar(bar(days, done))
        } else {
            Shown::Lines { last: start }
        };
        let person_ticks_a_day = f64::from(people) * f64::from(ticks_per_day);
        Self { days, person_ticks_a_day, first_day: done, start, shown }
    }

    /// Shows the end of a day.
    pub fn end_day(&mut self, counts: &DayCounts) {
        let seconds = self.start.elapsed().as_secs_f64().max(1e-9);
        let simulated = f64::from(counts.day.saturating_sub(self.first_day));
        let message = message(counts, simulated * self.person_ticks_a_day / seconds);
        match &mut self.shown {
            Shown::Bar(bar) => {
                bar.set_position(counts.day.into());
                bar.set_message(message);
            }
            Shown::Lines { last } if last.elapsed() >= LINE_EVERY => {
                *last = Instant::now();
                eprintln!("day {} of {}: {message}", counts.day, self.days);
            }
            Shown::Lines { .. } | Shown::Nothing => {}
        }
    }

    /// Says something that came up meanwhile.
    pub fn note(&self, text: &str) {
        match &self.shown {
            Shown::Bar(bar) => bar.println(text),
            Shown::Lines { .. } => eprintln!("{text}"),
            Shown::Nothing => {}
        }
    }

    /// Clears the bar.
    pub fn finish(self) {
        if let Shown::Bar(bar) = self.shown {
            bar.finish_and_clear();
        }
    }
}

fn bar(days: u32, done: u32) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "day {pos}/{len} {bar:24} {msg} [{elapsed} of about {duration}]",
    );
    let style = style.expect("the template is well formed").progress_chars("━━─");
    ProgressBar::new(days.into()).with_style(style).with_position(done.into())
}

fn message(counts: &DayCounts, person_ticks_per_s: f64) -> String {
    let count = |people: u32| grouped(people.into());
    format!(
        "susceptible {}, exposed {}, infectious {}, recovered {}, in flight {}; {} M person-ticks/s",
        count(counts.susceptible),
        count(counts.exposed),
        count(counts.infectious),
        count(counts.recovered),
        count(counts.in_flight),
        grouped(person_ticks_per_s / 1e6),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_counts_and_speed() {
        let counts = DayCounts {
            day: 3,
            susceptible: 90_000,
            exposed: 3,
            infectious: 5,
            recovered: 2,
            in_flight: 1,
            new_infections: 4,
        };
        let expected = "susceptible 90,000, exposed 3, infectious 5, recovered 2, in flight 1; 450 M person-ticks/s";
        assert_eq!(message(&counts, 4.5e8), expected);
        let mut quiet = Progress::new(3, 0, 100, 24, true);
        quiet.end_day(&counts);
        quiet.note("nobody hears it");
        quiet.finish();
        let mut bar = Progress { shown: Shown::Bar(bar(3, 1)), ..Progress::new(3, 1, 9, 24, true) };
        bar.end_day(&counts);
        bar.finish();
    }
}
