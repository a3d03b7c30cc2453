//! What a run leaves in its folder.

pub mod arrivals;
pub mod report;
pub mod series;
#[cfg(feature = "parquet")]
pub mod series_parquet;
pub mod summary;

use csv::WriterBuilder;
use serde::Serialize;

/// Writes rows as CSV below a header, which stands there without rows too.
fn to_csv(header: &[&str], rows: &[impl Serialize]) -> Vec<u8> {
    let mut writer = WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(header).expect("writing to memory succeeds");
    for row in rows {
        writer.serialize(row).expect("a row is a struct of plain fields");
    }
    writer.into_inner().expect("writing to memory succeeds")
}
