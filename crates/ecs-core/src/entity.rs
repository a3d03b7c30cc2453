//! Entity ids: shard, generation and index in one non-zero word.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64, ParseIntError};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Where the generation starts; the index lies below it.
const GENERATION_SHIFT: u32 = 32;
/// Where the shard starts; the generation lies below it.
const SHARD_SHIFT: u32 = 52;
/// The generation's bits, after shifting.
const GENERATION_MASK: u64 = 0xF_FFFF;

/// Names an entity, in one `u64` that is never zero.
///
/// | bits | field | |
/// |---|---|---|
/// | 63..52 | shard | which allocator gave the id |
/// | 51..32 | generation | how often the index had been given before |
/// | 31..0 | index | never 0 |
///
/// An id never names another entity later: a recycled index comes with the next
/// generation, and an index whose generations are used up is retired. Since
/// index 0 is never given, `Option<EntityId>` takes 8 bytes.
///
/// Ids are ordered by shard, then generation, then index. Serde writes the bits
/// as a `u64`, and refuses bits that are no id; in memory they are that `u64`, so
/// that ids can be lent as numbers (`bytemuck::NoUninit`).
///
/// # Example
/// ```
/// use ecs_core::EntityId;
///
/// let id = EntityId::new(0, 1, 0).unwrap();
/// assert_eq!((id.shard(), id.index(), id.generation()), (0, 1, 0));
/// assert_eq!(id.to_string(), "0:1v0");
/// assert_eq!("0:1v0".parse(), Ok(id));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, bytemuck::NoUninit)]
#[repr(transparent)]
pub struct EntityId(NonZeroU64);

impl EntityId {
    /// The greatest shard: 12 bits.
    pub const MAX_SHARD: u16 = 0xFFF;

    /// The greatest generation: 20 bits, without the last value, which marks a
    /// slot that holds no entity.
    pub const MAX_GENERATION: u32 = 0xF_FFFE;

    /// An upper half ([`high`](Self::high)) that no id has: what a table of
    /// upper halves holds where there is no entity.
    pub const NO_HIGH: u32 = u32::MAX;

    /// Makes the id with these parts, or `None` if the index is 0, the shard is
    /// above [`MAX_SHARD`](Self::MAX_SHARD) or the generation is above
    /// [`MAX_GENERATION`](Self::MAX_GENERATION).
    ///
    /// # Example
    /// ```
    /// use ecs_core::EntityId;
    ///
    /// assert!(EntityId::new(4095, 1, 7).is_some());
    /// assert!(EntityId::new(4096, 1, 7).is_none());
    /// assert!(EntityId::new(0, 0, 0).is_none());
    /// ```
    #[must_use]
    pub const fn new(shard: u16, index: u32, generation: u32) -> Option<Self> {
        if index == 0 || shard > Self::MAX_SHARD || generation > Self::MAX_GENERATION {
            return None;
        }
        let high = ((shard as u64) << SHARD_SHIFT) | ((generation as u64) << GENERATION_SHIFT);
        match NonZeroU64::new(high | index as u64) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// Takes the id back from its bits.
    ///
    /// # Errors
    /// [`InvalidEntityId`] if the index is 0 or the generation is above
    /// [`MAX_GENERATION`](Self::MAX_GENERATION).
    ///
    /// # Example
    /// ```
    /// use ecs_core::EntityId;
    ///
    /// let id = EntityId::new(3, 5, 8).unwrap();
    /// assert_eq!(EntityId::from_bits(id.to_bits()), Ok(id));
    /// assert!(EntityId::from_bits(0).is_err());
    /// ```
    #[inline]
    pub const fn from_bits(bits: u64) -> Result<Self, InvalidEntityId> {
        if bits as u32 == 0 {
            return Err(InvalidEntityId { bits, reason: InvalidEntityIdReason::ZeroIndex });
        }
        if (bits >> GENERATION_SHIFT) & GENERATION_MASK > Self::MAX_GENERATION as u64 {
            return Err(InvalidEntityId { bits, reason: InvalidEntityIdReason::FreeGeneration });
        }
        match NonZeroU64::new(bits) {
            Some(bits) => Ok(Self(bits)),
            None => Err(InvalidEntityId { bits, reason: InvalidEntityIdReason::ZeroIndex }),
        }
    }

    /// Gives the id as one number; [`from_bits`](Self::from_bits) takes it back.
    #[inline]
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0.get()
    }

    /// Tells which shard's allocator gave the id.
    #[inline]
    #[must_use]
    pub const fn shard(self) -> u16 {
        (self.to_bits() >> SHARD_SHIFT) as u16
    }

