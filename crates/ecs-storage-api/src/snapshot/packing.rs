//! Columns in fewer bytes.
//!
//! A column is cut into blocks of whole values, each of which is packed by itself:
//! so a reader needs room for one block beside the values. What is packed better
//! than 1 : 7 is filled up with zeros: so the size that a column says it has when
//! it is unpacked is bounded by the bytes that are there.

#[cfg(feature = "lz4")]
mod lz4;
#[cfg(feature = "zstd")]
mod zstd;

use super::error::SnapshotError;
use super::read::{Payload, damaged};

/// Bytes that are packed together, of values that are not larger.
const BLOCK: usize = 256 << 10;

/// How many bytes one byte of a packed column becomes at most. With a block as
/// large as its column, and ids that were runs, all of that stays below 16.
pub(super) const RATIO: usize = 7;

/// How a writer stores columns. What does not get smaller is stored as it is.
///
/// The other ways are there with the features `lz4` and `zstd`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// As they are.
    #[default]
    None,
    /// With LZ4: fast, in both directions.
    #[cfg(feature = "lz4")]
    Lz4,
    /// With Zstandard, at a level from 1, fast, to 22, small: 3 is usual.
    #[cfg(feature = "zstd")]
    Zstd(i32),
}

impl Compression {
    /// Returns the bit of the header that says that there may be such columns.
    pub(super) fn feature(self) -> u8 {
        self.method().map_or(0, Method::feature)
    }

    fn method(self) -> Option<Method> {
        match self {
            Self::None => None,
            #[cfg(feature = "lz4")]
            Self::Lz4 => Some(Method::Lz4),
            #[cfg(feature = "zstd")]
            Self::Zstd(_) => Some(Method::Zstd),
        }
    }
}

/// How a column was packed, whether or not this build can unpack it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Lz4 = 1,
    Zstd = 2,
}

impl Method {
    const fn feature(self) -> u8 {
        1 << (self as u8 - 1)
    }
}

/// The bits of the header that mean something.
pub(super) const FEATURES: u8 = Method::Lz4.feature() | Method::Zstd.feature();

/// Packs one block after another.
enum Packer {
    #[cfg(feature = "lz4")]
    Lz4,
    #[cfg(feature = "zstd")]
    Zstd(zstd::Packer),
}

impl Packer {
    fn new(compression: Compression) -> Result<Option<Self>, SnapshotError> {
        match compression {
            Compression::None => Ok(None),
            #[cfg(feature = "lz4")]
            Compression::Lz4 => Ok(Some(Self::Lz4)),
            #[cfg(feature = "zstd")]
            Compression::Zstd(level) => Ok(Some(Self::Zstd(zstd::Packer::new(level)?))),
        }
    }

    /// Appends the packed block.
    fn pack(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), SnapshotError> {
        let _ = (block, &out);
        match *self {
            #[cfg(feature = "lz4")]
            Self::Lz4 => {
                lz4::pack(block, out);
                Ok(())
            }
            #[cfg(feature = "zstd")]
            Self::Zstd(ref mut packer) => Ok(packer.pack(block, out)?),
        }
    }
}

/// Unpacks one block after another.
enum Unpacker {
    #[cfg(feature = "lz4")]
    Lz4,
    #[cfg(feature = "zstd")]
    Zstd(zstd::Unpacker),
}

impl Unpacker {
    fn new(method: Method) -> Result<Self, SnapshotError> {
        match method {
            #[cfg(feature = "lz4")]
            Method::Lz4 => Ok(Self::Lz4),
            #[cfg(not(feature = "lz4"))]
            Method::Lz4 => Err(SnapshotError::Compression { feature: "lz4" }),
            #[cfg(feature = "zstd")]
            Method::Zstd => Ok(Self::Zstd(zstd::Unpacker::new()?)),
            #[cfg(not(feature = "zstd"))]
            Method::Zstd => Err(SnapshotError::Compression { feature: "zstd" }),
        }
    }

    /// Unpacks a block that fills `out`; tells whether it did.
    fn unpack(&mut self, packed: &[u8], out: &mut [u8]) -> bool {
        let _ = (packed, &out);
        match *self {
            #[cfg(feature = "lz4")]
            Self::Lz4 => lz4::unpack(packed, out),
            #[cfg(feature = "zstd")]
            Self::Zstd(ref mut unpacker) => unpacker.unpack(packed, out),
        }
    }
}

/// Returns the bytes of a block of values of `unit` bytes each.
fn block_of(unit: usize) -> usize {
    (BLOCK / unit).max(1).saturating_mul(unit)
}

