//! The container: a header, then sections of tag, length, payload and checksum.
//!
//! ```text
//! header    8  magic "ecs-snap"
//!           2  format version, little-endian
//!           1  byte order of plain columns: 0 little, 1 big
//!           1  features, a bit each: 1 columns packed with LZ4, 2 with Zstandard
//! section   4  tag, ASCII
//!           8  length of the payload in bytes, little-endian
//!           …  payload
//!           8  XXH3-64 of the payload, little-endian; the seed is a number of 8
//!              bytes: the tag, the features, and zeros
//! ```
//! The last section has the tag `end.` and no payload; nothing follows it.

mod reader;
mod writer;

pub use reader::{Section, SectionReader};
pub(crate) use writer::ReadySection;
pub use writer::SectionWriter;

const MAGIC: [u8; 8] = *b"ecs-snap";
const VERSION: u16 = 1;
const END: Tag = *b"end.";
const ORDER: u8 = cfg!(target_endian = "big") as u8;
/// The bytes of the header.
pub(super) const HEADER: usize = 12;
/// The bytes of a section besides its payload.
pub(super) const AROUND: usize = 20;

/// Bytes that are copied and hashed together, so that they come from memory
/// once: the cache next to the core holds them twice.
const BLOCK: usize = 64 << 10;

/// Names a kind of section.
pub type Tag = [u8; 4];

/// The seed of a section's checksum: so a damaged header is found, too.
fn seed(tag: Tag, features: u8) -> u64 {
    u64::from(u32::from_le_bytes(tag)) | u64::from(features) << 32
}
