//! From bytes to an image, checked.

use ecs_core::{AllocatorState, ComponentInfo, EntityId, ErasedVec};
use serde::de::DeserializeOwned;

use super::error::SnapshotError;
use super::image::StorageImage;
use super::schema::Schema;
use super::sections::SectionReader;
use crate::owned_chunk::OwnedChunk;

/// Reads a snapshot and checks all of it.
///
/// Memory stays within a small multiple of the bytes given.
///
/// # Errors
/// [`SnapshotError`], which says what is wrong and where.
pub fn read(bytes: &[u8]) -> Result<StorageImage, SnapshotError> {
    let mut sections = SectionReader::new(bytes)?;
    let schemas: Vec<Schema> = Payload(sections.expect(*b"comp")?).whole("the component table")?;
    let components = schemas.iter().map(Schema::resolve).collect::<Result<Vec<_>, _>>()?;
    let allocator: AllocatorState = Payload(sections.expect(*b"allo")?).whole("the allocator")?;
    let mut chunks = Vec::new();
    while let Some((tag, payload)) = sections.next_section()? {
        if tag != *b"chnk" {
            return Err(damaged(format!("section `{}` is unknown", String::from_utf8_lossy(&tag))));
        }
        chunks.push(Payload(payload).chunk(&components)?);
    }
    StorageImage::new(allocator, chunks)
}

/// The part of a section that is still to be read.
struct Payload<'a>(&'a [u8]);

/// Inside a section whose checksum is right, so no place is worth naming.
fn damaged(what: String) -> SnapshotError {
    SnapshotError::Damaged { at: 0, what }
}

impl<'a> Payload<'a> {
    fn value<T: DeserializeOwned>(&mut self, what: &str) -> Result<T, SnapshotError> {
        let (value, rest) = postcard::take_from_bytes(self.0)
            .map_err(|error| damaged(format!("{what} can't be read: {error}")))?;
        self.0 = rest;
        Ok(value)
    }

    fn whole<T: DeserializeOwned>(mut self, what: &str) -> Result<T, SnapshotError> {
        let value = self.value(what)?;
        self.end(what)?;
        Ok(value)
    }

    fn end(&self, what: &str) -> Result<(), SnapshotError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(damaged(format!("{} bytes are left over behind {what}", self.0.len())))
        }
    }

    fn bytes(&mut self, count: u64, what: &str) -> Result<&'a [u8], SnapshotError> {
        let taken = usize::try_from(count).ok().and_then(|count| self.0.split_at_checked(count));
        let (taken, rest) = taken.ok_or_else(|| damaged(format!("{what} end early")))?;
        self.0 = rest;
        Ok(taken)
    }

    fn chunk(mut self, components: &[&'static ComponentInfo]) -> Result<OwnedChunk, SnapshotError> {
        let (rows, places): (u64, Vec<u32>) = self.value("the head of a chunk")?;
        let ids = self.bytes(rows.saturating_mul(8), "the ids of a chunk")?;
        let ids = ids.as_chunks::<8>().0.iter().map(|id| {
            EntityId::from_bits(u64::from_le_bytes(*id))
                .map_err(|error| damaged(format!("a chunk lists {error}")))
        });
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let mut columns = Vec::with_capacity(places.len());
        for place in places {
            let info = components.get(place as usize).ok_or_else(|| {
                damaged(format!("a chunk names component {place} of {}", components.len()))
            })?;
            let length = self.bytes(8, "the columns of a chunk")?;
            let length = u64::from_le_bytes(length.try_into().expect("eight bytes were taken"));
            let mut values = self.bytes(length, "the values of a column")?;
            columns.push(ErasedVec::decode(info, &mut values, ids.len())?);
            Payload(values).end("the values of a column")?;
        }
        self.end("a chunk")?;
        // Whether an id occurs twice is checked for the whole image.
        Ok(OwnedChunk::with_unchecked_ids(ids, columns)?)
    }
}