/// Packs a column of values of `unit` bytes, which lies in parts; nothing if it
/// would not get smaller, or is not to.
pub(super) fn pack<'a>(
    parts: impl Iterator<Item = &'a [u8]> + Clone,
    unit: usize,
    compression: Compression,
) -> Result<Option<Vec<u8>>, SnapshotError> {
    let (Some(method), Some(mut packer)) = (compression.method(), Packer::new(compression)?) else {
        return Ok(None);
    };
    let size: usize = parts.clone().map(<[u8]>::len).sum();
    let mut out = Vec::with_capacity(size / 2);
    out.push(method as u8);
    out.extend_from_slice(&(size as u64).to_le_bytes());
    let whole = block_of(unit);
    if u32::try_from(whole).is_err() {
        return Ok(None);
    }
    let mut block = Vec::with_capacity(whole.min(size));
    for mut part in parts {
        while !part.is_empty() {
            let (taken, rest) = part.split_at(part.len().min(whole - block.len()));
            block.extend_from_slice(taken);
            part = rest;
            if block.len() == whole {
                pack_block(&mut packer, &block, &mut out)?;
                block.clear();
            }
        }
        if out.len() >= size {
            return Ok(None);
        }
    }
    if !block.is_empty() {
        pack_block(&mut packer, &block, &mut out)?;
    }
    out.resize(out.len().max(size.div_ceil(RATIO)), 0);
    Ok((out.len() < size).then_some(out))
}

/// Appends a block: the length of what is stored, and that. As long as the block
/// is what is stored as it is.
fn pack_block(packer: &mut Packer, block: &[u8], out: &mut Vec<u8>) -> Result<(), SnapshotError> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    packer.pack(block, out)?;
    if out.len() - start - 4 >= block.len() {
        out.truncate(start + 4);
        out.extend_from_slice(block);
    }
    let length = u32::try_from(out.len() - start - 4).expect("blocks are not as large");
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// A packed column, of which nothing is unpacked yet.
pub(super) struct Packed<'a> {
    method: Method,
    size: usize,
    /// The blocks, and what fills up.
    blocks: &'a [u8],
}

impl<'a> Packed<'a> {
    /// Begins to read a column in a snapshot that says of itself which ways of
    /// packing it uses.
    ///
    /// # Errors
    /// [`SnapshotError`] if it would be larger than it may.
    pub(super) fn new(bytes: &'a [u8], features: u8) -> Result<Self, SnapshotError> {
        let mut rest = Payload(bytes);
        let method = match rest.bytes(1, "the head of a packed column")? {
            [1] => Method::Lz4,
            [2] => Method::Zstd,
            other => return Err(damaged(format!("a column is packed by method {}", other[0]))),
        };
        if method.feature() & features == 0 {
            return Err(damaged("a column is packed in a way that the header denies".to_owned()));
        }
        let size = rest.bytes(8, "the head of a packed column")?;
        let size = u64::from_le_bytes(size.try_into().expect("eight bytes were taken"));
        let size = usize::try_from(size).ok().filter(|size| *size <= bytes.len() * RATIO);
        let size = size.ok_or_else(|| {
            damaged(format!("a column of {} bytes unpacks to more than it may", bytes.len()))
        })?;
        Ok(Self { method, size, blocks: rest.0 })
    }

    /// Returns how many bytes it has when it is unpacked.
    pub(super) fn len(&self) -> usize {
        self.size
    }

    /// Gives it out block by block, in whole values of `unit` bytes.
    ///
    /// # Errors
    /// [`SnapshotError`] if it is damaged, or packed in a way that this build
    /// does not know.
    pub(super) fn unpack(
        self,
        unit: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), SnapshotError> {
        let mut unpacker = Unpacker::new(self.method)?;
        let whole = block_of(unit);
        let mut block = vec![0; whole.min(self.size)];
        let (mut left, mut rest) = (self.size, Payload(self.blocks));
        while left > 0 {
            let block = &mut block[..whole.min(left)];
            let length = rest.bytes(4, "the blocks of a packed column")?;
            let length = u32::from_le_bytes(length.try_into().expect("four bytes were taken"));
            let stored = rest.bytes(length.into(), "the blocks of a packed column")?;
            if stored.len() == block.len() {
                take(stored);
            } else if stored.len() < block.len() && unpacker.unpack(stored, block) {
                take(block);
            } else {
                return Err(damaged("a block of a packed column can't be unpacked".to_owned()));
            }
            left -= block.len();
        }
        match rest.0.iter().all(|byte| *byte == 0) {
            true => Ok(()),
            false => Err(damaged("a packed column goes on behind its values".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;
