//! From which cuts a store comes: which of them its versions can be compared with.

use super::cut::StorageCut;
use crate::changes::Version;

/// The past of a store that takes cuts in, for backends.
///
/// Versions of a store never fall, so a store that goes back to a cut goes on at
/// later ones. In cuts the versions do go back: those that are taken afterwards count
/// on from the one that was taken in, and so share pages with it as they are. By how
/// much the store is ahead is its *lead*, always whole rounds of
/// [ticks](Version::tick): the few bits that are kept beside rows are the same in
/// both.
///
/// Futures of one cut give the same versions to different things. So each has an
/// [identity](crate::Storage::identity), and a store keeps up to which version it
/// shares those of others.
#[derive(Debug, Clone, Default)]
pub struct Descent {
    lead: u64,
    /// Identities of the store before, each with the version of the cut, in the
    /// numbers of cuts, with which another history began; the oldest first.
    past: Vec<(u64, Version)>,
}

impl Descent {
    /// How many identities are kept. What is older is copied as if nothing were known
    /// of it.
    const MOST: usize = 1 << 12;
    /// Versions from which on a store goes ahead by no more than it must.
    const MOST_VERSIONS: u64 = 3 << 62;

    /// Returns by how much the versions of the store are ahead of those in its cuts.
    #[inline]
    pub fn lead(&self) -> u64 {
        self.lead
    }

    /// Returns the version after which all came in which a store of this descent and
    /// identity differs from a cut; `None` if nothing is known of that.
    pub fn since(&self, identity: u64, cut: &StorageCut) -> Option<Version> {
        let is_past =
            |&(known, until): &(u64, Version)| known == cut.identity && cut.version <= until;
        let known = identity == cut.identity || self.past.iter().any(is_past);
        (known && cut.identity != 0).then(|| Version::new(cut.version.get() + self.lead))
    }

    /// Returns the descent of the store when it has taken a cut in, and with that its
    /// version and [origin](crate::Storage::origin): later than `now`, its present
    /// version, are all that the cut tells of. `None` if its versions would become
    /// too large, or the cut knows none.
    pub fn after(
        &self,
        identity: u64,
        cut: &StorageCut,
        now: Version,
    ) -> Option<(Self, Version, Version)> {
        const ROUND: u64 = 1 << 32;
        let (present, origin) = (cut.present().get(), cut.origin.get());
        if cut.span() == 0 {
            return None;
        }
        let lead = now.get().saturating_sub(origin).checked_next_multiple_of(ROUND)?;
        let ahead = present.checked_add(lead).filter(|&ahead| ahead < Self::MOST_VERSIONS)?;
        let mut past = self.past.clone();
        past.push((identity, Version::new(u64::MAX)));
        match past.iter().position(|&(known, until)| known == cut.identity && cut.version <= until)
        {
            Some(at) => past.truncate(at),
            None => past.clear(),
        }
        if cut.identity != 0 {
            past.push((cut.identity, cut.version));
        }
        past.drain(..past.len().saturating_sub(Self::MOST));
        Some((Self { lead, past }, Version::new(ahead), Version::new(origin + lead)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(identity: u64, version: u64) -> StorageCut {
        StorageCut::with_identity(identity, Version::new(version))
    }

    #[test]
    fn a_store_knows_the_cuts_that_it_comes_from_and_no_others() {
        let start = Descent::default();
        assert_eq!(start.since(1, &cut(1, 5)), Some(Version::new(5)));
        assert_eq!(start.since(1, &cut(2, 5)), None);
        // Back from 30 to 10, on, back from 25 to 20, on, and back to 8.
        let (second, present, origin) = start.after(1, &cut(1, 10), Version::new(30)).unwrap();
        assert_eq!((second.lead, present.get(), origin.get()), (1 << 32, 11 + (1 << 32), 1 << 32));
        assert_eq!(second.since(2, &cut(1, 10)), Some(Version::new(10 + (1 << 32))));
        assert_eq!(second.since(2, &cut(1, 11)), None, "it is of the other future");
        let now = Version::new(25 + (1 << 32));
        let (third, ..) = second.after(2, &cut(2, 20), now).unwrap();
        assert_eq!(third.lead, 2 << 32);
        for (cut, known) in [(cut(2, 20), true), (cut(2, 21), false), (cut(1, 9), true)] {
            assert_eq!(third.since(3, &cut).is_some(), known);
        }
        let (last, ..) = third.after(3, &cut(1, 8), Version::new(3 << 32)).unwrap();
        assert_eq!((last.past.len(), last.lead), (1, 3 << 32));
        assert_eq!(last.since(4, &cut(2, 20)), None);
        // Elsewhere, a cut that is none of its own is all that is known.
        let (other, ..) = start.after(7, &cut(3, 12), Version::FIRST).unwrap();
        assert_eq!(other.past, [(3, Version::new(12))]);
        assert_eq!(other.since(8, &cut(7, 1)), None);
    }

    #[test]
    fn what_comes_from_no_store_is_known_by_nobody() {
        let (of_bytes, ..) = Descent::default().after(1, &cut(0, 4), Version::FIRST).unwrap();
        assert_eq!(of_bytes.since(2, &cut(0, 4)), None);
        assert!(of_bytes.past.is_empty());
        assert!(of_bytes.after(2, &cut(1, 4), Version::new(3 << 62)).is_none());
    }
}
