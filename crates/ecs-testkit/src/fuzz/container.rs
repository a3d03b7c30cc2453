//! Snapshots taken apart and put together, whatever the sections mean.

use ecs_storage_api::SnapshotError;
use ecs_storage_api::snapshot::sections::{SectionWriter, Tag};

/// The bytes before the first section.
const HEADER: usize = 12;

/// Takes a container apart without a look at header and checksums; lengths are
/// believed as far as there are bytes.
#[must_use]
pub fn sections(bytes: &[u8]) -> Vec<(Tag, &[u8])> {
    let mut sections = Vec::new();
    let mut rest = bytes.get(HEADER..).unwrap_or_default();
    while let Some((tag, after)) = rest.split_first_chunk::<4>()
        && let Some((length, after)) = after.split_first_chunk::<8>()
        && tag != b"end."
    {
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let (payload, after) = after.split_at(length.min(after.len()));
        sections.push((*tag, payload));
        rest = after.get(8..).unwrap_or_default();
    }
    sections
}

/// Puts sections together, with the header and the checksums of this build: what is
/// behind the checksums is reached by this alone.
#[must_use]
pub fn container(sections: &[(Tag, &[u8])]) -> Vec<u8> {
    let mut writer = SectionWriter::new(Vec::new()).expect("a vector can be written to");
    for (tag, payload) in sections {
        let fill = |out: &mut Vec<u8>| {
            out.extend_from_slice(payload);
            Ok::<(), SnapshotError>(())
        };
        writer.section(*tag, fill).expect("a vector can be written to");
    }
    writer.finish().expect("a vector can be written to")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_together_is_taken_apart() {
        let both: [(Tag, &[u8]); 2] = [(*b"some", b"payload"), (*b"none", b"")];
        let bytes = container(&both);
        assert_eq!(sections(&bytes), both);
        assert_eq!(sections(&bytes[..bytes.len() - 21]), both);
        assert_eq!(sections(&bytes[..20]), []);
        assert_eq!(sections(&bytes[..HEADER + 12 + 3]), [(*b"some", &b"pay"[..])]);
    }
}
