//! Parquet files.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use ecs_storage_api::Storage;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::error::ExportError;
use crate::export::{BATCH_ROWS, Export};

/// Writes batches of one schema as a Parquet file, compressed by Snappy, which
/// every reader knows.
///
/// # Errors
/// [`ExportError::Parquet`] if a batch has another schema, or `out` refuses.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use ecs_arrow::arrow_array::{ArrayRef, RecordBatch, UInt32Array};
///
/// let days: ArrayRef = Arc::new(UInt32Array::from(vec![1, 2, 3]));
/// let batch = RecordBatch::try_from_iter([("day", days)])?;
/// let mut file = Vec::new();
/// ecs_arrow::parquet::write(&mut file, batch.schema(), [batch])?;
/// assert_eq!(ecs_arrow::parquet::read(file)?[0].num_rows(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write(
    out: impl Write + Send,
    schema: SchemaRef,
    batches: impl IntoIterator<Item = RecordBatch>,
) -> Result<(), ExportError> {
    let mut writer = begin(out, schema)?;
    for batch in batches {
        writer.write(&batch)?;
    }
    writer.close()?;
    Ok(())
}

/// Reads all of a Parquet file that lies in memory, as batches of one schema.
///
/// # Errors
/// [`ExportError::Parquet`] or [`ExportError::Arrow`] if it is no such file, or
/// damaged.
pub fn read(file: impl Into<Bytes>) -> Result<Vec<RecordBatch>, ExportError> {
    let file = file.into();
    let read = || -> Result<_, ExportError> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)?;
        Ok(reader.with_batch_size(BATCH_ROWS).build()?.collect::<Result<_, _>>()?)
    };
    // The reader takes some of what a file says of itself on trust, and panics.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let damaged = "the file contradicts itself: it is damaged".to_owned();
        Err(ParquetError::General(damaged).into())
    })
}

impl Export {
    /// Writes everything that the query finds as a Parquet file; without rows if
    /// it finds nothing.
    ///
    /// # Errors
    /// As [`Export::for_each_batch`], and [`ExportError::Parquet`] if `out`
    /// refuses.
    ///
    /// # Complexity
    /// What is compressed is held in memory, for up to a million rows.
    pub fn write_parquet_to<S: Storage + ?Sized>(
        &mut self,
        storage: &S,
        out: impl Write + Send,
    ) -> Result<(), ExportError> {
        let mut writer = begin(out, self.schema().clone())?;
        self.for_each_batch(storage, |batch| Ok(writer.write(&batch)?))?;
        writer.close()?;
        Ok(())
    }

    /// Writes everything that the query finds to a Parquet file, which appears
    /// whole or not at all, whenever the process or the machine ends.
    ///
    /// A process that is killed meanwhile leaves a file `.*.partial` beside it.
    ///
    /// # Errors
    /// As [`Export::write_parquet_to`], and [`ExportError::Io`] that names the
    /// file. What was in its place is still there, unless nothing but to keep the
    /// new name on the disk has failed.
    pub fn write_parquet<S: Storage + ?Sized>(
        &mut self,
        storage: &S,
        path: impl AsRef<Path>,
    ) -> Result<(), ExportError> {
        let path = path.as_ref();
        let refused = |source| ExportError::Io { path: path.to_owned(), source };
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let mut beside = tempfile::Builder::new();
        beside.prefix(".").suffix(".partial");
        if let Some(permissions) = of_a_new_file() {
            beside.permissions(permissions);
        }
        let file = beside.tempfile_in(folder).map_err(refused)?;
        let mut out = BufWriter::new(file.as_file());
        self.write_parquet_to(storage, &mut out)?;
        out.flush().map_err(refused)?;
        drop(out);
        // The name must not reach the disk before the bytes.
        file.as_file().sync_all().map_err(refused)?;
        file.persist(path).map_err(|error| refused(error.error))?;
        sync_folder(folder).map_err(refused)
    }
}

fn begin<W: Write + Send>(out: W, schema: SchemaRef) -> Result<ArrowWriter<W>, ExportError> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    Ok(ArrowWriter::try_new(out, schema, Some(properties))?)
}

/// What a new file lets whom do, of which the process takes its part away.
#[cfg(unix)]
fn of_a_new_file() -> Option<Permissions> {
    Some(std::os::unix::fs::PermissionsExt::from_mode(0o666))
}

#[cfg(not(unix))]
fn of_a_new_file() -> Option<Permissions> {
    None
}

/// Sees to it that a name which was put into a folder stays there.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere folders can't be opened, and names are kept with the files.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
