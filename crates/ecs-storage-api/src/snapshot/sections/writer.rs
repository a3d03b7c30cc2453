//! Writes a container.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::convert::Infallible;
use std::hash::Hasher as _;
use std::io::{self, Write};

use ecs_core::extend_by_parts;
use twox_hash::XxHash3_64;

use super::{AROUND, BLOCK, END, MAGIC, ORDER, Tag, VERSION, seed};
use crate::snapshot::Compression;
use crate::workers::{self, Workers};

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
        let checksum = XxHash3_64::oneshot_with_seed(self.seed(tag), &self.payload);
        Ok(self.out.write_all(&checksum.to_le_bytes())?)
    }

    /// Adds a section.
    pub(crate) fn ready(&mut self, section: &ReadySection<'_>) -> io::Result<()> {
        section.write(self.seed(section.tag), &mut |bytes| self.out.write_all(bytes))
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
        self.ready(&ReadySection::new(END, Vec::new()))?;
        Ok(self.out)
    }
}

impl SectionWriter<Vec<u8>> {
    /// Adds sections, which helpers write side by side.
    pub(crate) fn all_ready(&mut self, sections: &[ReadySection<'_>], workers: &dyn Workers) {
        let lengths: Vec<_> = sections.iter().map(|section| AROUND + section.len()).collect();
        let feature = self.compression.feature();
        // With room for the end, so that nothing moves for it.
        let all = lengths.iter().sum::<usize>();
        self.out.reserve_exact(all + AROUND);
        extend_by_parts(&mut self.out, &lengths, |parts| {
            let mut work: Vec<_> = sections.iter().zip(parts).collect();
            // A large one that comes last would be waited for.
            work.sort_by_key(|(section, _)| Reverse(section.len()));
            workers::map(workers, all, work, |(section, part)| {
                let put = &mut |bytes: &[u8]| {
                    part.push(bytes);
                    Ok::<_, Infallible>(())
                };
                let Ok(()) = section.write(seed(section.tag, feature), put);
            });
        });
    }
}

/// A section of which it is known what is written.
#[derive(Debug)]
pub(crate) struct ReadySection<'a> {
    tag: Tag,
    /// The payload.
    parts: Vec<Cow<'a, [u8]>>,
}

impl<'a> ReadySection<'a> {
    pub(crate) fn new(tag: Tag, parts: Vec<Cow<'a, [u8]>>) -> Self {
        Self { tag, parts }
    }

    /// Returns how many bytes the payload has.
    fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    /// Gives out the bytes of the section, in blocks that stay in the nearest cache until
    /// they are counted in the checksum, too.
    fn write<E>(&self, seed: u64, put: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        put(&self.tag)?;
        put(&(self.len() as u64).to_le_bytes())?;
        let mut hash = XxHash3_64::with_seed(seed);
        for block in self.parts.iter().flat_map(|part| part.chunks(BLOCK)) {
            put(block)?;
            hash.write(block);
        }
        put(&hash.finish().to_le_bytes())
    }
}