    /// Tells the index within the shard, never 0.
    #[inline]
    #[must_use]
    pub const fn index(self) -> u32 {
        self.to_bits() as u32
    }

    /// Tells how often the index had been given before this id.
    #[inline]
    #[must_use]
    pub const fn generation(self) -> u32 {
        ((self.to_bits() >> GENERATION_SHIFT) & GENERATION_MASK) as u32
    }

    /// Gives shard and generation together: the upper 32 bits.
    ///
    /// A table that keeps this half by index answers "is it alive, and of this
    /// shard" with one comparison.
    #[inline]
    #[must_use]
    pub const fn high(self) -> u32 {
        (self.to_bits() >> GENERATION_SHIFT) as u32
    }

    /// Joins an index with the upper half that [`high`](Self::high) gave.
    ///
    /// # Errors
    /// As [`from_bits`](Self::from_bits).
    #[inline]
    pub const fn from_halves(high: u32, index: u32) -> Result<Self, InvalidEntityId> {
        Self::from_bits(((high as u64) << GENERATION_SHIFT) | index as u64)
    }

    /// Gives the first id of an index, in a shard that is known to be valid.
    #[inline]
    pub(crate) fn first(shard: u16, index: NonZeroU32) -> Self {
        debug_assert!(shard <= Self::MAX_SHARD, "shard {shard} is out of range");
        Self(NonZeroU64::from(index) | (u64::from(shard) << SHARD_SHIFT))
    }

    /// Gives the same index with the next generation, or `None` at the last.
    #[inline]
    pub(crate) fn next_generation(self) -> Option<Self> {
        // With the bits of the shard all set, one comparison asks the generation.
        if self.high() | !(GENERATION_MASK as u32) >= !0 << 20 | Self::MAX_GENERATION {
            return None;
        }
        NonZeroU64::new(self.to_bits().wrapping_add(1 << GENERATION_SHIFT)).map(Self)
    }

    /// Gives the id whose index is greater by `offset`.
    ///
    /// The caller sees to it that the index does not overflow.
    #[inline]
    pub(crate) fn offset(self, offset: u32) -> Self {
        debug_assert!(self.index().checked_add(offset).is_some(), "{self} + {offset} overflows");
        // Saturating, since a loop over a check that panics is not vectorised.
        Self(self.0.saturating_add(u64::from(offset)))
    }
}

impl fmt::Debug for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shard, index, generation) = (self.shard(), self.index(), self.generation());
        write!(f, "EntityId(shard={shard}, index={index}, generation={generation})")
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}v{}", self.shard(), self.index(), self.generation())
    }
}

impl FromStr for EntityId {
    type Err = ParseEntityIdError;

    /// Reads what `Display` writes: `shard:index v generation` without the
    /// spaces, such as `0:1v0`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (shard, rest) = text.split_once(':').ok_or(ParseEntityIdError::Form)?;
        let (index, generation) = rest.split_once('v').ok_or(ParseEntityIdError::Form)?;
        let (shard, index, generation) = (shard.parse()?, index.parse()?, generation.parse()?);
        Self::new(shard, index, generation).ok_or(ParseEntityIdError::Range {
            shard,
            index,
            generation,
        })
    }
}

impl Serialize for EntityId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.to_bits())
    }
}

