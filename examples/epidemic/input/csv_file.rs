//! Files of comma-separated values with a fixed header.

use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};

use crate::error::{Error, excerpt};

use super::bytes::read_file;

/// A file's rows, and where they came from.
#[derive(Debug)]
pub(crate) struct CsvFile {
    path: PathBuf,
    columns: &'static [&'static str],
    text: String,
}

impl CsvFile {
    /// Reads a file, plain or gzip, that must have exactly these columns.
    ///
    /// # Errors
    /// When the file cannot be read, is empty, cut off or damaged, or has another header.
    pub(crate) fn read(path: &Path, columns: &'static [&'static str]) -> Result<Self, Error> {
        let mut text = String::from_utf8(read_file(path)?).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + good.iter().filter(|&&byte| byte == b'\n').count();
            Error::Damaged { path: path.to_owned(), problem: format!("line {line} is not UTF-8") }
        })?;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        if text.trim().is_empty() {
            let expected = format!("a header: {}", columns.join(","));
            return Err(Error::Empty { path: path.to_owned(), expected });
        }
        if !text.ends_with('\n') {
            let problem = format!("its last line, {}, has no end", text.lines().count());
            return Err(Error::CutOff { path: path.to_owned(), problem });
        }
        Ok(Self { path: path.to_owned(), columns, text })
    }

    /// The text of the file, unpacked.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Reads every row with `read`.
    ///
    /// # Errors
    /// When the header is not the one expected, there is no row, a row has not as many
    /// fields as there are columns, or `read` fails.
    pub(crate) fn read_rows<T>(
        &self,
        mut read: impl FnMut(CsvRow<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut reader = ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .from_reader(self.text.as_bytes());
        let (mut record, mut rows, mut is_header) = (StringRecord::new(), Vec::new(), true);
        while reader.read_record(&mut record).map_err(|error| self.damaged(&error))? {
            let line = record.position().map_or(0, csv::Position::line);
            let row = CsvRow { file: self, record: &record, line };
            if is_header {
                row.check_header()?;
                is_header = false;
            } else {
                row.check_width()?;
                rows.push(read(row)?);
            }
        }
        if rows.is_empty() {
            let expected = "at least one row below the header".to_owned();
            return Err(Error::Empty { path: self.path.clone(), expected });
        }
        Ok(rows)
    }

    /// Makes the error of a field that is not what was expected.
    pub(crate) fn wrong(&self, line: u64, column: usize, expected: String, found: &str) -> Error {
        Error::Field {
            path: self.path.clone(),
            line,
            column: self.columns[column].to_owned(),
            expected,
            found: excerpt(found),
        }
    }

    fn damaged(&self, error: &csv::Error) -> Error {
        Error::Damaged { path: self.path.clone(), problem: error.to_string() }
    }
}

/// One row of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CsvRow<'a> {
    file: &'a CsvFile,
    record: &'a StringRecord,
    line: u64,
}

impl<'a> CsvRow<'a> {
    /// The line of the file on which the row begins.
    pub(crate) fn line(self) -> u64 {
        self.line
    }

    /// Reads the field of a column, or says what was expected.
    ///
    /// # Errors
    /// When `read` gives `None`.
    pub(crate) fn field<T>(
        self,
        column: usize,
        expected: &str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, Error> {
        read(&self.record[column]).ok_or_else(|| self.wrong(column, expected.to_owned()))
    }

    /// Makes the error of a field that is not what was expected.
    pub(crate) fn wrong(self, column: usize, expected: String) -> Error {
        self.file.wrong(self.line, column, expected, &self.record[column])
    }

    fn check_header(self) -> Result<(), Error> {
        let columns = self.file.columns;
        for (index, &expected) in columns.iter().enumerate() {
            let found = self.record.get(index).unwrap_or("");
            if found != expected {
                return Err(Error::Field {
                    path: self.file.path.clone(),
                    line: self.line,
                    column: (index + 1).to_string(),
                    expected: format!("the header {expected:?}"),
                    found: excerpt(found),
                });
            }
        }
        self.check_width()
    }

    fn check_width(self) -> Result<(), Error> {
        let (expected, found) = (self.file.columns.len(), self.record.len());
        if expected == found {
            return Ok(());
        }
        Err(Error::Width { path: self.file.path.clone(), line: self.line, expected, found })
    }
}

/// Reads text that is not blank.
pub(crate) fn word(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// Reads a number that lies within a limit of 0: degrees, say.
pub(crate) fn within(limit: f64) -> impl FnOnce(&str) -> Option<f64> {
    move |text| text.parse().ok().filter(|number: &f64| number.abs() <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[&str] = &["name", "number"];

    fn read(content: &[u8]) -> Result<Vec<(String, u32)>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let rows = CsvFile::read(file.path(), COLUMNS).and_then(|file| {
            file.read_rows(|row| {
                let name = row.field(0, "a name", word)?;
                Ok((name, row.field(1, "a whole number", |text| text.parse().ok())?))
            })
        });
        let folder = format!("{}:", file.path().display());
        rows.map_err(|error| error.to_string().replace(&folder, "").trim_start().to_owned())
    }

    #[test]
    fn rows_are_read_in_order() {
        let rows = vec![("a".to_owned(), 1), ("b, c".to_owned(), 2)];
        assert_eq!(read(b"name,number\na,1\n\"b, c\",2\n").unwrap(), rows);
        assert_eq!(read(b"\xef\xbb\xbfname,number\r\na,1\r\n\"b, c\",2\r\n").unwrap(), rows);
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        for (content, message) in [
            (&b""[..], "the file is empty: expected a header: name,number"),
            (b"\n\n", "the file is empty: expected a header: name,number"),
            (b"name,number\n", "the file is empty: expected at least one row below the header"),
            (b"name,count\na,1\n", r#"1: column 2: expected the header "number", found "count""#),
            (b"name\na\n", r#"1: column 2: expected the header "number", found """#),
            (b"name,number,x\na,1,2\n", "1: expected 2 columns, found 3"),
            (b"name,number\na,1\nb\n", "3: expected 2 columns, found 1"),
            (b"name,number\na,1,2\n", "2: expected 2 columns, found 3"),
            (
                b"name,number\na,1\nb,-2\n",
                r#"3: column number: expected a whole number, found "-2""#,
            ),
            (b"name,number\n ,1\n", r#"2: column name: expected a name, found " ""#),
            (b"name,number\na,1\nb,2", "the file is cut off: its last line, 3, has no end"),
            (b"name,number\na,1\nb\xff,2\n", "the file is damaged: line 3 is not UTF-8"),
        ] {
            assert_eq!(read(content).unwrap_err(), message);
        }
    }

    #[test]
    fn numbers_have_their_limits() {
        assert_eq!(within(90.0)("-90"), Some(-90.0));
        for text in ["90.1", "NaN", "inf", "", "north"] {
            assert_eq!(within(90.0)(text), None);
        }
    }
}
