//! The container: a header, then sections of tag, length, checksum and payload.
//!
//! ```text
//! header    8  magic "ecs-snap"
//!           2  format version, little-endian
//!           1  byte order of plain columns: 0 little, 1 big
//!           1  0
//! section   4  tag, ASCII
//!           8  length of the payload in bytes, little-endian
//!           8  XXH3-64 of tag and payload, little-endian
//!           …  payload
//! ```
//! The last section has the tag `end.` and no payload; nothing follows it.

use xxhash_rust::xxh3::Xxh3;

use super::error::SnapshotError;

const MAGIC: [u8; 8] = *b"ecs-snap";
const VERSION: u16 = 0;
const END: Tag = *b"end.";
const ORDER: u8 = cfg!(target_endian = "big") as u8;

/// Names a kind of section.
pub type Tag = [u8; 4];

/// Writes a container.
#[derive(Debug)]
pub struct SectionWriter {
    out: Vec<u8>,
}

impl SectionWriter {
    /// Begins a container.
    pub fn new() -> Self {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[ORDER, 0]);
        Self { out }
    }

    /// Adds a section whose payload `fill` appends.
    ///
    /// # Errors
    /// Those of `fill`.
    pub fn section<E>(
        &mut self,
        tag: Tag,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.out.extend_from_slice(&tag);
        let head = self.out.len();
        self.out.extend_from_slice(&[0; 16]);
        let start = self.out.len();
        fill(&mut self.out)?;
        let length = (self.out.len() - start) as u64;
        let checksum = checksum(tag, &self.out[start..]);
        self.out[head..head + 8].copy_from_slice(&length.to_le_bytes());
        self.out[head + 8..start].copy_from_slice(&checksum.to_le_bytes());
        Ok(())
    }

    /// Ends the container and returns its bytes.
    pub fn finish(mut self) -> Vec<u8> {
        let nothing = |_: &mut Vec<u8>| Ok::<(), std::convert::Infallible>(());
        match self.section(END, nothing) {
            Ok(()) => self.out,
            Err(never) => match never {},
        }
    }
}

impl Default for SectionWriter {
    fn default() -> Self {
        Self::new()
    }
}

fn checksum(tag: Tag, payload: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&tag);
    hash.update(payload);
    hash.digest()
}

/// Reads a container, checking each section before it gives it out.
#[derive(Debug)]
pub struct SectionReader<'a> {
    bytes: &'a [u8],
    at: usize,
    ended: bool,
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
        let mut reader = Self { bytes, at: 8, ended: false };
        let found = u16::from_le_bytes(reader.take("a format version")?);
        if found != VERSION {
            return Err(SnapshotError::Version { found, supported: VERSION });
        }
        match reader.take("a byte order")? {
            [order, 0] if order == ORDER => Ok(reader),
            [0 | 1, 0] => Err(SnapshotError::ByteOrder),
            _ => Err(SnapshotError::Damaged { at: 10, what: "a byte order".to_owned() }),
        }
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
        if self.ended {
            return Ok(None);
        }
        let tag: Tag = self.take("a section or the end mark")?;
        let length = u64::from_le_bytes(self.take("the length of a section")?);
        let expected = u64::from_le_bytes(self.take("the checksum of a section")?);
        let rest = &self.bytes[self.at..];
        let payload = usize::try_from(length)
            .ok()
            .and_then(|length| rest.get(..length))
            .ok_or_else(|| SnapshotError::Damaged {
                at: self.at,
                what: format!("{length} bytes of a section were expected"),
            })?;
        if checksum(tag, payload) != expected {
            return Err(SnapshotError::Checksum {
                section: String::from_utf8_lossy(&tag).into_owned(),
            });
        }
        self.at += payload.len();
        if tag != END {
            return Ok(Some((tag, payload)));
        }
        self.ended = true;
        if !payload.is_empty() || self.at != self.bytes.len() {
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
        let at = self.at;
        match self.next_section()? {
            Some((found, payload)) if found == tag => Ok(payload),
            _ => Err(SnapshotError::Damaged {
                at,
                what: format!("section `{}` was expected", String::from_utf8_lossy(&tag)),
            }),
        }
    }
}