impl<'de> Deserialize<'de> for EntityId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_bits(u64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Tells that bits are no entity id, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{bits:#018x} is no entity id: {reason}")]
#[non_exhaustive]
pub struct InvalidEntityId {
    /// The bits that were to be an id.
    pub bits: u64,
    /// What is wrong with them.
    pub reason: InvalidEntityIdReason,
}

/// Says why bits are no entity id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEntityIdReason {
    /// The index is 0, which is never given out.
    #[error("its index is 0")]
    ZeroIndex,
    /// The generation is the one that marks a slot without an entity.
    #[error("its generation is that of a free slot")]
    FreeGeneration,
}

/// Tells that a text is no entity id, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseEntityIdError {
    /// The text has not the form `shard:index v generation`, as in `0:1v0`.
    #[error("an entity id looks like 0:1v0 (shard:index v generation)")]
    Form,
    /// One of the three is no number, or too great for its type.
    #[error("a part of the entity id is no number: {0}")]
    Number(#[from] ParseIntError),
    /// The numbers are out of range.
    #[error("no entity id has shard {shard}, index {index} and generation {generation}")]
    Range {
        /// The shard that was read.
        shard: u16,
        /// The index that was read.
        index: u32,
        /// The generation that was read.
        generation: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(shard: u16, index: u32, generation: u32) -> EntityId {
        EntityId::new(shard, index, generation).expect("the parts are in range")
    }

    #[test]
    fn an_optional_id_takes_eight_bytes() {
        assert_eq!(size_of::<EntityId>(), 8);
        assert_eq!(size_of::<Option<EntityId>>(), 8);
    }

    #[test]
    fn parts_come_back_as_they_went_in() {
        let top = EntityId::MAX_GENERATION;
        for shard in [0, 1, 7, EntityId::MAX_SHARD] {
            for index in [1, 2, 1 << 31, u32::MAX] {
                for generation in [0, 1, 0x8_0000, top] {
                    let id = id(shard, index, generation);
                    let parts = (id.shard(), id.index(), id.generation());
                    assert_eq!(parts, (shard, index, generation));
                    assert_eq!(id.high(), u32::from(shard) << 20 | generation);
                    assert_eq!(EntityId::from_bits(id.to_bits()), Ok(id));
                    assert_eq!(EntityId::from_halves(id.high(), index), Ok(id));
                    assert_eq!(id.to_string().parse(), Ok(id));
                    assert_ne!(id.high(), EntityId::NO_HIGH);
                }
            }
        }
    }

    #[test]
    fn the_bits_are_as_documented() {
        assert_eq!(id(0xABC, 0x1234_5678, 0xD_EF01).to_bits(), 0xABCD_EF01_1234_5678);
        assert_eq!(id(0, 1, 0).to_bits(), 1);
    }

    #[test]
    fn parts_out_of_range_make_no_id() {
        assert_eq!(EntityId::new(0, 0, 0), None);
        assert_eq!(EntityId::new(5, 0, 5), None);
        assert_eq!(EntityId::new(0x1000, 1, 0), None);
        assert_eq!(EntityId::new(u16::MAX, 1, 0), None);
        assert_eq!(EntityId::new(0, 1, 0xF_FFFF), None);
        assert_eq!(EntityId::new(0, 1, u32::MAX), None);
    }

    #[test]
    fn bits_that_are_no_id_are_rejected_with_the_reason() {
        let zero = EntityId::from_bits(0x0010_0001_0000_0000).unwrap_err();
        assert_eq!(zero.reason, InvalidEntityIdReason::ZeroIndex);
        assert_eq!(zero.to_string(), "0x0010000100000000 is no entity id: its index is 0");
        let free = EntityId::from_bits(0x000F_FFFF_0000_0001).unwrap_err();
        assert_eq!(free.reason, InvalidEntityIdReason::FreeGeneration);
        assert_eq!(free.bits, 0x000F_FFFF_0000_0001);
        assert!(EntityId::from_bits(u64::MAX).is_err());
    }

    #[test]
    fn order_is_shard_then_generation_then_index() {
        let sorted = [id(0, 9, 0), id(0, 1, 1), id(0, 2, 1), id(1, 1, 0), id(1, 1, 1)];
        assert!(sorted.is_sorted());
    }

    #[test]
    fn text_forms_are_as_documented() {
        assert_eq!(format!("{:?}", id(0, 1, 0)), "EntityId(shard=0, index=1, generation=0)");
        assert_eq!(id(4095, 17, 3).to_string(), "4095:17v3");
    }

    #[test]
    fn texts_that_are_no_id_are_rejected() {
        for text in ["", "1", "0:1", "0:1v", ":1v0", "0:v0", "0:0v0", "4096:1v0", "0:1v1048575"] {
            assert!(text.parse::<EntityId>().is_err(), "{text} was read as an id");
        }
        for text in ["0:1v0 ", "0-1v0", "0:-1v0", "70000:1v0", "0:5000000000v0", "0:1v0v0"] {
            assert!(text.parse::<EntityId>().is_err(), "{text} was read as an id");
        }
    }

    #[test]
    fn serde_keeps_ids_and_rejects_nonsense() {
        let id = id(3, 77, 12);
        let bytes = postcard::to_allocvec(&id).unwrap();
        assert_eq!(bytes, postcard::to_allocvec(&id.to_bits()).unwrap());
        assert_eq!(postcard::from_bytes::<EntityId>(&bytes), Ok(id));
        for nonsense in [0u64, 1 << 32, 1 << 52, u64::MAX, 0x000F_FFFF_0000_0001] {
            let bytes = postcard::to_allocvec(&nonsense).unwrap();
            assert!(postcard::from_bytes::<EntityId>(&bytes).is_err(), "{nonsense:#x} was read");
        }
    }

    #[test]
    fn generations_end_at_the_last() {
        assert_eq!(id(2, 5, 0).next_generation(), Some(id(2, 5, 1)));
        let last = id(4095, u32::MAX, EntityId::MAX_GENERATION - 1).next_generation().unwrap();
        assert_eq!(last.generation(), EntityId::MAX_GENERATION);
        assert_eq!(last.next_generation(), None);
    }
}
