//! What can go wrong, in one line each.

use std::io;
use std::path::{Path, PathBuf};

use ecs::CheckpointError;

/// Tells what was wrong with the input, the parameters or the place for the output.
///
/// Every message is one line. The binary prints it and ends with status 2.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused something about a file or folder.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: "open it", say.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A file holds no rows.
    #[error("{}: the file is empty: expected {expected}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What should be there.
        expected: String,
    },
    /// A file ends too early.
    #[error("{}: the file is cut off: {problem}", path.display())]
    CutOff {
        /// The file.
        path: PathBuf,
        /// What is missing.
        problem: String,
    },
    /// A file's bytes contradict its format.
    #[error("{}: the file is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The contradiction.
        problem: String,
    },
    /// A field of a file is not what its column holds.
    #[error("{}:{line}: column {column}: expected {expected}, found {found:?}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column's name, or its number in a header.
        column: String,
        /// What the column holds.
        expected: String,
        /// What stands there, shortened.
        found: String,
    },
    /// A row of a file has too few or too many fields.
    #[error("{}:{line}: expected {expected} columns, found {found}", path.display())]
    Width {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// How many columns the file has.
        expected: usize,
        /// How many the row has.
        found: usize,
    },
    /// An option's value does not fit the input.
    #[error("--{option}: {problem}")]
    Parameter {
        /// The option's name.
        option: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A store could not be opened, or a world could not be committed to it.
    #[error("the store: {0}")]
    Store(String),
    /// An option contradicts the checkpoint, or the store, to go on from.
    #[error("--{option}: {given} contradicts the {place}, which has {saved}")]
    Contradiction {
        /// The option's name.
        option: &'static str,
        /// Where the run is kept.
        place: &'static str,
        /// The value on the command line.
        given: String,
        /// The value that is kept there.
        saved: String,
    },
}

impl Error {
    /// Makes the error of a system call on `path`; `action` completes "cannot …".
    #[must_use]
    pub fn io(path: &Path, action: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), action, source }
    }

    /// Makes the error of a store, in one line.
    #[must_use]
    pub fn store(problem: &impl ToString) -> Self {
        Self::Store(problem.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Says where a contradiction was found.
    #[must_use]
    pub fn found_in(mut self, found: &'static str) -> Self {
        if let Self::Contradiction { place, .. } = &mut self {
            *place = found;
        }
        self
    }
}

/// Shortens text that came from outside, so that a message stays one readable line.
pub(crate) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_error_names_file_line_column_and_what_was_expected() {
        let error = Error::Field {
            path: PathBuf::from("data/us-cities.csv"),
            line: 12,
            column: "population".to_owned(),
            expected: "a whole number".to_owned(),
            found: excerpt("1\n2"),
        };
        let expected =
            r#"data/us-cities.csv:12: column population: expected a whole number, found "1\n2""#;
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn long_text_is_shortened() {
        assert_eq!(excerpt(&"é".repeat(50)), format!("{}…", "é".repeat(40)));
        assert_eq!(excerpt("short"), "short");
    }
}
