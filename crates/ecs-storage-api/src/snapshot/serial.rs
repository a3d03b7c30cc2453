//! Sections of numbers, strings and lists, as serde describes them.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::error::SnapshotError;
use super::sections::{SectionWriter, Tag};

/// Writes a section of a value.
pub(super) fn section<W: Write>(
    writer: &mut SectionWriter<W>,
    tag: Tag,
    value: &impl Serialize,
) -> Result<(), SnapshotError> {
    writer.section(tag, |out| {
        append(value, out);
        Ok(())
    })
}

/// Appends a value.
pub(super) fn append(value: &impl Serialize, out: &mut Vec<u8>) {
    *out = postcard::to_extend(value, std::mem::take(out))
        .expect("numbers, strings and lists can be encoded");
}

/// Reads the value that a section is; `what` names it in errors.
pub(super) fn value<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
    what: &str,
) -> Result<T, SnapshotError> {
    let damaged = |what| SnapshotError::Damaged { at: 0, what };
    let read = postcard::take_from_bytes(bytes);
    let (value, rest) = read.map_err(|error| damaged(format!("{what} can't be read: {error}")))?;
    match rest.is_empty() {
        true => Ok(value),
        false => Err(damaged(format!("{} bytes are left over behind {what}", rest.len()))),
    }
}
