//! The state of a world as a whole: snapshots of it, and its hash.

use std::collections::BTreeSet;
use std::io::Write;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ecs_core::CodecError;
use ecs_storage_api::snapshot::sections::{SectionReader, SectionWriter, Tag};
use ecs_storage_api::snapshot::{Compression, Contents, ReadOptions};
use ecs_storage_api::{SnapshotError, StateHasher, Storage, StorageImage, snapshot};
use serde::{Deserialize, Serialize};

use crate::places::SavedSystems;
use crate::removed::SavedRemovals;
use crate::schedule::{Clocks, Crew};
use crate::world::World;

/// The sections of the world itself, before those of its store.
const WORLD: Tag = *b"wrld";
const SYSTEMS: Tag = *b"syst";

/// Tick, clocks, and saved resources and events by name.
type WorldState<'a> = (u64, Clocks, Vec<(String, &'a [u8])>);

/// What a snapshot has of the world itself, encoded.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// Tick, clocks, saved resources and events by name.
    world: Vec<u8>,
    /// How far systems are, and which removals they have not got yet: ages, which
    /// grow as the version rises.
    systems: Vec<u8>,
}

impl Head {
    /// Writes its sections.
    pub(crate) fn write<W: Write>(&self, out: &mut SectionWriter<W>) -> Result<(), SnapshotError> {
        for (tag, bytes) in [(WORLD, &self.world), (SYSTEMS, &self.systems)] {
            out.section(tag, |out| {
                out.extend_from_slice(bytes);
                Ok::<(), SnapshotError>(())
            })?;
        }
        Ok(())
    }

    /// Reads its sections.
    pub(crate) fn read(sections: &mut SectionReader<'_>) -> Result<Self, SnapshotError> {
        let world = sections.expect(WORLD)?.to_vec();
        Ok(Self { world, systems: sections.expect(SYSTEMS)?.to_vec() })
    }

    /// Returns its sections in a container of their own.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let bytes = SectionWriter::new(Vec::new()).map_err(SnapshotError::from);
        let bytes = bytes.and_then(|mut out| self.write(&mut out).and(Ok(out.finish()?)));
        bytes.expect("memory can be written to")
    }

    /// Reads what [`to_bytes`](Self::to_bytes) returned.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut sections = SectionReader::new(bytes)?;
        let head = Self::read(&mut sections)?;
        match sections.next_section()? {
            None => Ok(head),
            Some(_) => {
                let what = "more than the head of a world".to_owned();
                Err(SnapshotError::Damaged { at: 0, what })
            }
        }
    }

    /// Returns the tick of the world.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] if it can't be read.
    pub(crate) fn tick(&self) -> Result<u64, SnapshotError> {
        Ok(decode::<WorldState<'_>>(&self.world, "the world")?.0)
    }

    /// Returns how many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.world.len() + self.systems.len()
    }

    /// Returns a number for the world, but for how far systems are.
    pub(crate) fn digest(&self) -> u64 {
        let mut hash = StateHasher::new();
        hash.part("world", &self.world);
        hash.finish()
    }
}

/// The most that a world can have counted of ticks, runs or events: who counts a billion
/// a second takes a century for it. With more, the next would soon be too large a number.
const MOST_COUNTED: u64 = 1 << 62;

/// Tells whether a world can have counted so many.
pub(crate) fn can_be_counted(number: u64) -> bool {
    number <= MOST_COUNTED
}

fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8], what: &str) -> Result<T, SnapshotError> {
    let damaged = |what| SnapshotError::Damaged { at: 0, what };
    let read = postcard::take_from_bytes(bytes);
    let (value, rest) = read.map_err(|error| damaged(format!("{what} can't be read: {error}")))?;
    match rest.len() {
        0 => Ok(value),
        left => Err(damaged(format!("{left} bytes are left over behind {what}"))),
    }
}

