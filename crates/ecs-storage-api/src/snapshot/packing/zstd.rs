//! Blocks as Zstandard frames.

use std::io;

use zstd::bulk::{Compressor, Decompressor};

/// Packs blocks, with memory that it keeps.
pub(super) struct Packer(Compressor<'static>);

impl Packer {
    pub(super) fn new(level: i32) -> io::Result<Self> {
        Ok(Self(Compressor::new(level)?))
    }

    pub(super) fn pack(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        out.extend_from_slice(&self.0.compress(bytes)?);
        Ok(())
    }
}

/// Unpacks blocks into the room that is given, and takes no window beside it.
pub(super) struct Unpacker(Decompressor<'static>);

impl Unpacker {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Decompressor::new()?))
    }

    /// Fills `out`, and tells whether that was all.
    pub(super) fn unpack(&mut self, packed: &[u8], out: &mut [u8]) -> bool {
        let unpacked = self.0.decompress_to_buffer(packed, out);
        unpacked.is_ok_and(|length| length == out.len())
    }
}
