//! Where an entity is, packed.

use ecs_core::EntityId;

/// Names a table of a directory: dense, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u32);

impl TableId {
    /// Returns the number as an index.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where an entity is, in 8 bytes: generation (20 bits), table (17), row (27).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Location(u64);

impl Location {
    const ROW_BITS: u32 = 27;
    const TABLE_BITS: u32 = 17;
    const GENERATION_SHIFT: u32 = Self::ROW_BITS + Self::TABLE_BITS;
    /// Tables that a location can name.
    pub const MAX_TABLES: usize = 1 << Self::TABLE_BITS;
    /// Rows of a table that a location can name.
    pub const MAX_ROWS: usize = 1 << Self::ROW_BITS;
    /// Where no entity is: its generation is none that an id can have.
    pub(super) const NOWHERE: Self = Self(u64::MAX);

    #[inline]
    pub(super) fn new(generation: u32, table: TableId, row: usize) -> Self {
        debug_assert!(table.index() < Self::MAX_TABLES && row < Self::MAX_ROWS);
        let generation = u64::from(generation) << Self::GENERATION_SHIFT;
        Self(generation | u64::from(table.0) << Self::ROW_BITS | row as u64)
    }

    const GENERATION: u64 = u64::MAX << Self::GENERATION_SHIFT;

    /// Returns where another entity is that takes the place of `entity`, which is
    /// here.
    #[inline(always)]
    pub(super) fn taken_by(self, other: EntityId, entity: EntityId) -> Self {
        // The shift takes the shards away, which lie above the generations.
        let generations = u64::from(other.high() ^ entity.high()) << Self::GENERATION_SHIFT;
        Self(self.0 ^ generations)
    }

    /// Returns where the same entity is when it has moved to a row of a table whose
    /// row 0 is at `first`, in generation 0.
    #[inline(always)]
    pub(super) fn moved_to(self, first: Self, row: usize) -> Self {
        debug_assert!(first.generation() == 0 && first.row() == 0 && row < Self::MAX_ROWS);
        Self(self.0 & Self::GENERATION | first.0 | row as u64)
    }

    /// Returns the same place of an entity of that generation, where this is of
    /// generation 0.
    #[inline(always)]
    pub(super) fn of_generation(self, generation: u32) -> Self {
        debug_assert!(self.generation() == 0);
        Self(self.0 | u64::from(generation) << Self::GENERATION_SHIFT)
    }

    /// Returns the place of the same generation that lies `rows` rows below.
    #[inline(always)]
    pub(super) fn below(self, rows: usize) -> Self {
        Self(self.0 + rows as u64)
    }

    /// Returns the table.
    #[inline]
    pub fn table(self) -> TableId {
        TableId((self.0 >> Self::ROW_BITS) as u32 & (Self::MAX_TABLES as u32 - 1))
    }

    /// Returns the row in the table.
    #[inline]
    pub fn row(self) -> usize {
        self.0 as usize & (Self::MAX_ROWS - 1)
    }

    #[inline]
    fn generation(self) -> u32 {
        (self.0 >> Self::GENERATION_SHIFT) as u32
    }
}

/// Where an entity may be: where it is, if it lives, and else in no table that there
/// is.
///
/// The compare with a table's number, which the caller makes anyway, is thus the
/// test of liveness too.
#[derive(Debug, Clone, Copy)]
pub struct Sighting {
    location: Location,
    table: u64,
}

impl Sighting {
    /// Of an entity that is nowhere.
    pub(crate) const NOWHERE: Self = Self { location: Location::NOWHERE, table: u64::MAX };

    /// Of an entity by its index alone, where `home` is the upper half of a home id
    /// with generation 0.
    #[inline(always)]
    pub(super) fn new(location: Location, entity: EntityId, home: u64) -> Self {
        // The generation lies above the table in both, and cancels out. What is
        // left of a foreign id's upper half lies above the generation.
        let other = (u64::from(entity.high()) ^ home) << Location::TABLE_BITS;
        Self { location, table: location.0 >> Location::ROW_BITS ^ other }
    }

    /// Returns the number of the table, which no table has if the entity does not
    /// live.
    #[inline(always)]
    pub fn table(self) -> u64 {
        self.table
    }

    /// Returns the number of the table as an index, which is beyond those of all tables if
    /// the entity does not live.
    #[inline(always)]
    pub(crate) fn index(self) -> usize {
        usize::try_from(self.table).unwrap_or(usize::MAX)
    }

    /// Returns the row, if the entity lives.
    #[inline(always)]
    pub(crate) fn row(self) -> usize {
        self.location.row()
    }

    /// Returns where the entity is, if it is in one of the first `tables`.
    #[inline(always)]
    pub fn among(self, tables: usize) -> Option<Location> {
        (self.table < tables as u64).then_some(self.location)
    }

    /// Returns where the entity is, if it is in the table of that number; no table has
    /// `u64::MAX`.
    #[inline(always)]
    pub fn within(self, table: u64) -> Option<Location> {
        (self.table == table).then_some(self.location)
    }
}

/// Where the ids of the home shard are, by value, for look-ups in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HomeLocations<'a> {
    pub(super) locations: &'a [Location],
    /// The upper half of a home id with generation 0.
    pub(super) home: u32,
}

impl HomeLocations<'_> {
    /// Returns where an entity may be, if its index was ever given: in no table that
    /// there is, unless it lives here and is of the home shard.
    #[inline]
    pub(crate) fn probe(self, entity: EntityId) -> Option<Sighting> {
        let location = *self.locations.get(entity.index() as usize)?;
        Some(Sighting::new(location, entity, u64::from(self.home)))
    }

    /// As [`probe`](Self::probe), with nothing to ask in a loop over many.
    #[inline(always)]
    pub(crate) fn sight(self, entity: EntityId) -> Sighting {
        let location = self.locations.get(entity.index() as usize).copied();
        Sighting::new(location.unwrap_or(Location::NOWHERE), entity, u64::from(self.home))
    }

    /// Returns where it is written where an entity is, so that memory can be asked for
    /// it in advance; anywhere, if it is not written.
    #[inline]
    pub(crate) fn entry(self, entity: EntityId) -> *const Location {
        self.locations.as_ptr().wrapping_add(entity.index() as usize)
    }

    /// Returns where an entity is, or `None` if it does not live here or another
    /// shard named it.
    #[inline]
    pub(super) fn locate(self, entity: EntityId) -> Option<Location> {
        let location = *self.locations.get(entity.index() as usize)?;
        // The upper half of a foreign id differs from `home` above the
        // generation, so it equals no location's generation.
        (location.generation() == entity.high() ^ self.home).then_some(location)
    }
}