/// Checks that no name stands twice in a list of what the world has.
fn once_each<'n>(names: impl Iterator<Item = &'n str>) -> Result<(), SnapshotError> {
    let mut known = BTreeSet::new();
    for name in names {
        if !known.insert(name) {
            let what = format!("the world has `{name}` twice");
            return Err(SnapshotError::Damaged { at: 0, what });
        }
    }
    Ok(())
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("numbers, strings and lists can be encoded")
}

impl<S: Storage> World<S> {
    /// Writes everything persistent into bytes: entities and components with their
    /// changes, the allocator, the tick, the resources and events that ask to be
    /// saved, and how far systems are. A run that goes on from there is that which
    /// was never broken; what systems keep for themselves, in a
    /// [`Local`](crate::Local) or a closure, is not the world's.
    ///
    /// The store is read over the protocol, and its parts stand beside those of
    /// the world: a backend's own `snapshot` is not asked. Columns are written side by
    /// side, by rayon's current threads; the bytes do not depend on how many there are.
    ///
    /// # Errors
    /// [`SnapshotError::Codec`] if a value refuses to be encoded.
    pub fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        self.snapshot_with(Compression::None)
    }

    /// As [`snapshot`](World::snapshot), with packed columns.
    ///
    /// # Errors
    /// As [`World::snapshot`].
    pub fn snapshot_with(&self, compression: Compression) -> Result<Vec<u8>, SnapshotError> {
        let contents = Contents::of_with_helpers(&self.storage, &Crew::here());
        write_with_helpers(&self.head()?, &contents, compression)
    }

    /// Writes a [`snapshot`](World::snapshot) to `out`, and returns that: column
    /// by column, without a second copy of the world, on this thread.
    ///
    /// # Errors
    /// As [`World::snapshot`], and [`SnapshotError::Io`] if `out` refuses.
    pub fn snapshot_to<W: Write>(&self, out: W) -> Result<W, SnapshotError> {
        self.snapshot_to_with(out, Compression::None)
    }

    /// As [`snapshot_to`](World::snapshot_to), with packed columns.
    ///
    /// # Errors
    /// As [`World::snapshot_to`].
    pub fn snapshot_to_with<W: Write>(
        &self,
        out: W,
        compression: Compression,
    ) -> Result<W, SnapshotError> {
        write(&self.head()?, &Contents::of(&self.storage), out, compression)
    }

    /// Writes a snapshot whose bytes follow from the state alone: the same on every
    /// backend and in every process. It says nothing of when things changed and how
    /// far systems are, to which after restoring everything is new.
    ///
    /// The store is written as [`snapshot::write_canonical`] does, and saved
    /// resources by their names.
    ///
    /// # Errors
    /// As [`World::snapshot`].
    pub fn snapshot_canonical(&self) -> Result<Vec<u8>, SnapshotError> {
        let mut saved = self.saved_bytes()?;
        saved.sort();
        let systems = encode(&(SavedSystems::new(), Vec::<SavedRemovals>::new()));
        let head = Head { world: encode(&(self.tick, &self.clocks, saved)), systems };
        write_with_helpers(&head, &Contents::canonical(&self.storage), Compression::None)
    }

    /// Returns what a snapshot has of the world itself.
    pub(crate) fn head(&self) -> Result<Head, CodecError> {
        let (present, origin) = (self.storage.version(), self.storage.origin());
        let systems = self.resources.places.save(present, origin);
        let removals = self.resources.save_removals(present, origin);
        let world = encode(&(self.tick, &self.clocks, self.saved_bytes()?));
        Ok(Head { world, systems: encode(&(systems, removals)) })
    }

    /// Returns the bytes of the saved resources that are there, by name.
    fn saved_bytes(&self) -> Result<Vec<(String, Vec<u8>)>, CodecError> {
        let mut all = Vec::new();
        for saved in &self.saved {
            if let Some(bytes) = saved.encode(&self.resources)? {
                all.push((saved.name.clone(), bytes));
            }
        }
        Ok(all)
    }

    /// Replaces everything persistent by what a snapshot holds. Resources that
    /// are not saved stay as they are. Columns are checked and decoded side by side, by
    /// rayon's current threads.
    ///
    /// # Errors
    /// [`SnapshotError`] if the bytes are no snapshot of a world, damaged, or
    /// name components or resources that this process does not know; then
    /// nothing has changed.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.restore_with(bytes, &ReadOptions::new())
    }

    /// As [`restore`](World::restore), but skips and migrates components.
    ///
    /// # Errors
    /// As [`restore`](World::restore); then nothing has changed.
    pub fn restore_with(
        &mut self,
        bytes: &[u8],
        options: &ReadOptions,
    ) -> Result<(), SnapshotError> {
        let mut sections = SectionReader::new(bytes)?;
        let head = Head::read(&mut sections)?;
        let image = read_store(&mut sections, options)?;
        self.take_in(&head, options, |storage| Ok(storage.load(image)?))
    }

    /// Replaces everything persistent; `load` does so in the store.
    ///
    /// # Errors
    /// As [`World::restore`].
    pub(crate) fn take_in(
        &mut self,
        head: &Head,
        options: &ReadOptions,
        load: impl FnOnce(&mut S) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        let (tick, clocks, resources): WorldState<'_> = decode(&head.world, "the world")?;
        let (systems, removals): (SavedSystems, Vec<SavedRemovals>) =
            decode(&head.systems, "the systems")?;
        let runs = clocks.iter().map(|(_, runs, _)| runs);
        let events = removals.iter().map(|(_, _, first, _)| *first);
        if !runs.chain(events).chain([tick]).all(can_be_counted) {
            let what = "the world has counted more than it can have".to_owned();
            return Err(SnapshotError::Damaged { at: 0, what });
        }
        once_each(resources.iter().map(|(name, _)| &**name))?;
        once_each(removals.iter().map(|(name, ..)| &**name))?;
        let removals = removals.into_iter().filter_map(|(name, ago, first, waiting)| {
            Some((options.name_here(&name)?.to_owned(), ago, first, waiting))
        });
        let removals = removals.collect();
        let mut inserts = Vec::new();
        for (name, bytes) in resources {
            let saved = self.saved.iter().find(|saved| saved.name == name);
            if !options.skips_resource(&name, saved.is_some()) {
                inserts.push(saved.ok_or(SnapshotError::UnknownResource { name })?.decode(bytes)?);
            }
        }
        // The last thing that can fail.
        let before = self.storage.identity();
        let ended = match catch_unwind(AssertUnwindSafe(|| load(&mut self.storage))) {
            Ok(loaded) => loaded.map(|()| None)?,
            // A value that ended panicked, and all the same the store is another.
            Err(panic) if self.storage.identity() != before => Some(panic),
            Err(panic) => resume_unwind(panic),
        };
        self.tick = tick;
        self.clocks = clocks;
        // Systems can put new resources in the place of all.
        self.saved.iter().for_each(|saved| self.resources.bring(saved.kind));
        let removed = self.saved.iter().map(|saved| (saved.remove)(&mut self.resources));
        let mut replaced: Vec<_> = removed.collect();
        replaced.extend(inserts.into_iter().map(|insert| insert(&mut self.resources)));
        let (present, origin) = (self.storage.version(), self.storage.origin());
        // Of events that are not saved both stay, those that wait and how far readers are.
        let after = self.resources.before_restore();
        self.resources.places.restore(systems, self.storage.identity(), present);
        self.resources.restore_removals(removals, present, origin);
        after.into_iter().for_each(|then| then(&self.resources));
        // Last of all, since they may panic, too. One of several panics is told, and the others
        // are forgotten: to drop what they say may panic again.
        let mut panic = ended;
        for value in replaced {
            if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
                match panic {
                    None => panic = Some(another),
                    Some(_) => mem::forget(another),
                }
            }
        }
        panic.map_or(Ok(()), |panic| resume_unwind(panic))
    }

    /// Returns one number for the whole persistent state: equal for equal
    /// states, on every backend and in every process. The formula is that of
    /// [`StateHasher`], with the tick under the label `tick`, the clock of each
    /// [`SubSchedule`](crate::SubSchedule) under `clock ` and its name (its runs as
    /// 8 bytes, the nanoseconds that it has not used as 16), and each saved resource
    /// and type of saved events under `resource ` and its name. Resources are as postcard
    /// writes them; of events it is how many were sent before the first that waits, and the
    /// list of those that wait. A resource that is not there adds nothing, and neither do
    /// events of which none was ever sent.
    ///
    /// So an event counts as long as it waits for a reader, or for the end of the tick.
    ///
    /// # Errors
    /// [`CodecError`] if a value refuses to be encoded.
    pub fn state_hash(&self) -> Result<u64, CodecError> {
        let mut hasher = StateHasher::new();
        hasher.storage(&self.storage)?;
        hasher.part("tick", &self.tick.to_le_bytes());
        for (name, runs, left) in self.clocks.iter() {
            let bytes = [&runs.to_le_bytes()[..], &left.as_nanos().to_le_bytes()].concat();
            hasher.part(&format!("clock {name}"), &bytes);
        }
        for (name, bytes) in self.saved_bytes()? {
            hasher.part(&format!("resource {name}"), &bytes);
        }
        Ok(hasher.finish())
    }
}

