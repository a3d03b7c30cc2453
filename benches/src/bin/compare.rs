//! Every engine beside this one, in one table a row.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::Parser;
use ecs_benches::compare::{Contender, Row, Size, Table, measure, standings};
use ecs_benches::{keep_memory, rows};

/// Measures this engine, its peers, and loops written by hand, in turn.
#[derive(Parser)]
struct Arguments {
    /// Rows to measure; all of them if none is named.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    row: Vec<String>,
    /// Contenders to measure, such as `hecs` or `hecs/for_each`; all of them if
    /// none is named.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    contender: Vec<String>,
    /// Seconds of measured work for each contender, at least.
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    seconds: f64,
    /// Writes the figures to a file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Prints rows and contenders, and measures nothing.
    #[arg(long)]
    list: bool,
}

impl Arguments {
    fn wants_contender(&self, contender: &Contender) -> bool {
        let named = |name: &String| name == contender.name || name == contender.engine();
        self.contender.is_empty() || self.contender.iter().any(named)
    }

    /// Returns the rows that are named.
    fn rows(&self) -> Result<Vec<Row>, String> {
        let mut rows = rows::rows(Size::Full);
        if let Some(name) = self.row.iter().find(|name| !rows.iter().any(|row| row.name == **name))
        {
            return Err(format!("there is no row {name}; `--list` prints them"));
        }
        rows.retain(|row| self.row.is_empty() || self.row.iter().any(|name| name == row.name));
        for row in &mut rows {
            row.contenders.retain(|contender| self.wants_contender(contender));
        }
        rows.retain(|row| !row.contenders.is_empty());
        match rows.is_empty() {
            true => Err("no row has such a contender; `--list` prints them".to_owned()),
            false => Ok(rows),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let rows = arguments.rows()?;
    if arguments.list {
        list(&rows);
        return Ok(());
    }
    keep_memory();
    let mut json = match &arguments.json {
        Some(path) => Some(BufWriter::new(File::create(path)?)),
        None => None,
    };
    for row in &rows {
        let samples = measure(row, arguments.seconds)?;
        let standings = standings(row, &samples);
        println!("{}", Table { row, standings: &standings });
        if let Some(file) = &mut json {
            for standing in &standings {
                serde_json::to_writer(&mut *file, standing)?;
                writeln!(file)?;
            }
            file.flush()?;
        }
    }
    Ok(())
}

fn list(rows: &[Row]) {
    for row in rows {
        println!("{}: {}", row.name, row.about);
        for contender in &row.contenders {
            println!("  {}", contender.name);
        }
    }
}
