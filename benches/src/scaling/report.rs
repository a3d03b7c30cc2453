//! Points as tables and as plots.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::{Axis, Point};
use crate::chart::{Line, Lines, Owner, Panel};
use crate::figure;

/// Writes the points of one axis as a table in Markdown: a line an operation
/// and contender, a column a size.
pub fn markdown(points: &[Point], axis: Axis) -> String {
    let points: Vec<_> = points.iter().filter(|point| point.axis == axis).collect();
    let sizes = distinct(points.iter().map(|point| point.size));
    let mut text = format!("| ns an item | {} |\n", join(&sizes, |size| spaced(*size)));
    let _ = writeln!(text, "|---|{}", "--:|".repeat(sizes.len()));
    for line in distinct(points.iter().map(|point| (&point.operation, &point.contender))) {
        let of_line = |size: &usize| {
            let mut points = points.iter();
            points.find(|point| (&point.operation, &point.contender) == line && point.size == *size)
        };
        let name = match Owner::of(line.1) {
            Owner::Limit => format!("{}, by hand", line.0),
            _ => line.0.clone(),
        };
        let cells = join(&sizes, |size| of_line(size).map_or("-".to_owned(), |at| figure(at.ns)));
        let _ = writeln!(text, "| {name} | {cells} |");
    }
    text
}

/// Draws the points of each axis into `scaling_<axis>.svg` in a folder, which is
/// made if need be.
///
/// # Errors
/// If a file can't be written.
pub fn plot(points: &[Point], folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for axis in distinct(points.iter().map(|point| point.axis)) {
        let points: Vec<_> = points.iter().filter(|point| point.axis == axis).collect();
        let panels = distinct(points.iter().map(|point| &point.operation));
        let sheet = Lines {
            title: format!("Cost by number of {}", axis.name()),
            about: format!("up: nanoseconds an item; across: {}, logarithmic scale", axis.name()),
            panels: panels.into_iter().map(|operation| panel(&points, operation)).collect(),
        };
        sheet.draw(&folder.join(format!("scaling_{}.svg", axis.name())))?;
    }
    Ok(())
}

fn panel(points: &[&Point], operation: &str) -> Panel {
    let points = || points.iter().filter(|point| point.operation == operation);
    let line = |contender: &String| Line {
        owner: Owner::of(contender),
        points: points()
            .filter(|point| point.contender == *contender)
            .map(|point| (point.size as f64, point.ns))
            .collect(),
    };
    let contenders = distinct(points().map(|point| &point.contender));
    Panel { title: operation.to_owned(), lines: contenders.into_iter().map(line).collect() }
}

/// Returns each item once, in the order in which they come first.
fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut known = Vec::new();
    for item in items {
        if !known.contains(&item) {
            known.push(item);
        }
    }
    known
}

fn join(sizes: &[usize], cell: impl Fn(&usize) -> String) -> String {
    sizes.iter().map(cell).collect::<Vec<_>>().join(" | ")
}

/// Writes a number with commas between thousands.
fn spaced(number: usize) -> String {
    let digits = number.to_string();
    let pieces = digits.as_bytes().rchunks(3).rev();
    let pieces: Vec<_> = pieces.map(|piece| String::from_utf8_lossy(piece)).collect();
    pieces.join(",")
}
