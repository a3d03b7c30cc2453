//! Every engine beside this one, in one table a row.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use clap::Parser;
use ecs_benches::compare::{Row, Size, Standing, Summary, Table, measure, plot, standings};
use ecs_benches::figures::{read_json, write_json};
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
    /// Takes the figures from files that `--json` wrote, and measures nothing.
    /// Of a row that is in several of them, the last one counts.
    #[arg(long, value_name = "FILE", value_delimiter = ',', conflicts_with = "json")]
    from: Vec<PathBuf>,
    /// Draws each row as a bar chart into DIR/ROW.svg.
    #[arg(long, value_name = "DIR")]
    plot: Option<PathBuf>,
    /// Prints one table of all rows in Markdown, after or instead of one a row.
    #[arg(long)]
    markdown: bool,
    /// Prints rows and contenders, and measures nothing.
    #[arg(long)]
    list: bool,
}

impl Arguments {
    fn wants_row(&self, name: &str) -> bool {
        self.row.is_empty() || self.row.iter().any(|row| row == name)
    }

    fn wants_contender(&self, name: &str) -> bool {
        let engine = name.split('/').next();
        let named = |wanted: &String| wanted == name || Some(wanted.as_str()) == engine;
        self.contender.is_empty() || self.contender.iter().any(named)
    }

    /// Returns the rows that are named.
    fn rows(&self) -> Result<Vec<Row>, String> {
        let mut rows = rows::rows(Size::Full);
        if let Some(name) = self.row.iter().find(|name| !rows.iter().any(|row| row.name == **name))
        {
            return Err(format!("there is no row {name}; `--list` prints them"));
        }
        rows.retain(|row| self.wants_row(row.name));
        for row in &mut rows {
            row.contenders.retain(|contender| self.wants_contender(contender.name));
        }
        rows.retain(|row| !row.contenders.is_empty());
        match rows.is_empty() {
            true => Err("no row has such a contender; `--list` prints them".to_owned()),
            false => Ok(rows),
        }
    }

    /// Measures rows, and prints and writes each as soon as it is done.
    fn measure(&self, rows: &[Row]) -> Result<Vec<Vec<Standing>>, Box<dyn Error>> {
        let mut json = match &self.json {
            Some(path) => Some(BufWriter::new(File::create(path)?)),
            None => None,
        };
        let mut measured = Vec::new();
        for row in rows {
            let standings = standings(row, &measure(row, self.seconds)?);
            println!("{}", Table(&standings));
            if let Some(file) = &mut json {
                write_json(file, &standings)?;
            }
            measured.push(standings);
        }
        Ok(measured)
    }

    /// Reads rows that were measured before.
    fn read(&self) -> Result<Vec<Vec<Standing>>, Box<dyn Error>> {
        let mut rows: Vec<Vec<Standing>> = Vec::new();
        for file in &self.from {
            let mut read: Vec<Standing> = read_json(file)?;
            read.retain(|standing| {
                self.wants_row(&standing.row) && self.wants_contender(&standing.contender)
            });
            for row in read.chunk_by(|one, next| one.row == next.row) {
                match rows.iter_mut().find(|known| known[0].row == row[0].row) {
                    Some(known) => *known = row.to_vec(),
                    None => rows.push(row.to_vec()),
                }
            }
        }
        if !self.markdown {
            rows.iter().for_each(|row| println!("{}", Table(row)));
        }
        Ok(rows)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let rows = arguments.rows()?;
    if arguments.list {
        list(&rows);
        return Ok(());
    }
    let figures = if arguments.from.is_empty() {
        keep_memory();
        arguments.measure(&rows)?
    } else {
        arguments.read()?
    };
    if arguments.markdown {
        print!("{}", Summary(&figures));
    }
    if let Some(folder) = &arguments.plot {
        figures.iter().try_for_each(|row| plot(row, folder))?;
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
