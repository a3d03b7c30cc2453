//! Files of figures, one JSON object a line.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Adds figures to a file.
///
/// # Errors
/// Those of `file`.
pub fn write_json<T: Serialize>(mut file: impl Write, figures: &[T]) -> io::Result<()> {
    for figure in figures {
        serde_json::to_writer(&mut file, figure)?;
        writeln!(file)?;
    }
    file.flush()
}

/// Reads what [`write_json`] has written.
///
/// # Errors
/// If the file can't be read, or holds something else.
pub fn read_json<T: DeserializeOwned>(file: &Path) -> Result<Vec<T>, Box<dyn Error>> {
    let named = |error: &dyn Error| format!("{}: {error}", file.display());
    let reader = BufReader::new(File::open(file).map_err(|error| named(&error))?);
    let figures = serde_json::Deserializer::from_reader(reader).into_iter().collect();
    Ok(Result::<_, serde_json::Error>::map_err(figures, |error| named(&error))?)
}
