//! A row as text for people.

use std::fmt;

use super::row::Row;
use super::standing::Standing;

/// A row with its figures, which prints as a table.
#[derive(Debug)]
pub struct Table<'a> {
    /// The row.
    pub row: &'a Row,
    /// Its figures.
    pub standings: &'a [Standing],
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { name, about, items, unit, .. } = self.row;
        writeln!(f, "{name}: {about} ({items} items, {})", unit.name())?;
        let (median, min) = ("median", "min");
        writeln!(
            f,
            "  {:<26}{median:>12}{min:>12}{:>10}{:>10}{:>10}{:>9}",
            "contender", "per item", "vs peer", "vs limit", "samples"
        )?;
        for standing in self.standings {
            writeln!(
                f,
                "  {:<26}{:>12}{:>12}{:>10}{:>10}{:>10}{:>9}",
                standing.contender,
                figure(standing.median_ns),
                figure(standing.min_ns),
                figure(standing.per_item()),
                ratio(standing.vs_best_peer),
                ratio(standing.vs_limit),
                standing.samples,
            )?;
        }
        Ok(())
    }
}

/// Writes three digits that say something.
pub(super) fn figure(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.3}"),
        value if value < 100.0 => format!("{value:.2}"),
        value if value < 1000.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}
