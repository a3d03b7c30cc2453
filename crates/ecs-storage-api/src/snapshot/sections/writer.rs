//! Writes a container.

use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use super::{BLOCK, END, MAGIC, ORDER, Tag, VERSION, seed};

/// Writes a container.
#[derive(Debug)]
pub struct SectionWriter {
    out: Vec<u8>,
}

impl SectionWriter {
    /// The bytes of a section before its payload.
    pub(crate) const HEAD: usize = 20;

    /// Begins a container.
    pub fn new() -> Self {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[ORDER, 0]);
        Self { out }
    }

    /// Makes room for sections of `bytes` bytes, and for the end mark.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        self.out.reserve_exact(bytes + Self::HEAD);
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
        let start = self.open(tag);
        fill(&mut self.out)?;
        let checksum = xxh3_64_with_seed(&self.out[start..], seed(tag));
        self.close(start, checksum);
        Ok(())
    }

    /// Adds a section whose payload lies in memory, in parts.
    pub(crate) fn memory<'a>(&mut self, tag: Tag, parts: impl Iterator<Item = &'a [u8]>) {
        let start = self.open(tag);
        let mut hash = Xxh3::with_seed(seed(tag));
        for block in parts.flat_map(|part| part.chunks(BLOCK)) {
            self.out.extend_from_slice(block);
            hash.update(block);
        }
        self.close(start, hash.digest());
    }

    /// Begins a section; returns where its payload starts.
    fn open(&mut self, tag: Tag) -> usize {
        self.out.extend_from_slice(&tag);
        self.out.extend_from_slice(&[0; 16]);
        self.out.len()
    }

    /// Ends the section whose payload starts there.
    fn close(&mut self, start: usize, checksum: u64) {
        let length = (self.out.len() - start) as u64;
        self.out[start - 16..start - 8].copy_from_slice(&length.to_le_bytes());
        self.out[start - 8..start].copy_from_slice(&checksum.to_le_bytes());
    }

    /// Ends the container and returns its bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.memory(END, std::iter::empty());
        self.out
    }
}

impl Default for SectionWriter {
    fn default() -> Self {
        Self::new()
    }
}
