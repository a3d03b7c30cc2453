//! Writes a container.

use std::io::{self, Write};

use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use super::{BLOCK, END, MAGIC, ORDER, Tag, VERSION, seed};
use crate::snapshot::Compression;

/// Writes a container, from its first byte to its last.
#[derive(Debug)]
pub struct SectionWriter<W> {
    out: W,
    compression: Compression,
    /// The payload of a section whose length is not known before.
    payload: Vec<u8>,
}

impl<W: Write> SectionWriter<W> {
    /// Begins a container.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W) -> io::Result<Self> {
        Self::with_compression(out, Compression::None)
    }

    /// Begins a container in which columns may be packed.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn with_compression(mut out: W, compression: Compression) -> io::Result<Self> {
        out.write_all(&MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(&[ORDER, compression.feature()])?;
        Ok(Self { out, compression, payload: Vec::new() })
    }

    /// Returns how columns are to be packed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    fn seed(&self, tag: Tag) -> u64 {
        seed(tag, self.compression.feature())
    }

    /// Adds a section whose payload `fill` appends.
    ///
    /// # Errors
    /// Those of `fill`, and of what is written to.
    pub fn section<E: From<io::Error>>(
        &mut self,
        tag: Tag,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.payload.clear();
        fill(&mut self.payload)?;
        self.open(tag, self.payload.len())?;
        self.out.write_all(&self.payload)?;
        let checksum = xxh3_64_with_seed(&self.payload, self.seed(tag));
        Ok(self.out.write_all(&checksum.to_le_bytes())?)
    }

    /// Adds a section whose payload lies in memory, in parts.
    pub(crate) fn memory<'a>(
        &mut self,
        tag: Tag,
        parts: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> io::Result<()> {
        self.open(tag, parts.clone().map(<[u8]>::len).sum())?;
        let mut hash = Xxh3::with_seed(self.seed(tag));
        for block in parts.flat_map(|part| part.chunks(BLOCK)) {
            self.out.write_all(block)?;
            hash.update(block);
        }
        self.out.write_all(&hash.digest().to_le_bytes())
    }

    /// Begins a section with a payload of so many bytes.
    fn open(&mut self, tag: Tag, length: usize) -> io::Result<()> {
        self.out.write_all(&tag)?;
        self.out.write_all(&(length as u64).to_le_bytes())
    }

    /// Ends the container, and returns what it was written to.
    ///
    /// # Errors
    /// Those of what is written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.memory(END, std::iter::empty())?;
        Ok(self.out)
    }
}