/// Reads the store of a world, on the threads for work that begins here.
pub(crate) fn read_store(
    sections: &mut SectionReader<'_>,
    options: &ReadOptions,
) -> Result<StorageImage, SnapshotError> {
    snapshot::read_sections_with_helpers(sections, options, &Crew::here())
}

/// Writes a snapshot of a world to memory, on the threads for work that begins here.
pub(crate) fn write_with_helpers(
    head: &Head,
    contents: &Contents<'_>,
    compression: Compression,
) -> Result<Vec<u8>, SnapshotError> {
    let room = match compression {
        Compression::None => contents.size_hint() + head.len(),
        _ => 0,
    };
    let mut writer = SectionWriter::with_compression(Vec::with_capacity(room), compression)?;
    head.write(&mut writer)?;
    contents.write_with_helpers(&mut writer, &Crew::here())?;
    Ok(writer.finish()?)
}

/// Writes a snapshot of a world.
pub(crate) fn write<W: Write>(
    head: &Head,
    contents: &Contents<'_>,
    out: W,
    compression: Compression,
) -> Result<W, SnapshotError> {
    let mut writer = SectionWriter::with_compression(out, compression)?;
    head.write(&mut writer)?;
    contents.write(&mut writer)?;
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a world whose snapshot says that it is at a tick, and that as many
    /// events were sent.
    fn taken_in(tick: u64, events: u64) -> Result<u64, SnapshotError> {
        let mut world: World = World::new();
        world.save_events::<u8>("state::Told");
        let told = encode(&(events, vec![7u8]));
        let saved = vec![("state::Told".to_owned(), &told[..])];
        let nothing: (SavedSystems, Vec<SavedRemovals>) = Default::default();
        let head =
            Head { world: encode(&(tick, Clocks::default(), saved)), systems: encode(&nothing) };
        world.take_in(&head, &ReadOptions::new(), |_| Ok(()))?;
        // What follows finds its number.
        world.resources.get_mut::<crate::events::Events<u8>>().expect("they were saved").send(1);
        Ok(world.tick())
    }

    #[test]
    fn numbers_that_nobody_can_have_counted_are_refused() {
        assert_eq!(taken_in(MOST_COUNTED, MOST_COUNTED).unwrap(), MOST_COUNTED);
        for (tick, events) in [(u64::MAX, 0), (MOST_COUNTED + 1, 0), (0, u64::MAX)] {
            assert!(taken_in(tick, events).is_err(), "tick {tick}, {events} events");
        }
    }
}
