//! What an item costs at every size, from what fits a cache to what does not.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use clap::Parser;
use ecs_benches::figures::{read_json, write_json};
use ecs_benches::keep_memory;
use ecs_benches::scaling::{Axis, Operation, Point, by_archetypes, by_entities};
use ecs_benches::scaling::{markdown, measure, plot};

/// Measures the main operations at growing numbers of entities and archetypes.
#[derive(Parser)]
struct Arguments {
    /// Seconds of measured work for each figure, at least.
    #[arg(long, value_name = "S", default_value_t = 0.3)]
    seconds: f64,
    /// The largest number of entities; the least is 10,000, and each is ten times
    /// the one before.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    max_entities: usize,
    /// The largest number of archetypes; the least is 1.
    #[arg(long, value_name = "N", default_value_t = 100_000,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_archetypes: u32,
    /// How many entities are spread over the archetypes.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    entities: usize,
    /// Writes the figures to a file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Takes the figures from a file that `--json` wrote, and measures nothing.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    from: Option<PathBuf>,
    /// Draws the figures into two files in DIR.
    #[arg(long, value_name = "DIR")]
    plot: Option<PathBuf>,
}

impl Arguments {
    fn measure(&self) -> Vec<Point> {
        let entities = sizes(10_000, self.max_entities);
        let archetypes = sizes(1, self.max_archetypes as usize);
        let mut points = self.grow(Axis::Entities, &by_entities(), &entities);
        points.extend(self.grow(Axis::Archetypes, &by_archetypes(self.entities), &archetypes));
        points
    }

    fn grow(&self, axis: Axis, operations: &[Operation], sizes: &[usize]) -> Vec<Point> {
        let mut points = Vec::new();
        for operation in operations {
            for &size in sizes {
                eprintln!("{}: {size} {}", operation.name, axis.name());
                points.extend(measure(operation, axis, size, self.seconds));
            }
        }
        points
    }
}

/// Returns the powers of ten from the first to the last.
fn sizes(first: usize, last: usize) -> Vec<usize> {
    let next = |size: &usize| size.checked_mul(10);
    std::iter::successors(Some(first), next).take_while(|size| *size <= last).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let points = match &arguments.from {
        Some(file) => read_json(file)?,
        None => {
            keep_memory();
            arguments.measure()
        }
    };
    if let Some(file) = &arguments.json {
        write_json(BufWriter::new(File::create(file)?), &points)?;
    }
    println!("{}", markdown(&points, Axis::Entities));
    println!("{}", markdown(&points, Axis::Archetypes));
    if let Some(folder) = &arguments.plot {
        plot(&points, folder)?;
    }
    Ok(())
}
