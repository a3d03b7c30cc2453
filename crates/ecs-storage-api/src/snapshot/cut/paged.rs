//! Lists of pages, in groups that cuts share.
//!
//! A page is 1,024 rows. To share each by itself would cost a count to be raised,
//! somewhere in memory, for each page that there is; groups of sixteen cost a tenth
//! of that where few pages change.

use std::fmt;
use std::hash::Hasher as _;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use twox_hash::XxHash3_64;

/// Pages of a group.
pub(super) const GROUP: usize = 16;

/// The pages of a column.
pub(crate) struct Paged<P> {
    groups: Vec<Arc<Group<P>>>,
    len: usize,
}

pub(super) struct Group<P> {
    pages: Vec<Arc<P>>,
    /// 0 if nobody has asked for it yet.
    digest: AtomicU64,
}

impl<P> Paged<P> {
    /// Puts pages together.
    pub(crate) fn new(pages: Vec<Arc<P>>) -> Self {
        let group = |pages: &[Arc<P>]| Arc::new(Group::new(pages.to_vec()));
        Self { len: pages.len(), groups: pages.chunks(GROUP).map(group).collect() }
    }

    /// Puts groups together that were made of a list's pages, all but the last full.
    pub(super) fn of_groups(groups: Vec<Arc<Group<P>>>) -> Self {
        Self { len: groups.iter().map(|group| group.pages.len()).sum(), groups }
    }

    /// Makes groups of some pages, from the first of one on, by `make`, which gets the
    /// number of each; groups of `before` for whose pages `same` is true, or of which each
    /// page is what was made, are shared.
    pub(super) fn groups_after<E>(
        before: Option<&Self>,
        all: Range<usize>,
        same: impl Fn(Range<usize>) -> bool,
        mut make: impl FnMut(usize) -> Result<Arc<P>, E>,
    ) -> Result<Vec<Arc<Group<P>>>, E> {
        let mut groups = Vec::with_capacity(all.len().div_ceil(GROUP));
        for start in all.clone().step_by(GROUP) {
            let pages = start..all.end.min(start + GROUP);
            let known = before.and_then(|before| before.groups.get(start / GROUP));
            let known = known.filter(|known| known.pages.len() == pages.len());
            if let Some(known) = known
                && same(pages.clone())
            {
                groups.push(known.clone());
                continue;
            }
            let made = pages.map(&mut make).collect::<Result<Vec<_>, E>>()?;
            let unchanged = |known: &&Arc<Group<P>>| {
                known.pages.iter().zip(&made).all(|(known, made)| Arc::ptr_eq(known, made))
            };
            groups.push(match known.filter(unchanged) {
                Some(known) => known.clone(),
                None => Arc::new(Group::new(made)),
            });
        }
        Ok(groups)
    }

    /// Returns how many pages there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns a page.
    pub(crate) fn get(&self, page: usize) -> Option<&Arc<P>> {
        self.groups.get(page / GROUP)?.pages.get(page % GROUP)
    }

    /// Returns the pages in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<P>> + Clone {
        self.groups.iter().flat_map(|group| &group.pages)
    }

    /// Returns the numbers of the pages that may be others than those of `before`:
    /// those of groups that are not shared.
    pub(crate) fn beside<'a>(
        &'a self,
        before: Option<&'a Self>,
    ) -> impl Iterator<Item = (usize, &'a Arc<P>, Option<&'a Arc<P>>)> {
        let groups = self.groups.iter().enumerate().filter(move |(n, group)| {
            let known = before.and_then(|before| before.groups.get(*n));
            !known.is_some_and(|known| Arc::ptr_eq(known, group))
        });
        let pages = groups.flat_map(|(n, group)| (n * GROUP..).zip(&group.pages));
        pages.map(move |(n, page)| (n, page, before.and_then(|before| before.get(n))))
    }

    /// Adds the digest of each group to a hash; that is made of the pages' hashes.
    pub(super) fn add_digest(&self, to: &mut XxHash3_64, hash: impl Fn(&P) -> u64) {
        for group in &self.groups {
            to.write(&group.digest(&hash).to_le_bytes());
        }
    }
}

impl<P> Group<P> {
    fn new(pages: Vec<Arc<P>>) -> Self {
        Self { pages, digest: AtomicU64::new(0) }
    }

    /// Returns the pages in order.
    pub(super) fn pages(&self) -> &[Arc<P>] {
        &self.pages
    }

    fn digest(&self, hash: impl Fn(&P) -> u64) -> u64 {
        // Relaxed: whoever computes it gets the same.
        let known = self.digest.load(Ordering::Relaxed);
        if known != 0 {
            return known;
        }
        let mut all = XxHash3_64::new();
        self.pages.iter().for_each(|page| all.write(&hash(page).to_le_bytes()));
        let digest = all.finish().max(1);
        self.digest.store(digest, Ordering::Relaxed);
        digest
    }
}

impl<P> fmt::Debug for Paged<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paged").field("len", &self.len).finish_non_exhaustive()
    }
}
