//! Reads a container.

use std::hash::Hasher as _;

use twox_hash::XxHash3_64;

use super::{BLOCK, END, MAGIC, ORDER, Tag, VERSION, seed};
use crate::snapshot::SnapshotError;
use crate::snapshot::packing::FEATURES;

/// Reads a container, checking each section before it gives it out.
#[derive(Debug)]
pub struct SectionReader<'a> {
    bytes: &'a [u8],
    at: usize,
    features: u8,
    ended: bool,
}

/// A section whose length is right, and whose checksum nobody has looked at.
#[derive(Debug)]
#[must_use]
pub struct Section<'a> {
    tag: Tag,
    payload: &'a [u8],
    checksum: u64,
    features: u8,
}

/// How many bytes stand before the first section.
const HEADER: usize = 12;

/// Tells what a container is whose first section has a tag.
fn kind(first: Tag) -> Option<&'static str> {
    match &first {
        b"wrld" => Some("the snapshot of a world"),
        b"wdlt" => Some("the delta of a world"),
        b"comp" => Some("the snapshot or the delta of a store"),
        b"jrnl" => Some("a commit of a journal"),
        _ => None,
    }
}

impl<'a> SectionReader<'a> {
    /// Begins to read.
    ///
    /// # Errors
    /// [`SnapshotError`] if the header is not that of a snapshot which this
    /// build reads.
    pub fn new(bytes: &'a [u8]) -> Result<Self, SnapshotError> {
        if bytes.get(..8) != Some(&MAGIC[..]) {
            return Err(SnapshotError::NotASnapshot);
        }
        let mut reader = Self { bytes, at: 8, features: 0, ended: false };
        let found = u16::from_le_bytes(reader.take("a format version")?);
        if found != VERSION {
            return Err(SnapshotError::Version { found, supported: VERSION });
        }
        let [order, found] = reader.take("a byte order and features")?;
        reader.features = found;
        match order {
            0 | 1 if order != ORDER => Err(SnapshotError::ByteOrder),
            0 | 1 if found & !FEATURES != 0 => {
                Err(SnapshotError::Features { found, known: FEATURES })
            }
            0 | 1 => Ok(reader),
            _ => Err(SnapshotError::Damaged { at: 10, what: "a byte order".to_owned() }),
        }
    }

    /// Returns what of the format is used beyond the version, a bit each.
    pub(crate) fn features(&self) -> u8 {
        self.features
    }

    /// Returns how many bytes are left to read.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn take<const N: usize>(&mut self, what: &str) -> Result<[u8; N], SnapshotError> {
        let (taken, _) = self.bytes[self.at..].split_first_chunk::<N>().ok_or_else(|| {
            SnapshotError::Damaged { at: self.at, what: format!("{what} was expected") }
        })?;
        self.at += N;
        Ok(*taken)
    }

    /// Returns the next section, or `None` at the proper end.
    ///
    /// # Errors
    /// [`SnapshotError`] if bytes are missing, left over or damaged.
    pub fn next_section(&mut self) -> Result<Option<(Tag, &'a [u8])>, SnapshotError> {
        let section = self.next_unverified()?;
        section.map(|section| Ok((section.tag, section.verified()?))).transpose()
    }

    /// As [`next_section`](Self::next_section), except that the checksum is left
    /// to whoever reads the payload.
    ///
    /// # Errors
    /// [`SnapshotError`] if bytes are missing or left over.
    pub fn next_unverified(&mut self) -> Result<Option<Section<'a>>, SnapshotError> {
        if self.ended {
            return Ok(None);
        }
        let tag: Tag = self.take("a section or the end mark")?;
        let length = u64::from_le_bytes(self.take("the length of a section")?);
        let rest = &self.bytes[self.at..];
        let payload = usize::try_from(length)
            .ok()
            .and_then(|length| rest.get(..length))
            .ok_or_else(|| SnapshotError::Damaged {
                at: self.at,
                what: format!("{length} bytes of a section were expected"),
            })?;
        self.at += payload.len();
        let checksum = u64::from_le_bytes(self.take("the checksum of a section")?);
        let section = Section { tag, payload, checksum, features: self.features };
        if tag != END {
            return Ok(Some(section));
        }
        self.ended = true;
        if !section.verified()?.is_empty() || self.remaining() != 0 {
            return Err(SnapshotError::Damaged {
                at: self.at,
                what: "nothing more was expected".to_owned(),
            });
        }
        Ok(None)
    }

    /// Returns the next section, which must have a tag.
    ///
    /// # Errors
    /// As [`SectionReader::next_section`]; also if it has another tag.
    pub fn expect(&mut self, tag: Tag) -> Result<&'a [u8], SnapshotError> {
        self.expect_unverified(tag)?.verified()
    }

    /// As [`expect`](Self::expect), except that the checksum is left to whoever
    /// reads the payload.
    ///
    /// # Errors
    /// As [`next_unverified`](Self::next_unverified); also if it has another tag.
    pub fn expect_unverified(&mut self, tag: Tag) -> Result<Section<'a>, SnapshotError> {
        self.expect_one_of(&[tag])
    }

    /// As [`expect_unverified`](Self::expect_unverified), with one of some tags.
    pub(crate) fn expect_one_of(&mut self, tags: &[Tag]) -> Result<Section<'a>, SnapshotError> {
        let at = self.at;
        match self.next_unverified()? {
            Some(section) if tags.contains(&section.tag) => return Ok(section),
            Some(section) => {
                let kinds = kind(section.tag).zip(kind(tags[0])).filter(|_| at == HEADER);
                // It may be the tag that is damaged.
                section.verified()?;
                if let Some((found, expected)) = kinds {
                    return Err(SnapshotError::OtherKind { found, expected });
                }
            }
            None => {}
        }
        let what = format!("section `{}` was expected", String::from_utf8_lossy(&tags[0]));
        Err(SnapshotError::Damaged { at, what })
    }
}

impl<'a> Section<'a> {
    /// Returns the tag.
    pub fn tag(&self) -> Tag {
        self.tag
    }

    fn seed(&self) -> u64 {
        seed(self.tag, self.features)
    }

    /// Returns how many bytes the payload has.
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.payload.is_empty()
    }

    /// Returns the payload, checked.
    ///
    /// # Errors
    /// [`SnapshotError::Checksum`] if it is damaged.
    pub fn verified(self) -> Result<&'a [u8], SnapshotError> {
        self.compare(XxHash3_64::oneshot_with_seed(self.seed(), self.payload))?;
        Ok(self.payload)
    }

    /// Gives the payload to `copy` in blocks of whole units of `unit` bytes, and
    /// checks it on the way. What was copied is not to be believed before this
    /// says that it is right.
    ///
    /// # Errors
    /// [`SnapshotError::Checksum`] if it is damaged.
    ///
    /// # Panics
    /// If `unit` is 0.
    pub fn copied(self, unit: usize, mut copy: impl FnMut(&[u8])) -> Result<(), SnapshotError> {
        let mut hash = XxHash3_64::with_seed(self.seed());
        for block in self.payload.chunks((BLOCK / unit).max(1).saturating_mul(unit)) {
            copy(block);
            hash.write(block);
        }
        self.compare(hash.finish())
    }

    fn compare(&self, checksum: u64) -> Result<(), SnapshotError> {
        if checksum == self.checksum {
            return Ok(());
        }
        let section = String::from_utf8_lossy(&self.tag).into_owned();
        Err(SnapshotError::Checksum { section })
    }
}
