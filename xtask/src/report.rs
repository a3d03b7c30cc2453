//! Steps, their times, and the summary at the end.

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Says how a step ended, if it did not fail.
pub(crate) enum Verdict {
    Passed,
    /// It could not be done here, for this reason.
    Skipped(String),
}

/// What a step gives back; a failure is told in words.
pub(crate) type StepResult = Result<Verdict, String>;

/// Runs steps one after the other and remembers how they went.
#[derive(Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

struct Line {
    name: String,
    time: Duration,
    result: StepResult,
}

impl Report {
    /// Runs one step. A failure does not keep the next ones from running, so that
    /// one run tells everything that is wrong.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> StepResult) {
        println!("\n==> {name}");
        let start = Instant::now();
        let result = work();
        let line = Line { name: name.to_owned(), time: start.elapsed(), result };
        println!("{line}");
        self.lines.push(line);
    }

    /// Prints the summary and says how the program ends.
    pub(crate) fn close(self) -> ExitCode {
        let count = |wanted: fn(&Line) -> bool| self.lines.iter().filter(|l| wanted(l)).count();
        let failed = count(|line| line.result.is_err());
        let skipped = count(|line| matches!(line.result, Ok(Verdict::Skipped(_))));
        let passed = self.lines.len() - failed - skipped;
        let time = self.lines.iter().map(|line| line.time).sum();

        println!("\n==> summary");
        for line in &self.lines {
            println!("{line}");
        }
        println!("{passed} ok, {skipped} skipped, {failed} failed in {}", seconds(time));
        match failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (verdict, words) = match &self.result {
            Ok(Verdict::Passed) => ("ok", ""),
            Ok(Verdict::Skipped(why)) => ("skipped", why.as_str()),
            Err(why) => ("FAILED", why.as_str()),
        };
        let line = format!("{verdict:<8} {:<28} {:>9}  {words}", self.name, seconds(self.time));
        f.write_str(line.trim_end())
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
