//! Columns of a snapshot, and what becomes of them.

use ecs_core::{ComponentInfo, ErasedVec};

use super::error::SnapshotError;
use super::form::Form;
use super::options::{ReadOptions, Target};
use super::packing::{Packed, RATIO};
use super::read::{Payload, damaged};
use super::sections::Section;
use super::tags;

/// A component of the table of a snapshot.
#[derive(Debug)]
pub(super) struct Column<'o> {
    form: Form,
    target: Target<'o>,
}

impl<'o> Column<'o> {
    /// Decides what becomes of the columns of a component.
    ///
    /// # Errors
    /// [`SnapshotError`] if they can be neither read nor migrated, nor skipped.
    pub(super) fn new(form: Form, options: &'o ReadOptions) -> Result<Self, SnapshotError> {
        Ok(Self { target: options.target(&form)?, form })
    }

    /// Returns the component that the values will be of, if any.
    pub(super) fn info(&self) -> Option<&'static ComponentInfo> {
        self.target.info()
    }

    /// Returns the bytes from one value to the next in the snapshot, if they are
    /// plain.
    pub(super) fn stride(&self) -> Option<usize> {
        self.form.stride()
    }

    /// Returns the section again that is to hold so many values, of which nobody has looked
    /// at the bytes: that there are enough of them is seen before the next chunk is read,
    /// which may say that it has them.
    ///
    /// # Errors
    /// [`SnapshotError`] if it can't, or is damaged.
    pub(super) fn expect<'s>(
        &self,
        rows: usize,
        section: Section<'s>,
    ) -> Result<Section<'s>, SnapshotError> {
        let checked = match (section.tag(), self.stride()) {
            (tags::PACKED, Some(stride)) => {
                let most = section.len().saturating_mul(RATIO);
                let fits = rows.checked_mul(stride).is_some_and(|size| size <= most);
                fits.then_some(()).ok_or_else(|| {
                    let (name, len) = (&self.form.name, section.len());
                    damaged(format!("column `{name}` has {len} packed bytes for {rows} values"))
                })
            }
            (tags::PACKED, None) => Ok(()),
            _ => self.check(rows, section.len()),
        };
        if let Err(error) = checked {
            section.verified()?;
            return Err(error);
        }
        Ok(section)
    }

    /// Reads a column of as many values as were [expected](Self::expect), of a snapshot with
    /// some features; nothing if it is skipped.
    ///
    /// # Errors
    /// [`SnapshotError`] if it is damaged, or not as many values of its form.
    pub(super) fn read(
        &self,
        rows: usize,
        section: Section<'_>,
        features: u8,
    ) -> Result<Option<ErasedVec>, SnapshotError> {
        if section.tag() == tags::PACKED {
            return self.unpack(rows, Packed::new(section.verified()?, features)?);
        }
        match (&self.target, self.stride()) {
            (Target::Here(info), Some(stride)) if stride > 0 => {
                let mut values = ErasedVec::new(info);
                values.reserve(rows);
                section.copied(stride, |block| values.extend_from_bytes(block))?;
                Ok(Some(values))
            }
            _ => self.decode(rows, section.verified()?),
        }
    }

    /// As [`read`](Self::read), of a packed column.
    fn unpack(&self, rows: usize, packed: Packed<'_>) -> Result<Option<ErasedVec>, SnapshotError> {
        self.check(rows, packed.len())?;
        let unit = self.stride().unwrap_or(0).max(1);
        match (&self.target, self.stride()) {
            (Target::Skipped, _) => Ok(None),
            (Target::Here(info), Some(stride)) if stride > 0 => {
                let mut values = ErasedVec::new(info);
                values.reserve(rows);
                packed.unpack(unit, |block| values.extend_from_bytes(block))?;
                Ok(Some(values))
            }
            _ => {
                let mut bytes = Vec::with_capacity(packed.len());
                packed.unpack(unit, |block| bytes.extend_from_slice(block))?;
                self.decode(rows, &bytes)
            }
        }
    }

    /// Checks how many bytes the values have, if they are plain.
    fn check(&self, rows: usize, len: usize) -> Result<(), SnapshotError> {
        match self.stride() {
            Some(stride) if rows.checked_mul(stride) != Some(len) => Err(damaged(format!(
                "column `{}` has {len} bytes for {rows} values of {stride}",
                self.form.name
            ))),
            _ => Ok(()),
        }
    }

    /// Reads values that are what is written, and nothing more.
    fn decode(&self, rows: usize, mut bytes: &[u8]) -> Result<Option<ErasedVec>, SnapshotError> {
        let values = match &self.target {
            Target::Here(info) => ErasedVec::decode(info, &mut bytes, rows)?,
            Target::Migrated(chain) => chain.decode(&mut bytes, rows)?,
            Target::Skipped => return Ok(None),
        };
        Payload(bytes).end("the values of a column")?;
        Ok(Some(values))
    }
}
