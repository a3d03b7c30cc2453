//! A row as text for people.

use std::fmt;

use super::standing::Standing;
use crate::figure;

/// The figures of one row, which print as a table.
#[derive(Debug)]
pub struct Table<'a>(pub &'a [Standing]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Standing { row, about, items, unit, .. }) = self.0.first() else { return Ok(()) };
        writeln!(f, "{row}: {about} ({items} items, {})", unit.name())?;
        let (median, min) = ("median", "min");
        writeln!(
            f,
            "  {:<26}{median:>12}{min:>12}{:>10}{:>10}{:>10}{:>9}",
            "contender", "per item", "vs peer", "vs limit", "samples"
        )?;
        for standing in self.0 {
            writeln!(
                f,
                "  {:<26}{:>12}{:>12}{:>10}{:>10}{:>10}{:>9}",
                standing.contender,
                figure(standing.median),
                figure(standing.min),
                figure(standing.per_item()),
                ratio(standing.vs_best_peer),
                ratio(standing.vs_limit),
                standing.samples,
            )?;
        }
        Ok(())
    }
}

/// Writes a ratio, if there is one.
pub(super) fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}
