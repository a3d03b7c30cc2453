//! A row as a chart.

use std::error::Error;
use std::fs;
use std::path::Path;

use super::standing::Standing;
use crate::chart::{Bar, Bars, Owner};

/// Draws the figures of one row into `<row>.svg` in a folder, which is made if
/// need be: a bar a contender, in the order of the row.
///
/// # Errors
/// If there are no figures, or the file can't be written.
pub fn plot(standings: &[Standing], folder: &Path) -> Result<(), Box<dyn Error>> {
    let Some(first) = standings.first() else { return Err("a row of nobody".into()) };
    let bars = standings.iter().map(|standing| Bar {
        name: standing.contender.clone(),
        value: standing.per_item(),
        owner: Owner::of(&standing.contender),
    });
    fs::create_dir_all(folder)?;
    let chart = Bars {
        title: first.row.clone(),
        about: first.about.clone(),
        unit: format!("{} an item, median of rounds of {}", first.unit.name(), first.items),
        bars: bars.collect(),
    };
    chart.draw(&folder.join(format!("{}.svg", first.row)))
}
