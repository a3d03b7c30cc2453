//! Where each entity of a replica is.

use std::ops::Range;

use ahash::AHashMap;
use ecs_core::EntityId;

use super::page::{self, Page};

/// Pages of entities: those of the home shard by index, of which there is one at a time,
/// and others one after another.
#[derive(Debug)]
pub(super) struct Places {
    home: u16,
    pages: Vec<Option<Box<Page>>>,
    strangers: AHashMap<EntityId, u32>,
    /// Places of strangers that have ended.
    free: Vec<u32>,
    strange_pages: Vec<Option<Box<Page>>>,
}

impl Places {
    /// Makes some without entities.
    pub(super) fn new(home: u16) -> Self {
        let (pages, strangers, free, strange_pages) = Default::default();
        Self { home, pages, strangers, free, strange_pages }
    }

    /// Returns who is in the place of an id.
    pub(super) fn occupant(&self, id: EntityId) -> Option<EntityId> {
        let is_home = id.shard() == self.home;
        let pages = if is_home { &self.pages } else { &self.strange_pages };
        let place = if is_home { id.index() } else { *self.strangers.get(&id)? } as usize;
        let (id, _) = pages.get(place / page::ROWS)?.as_ref()?.row(place % page::ROWS)?;
        Some(id)
    }

    /// Says that nobody is in the place of an id.
    pub(super) fn end(&mut self, id: EntityId) {
        let (pages, place) = if id.shard() == self.home {
            (&mut self.pages, id.index())
        } else {
            let Some(place) = self.strangers.remove(&id) else { return };
            self.free.push(place);
            (&mut self.strange_pages, place)
        };
        if let Some(Some(page)) = pages.get_mut(place as usize / page::ROWS) {
            page.end(place as usize % page::ROWS);
        }
    }

    /// Returns everybody.
    pub(super) fn entities(&self) -> impl Iterator<Item = EntityId> + '_ {
        let pages = self.pages.iter().chain(&self.strange_pages);
        pages.flatten().flat_map(|page| page.entities())
    }

    /// Forgets all values, and no entity.
    pub(super) fn forget_values(&mut self) {
        let pages = self.pages.iter_mut().chain(&mut self.strange_pages);
        pages.flatten().for_each(|page| page.forget_values());
    }

    /// Calls `each` with runs of ids whose places are in one page: the page, if there is
    /// one, the run, and the rows of the page.
    pub(super) fn for_each_run<'a>(
        &'a self,
        ids: &[EntityId],
        mut each: impl FnMut(Option<&'a Page>, Range<usize>, &[u32]),
    ) {
        let mut in_page = Vec::new();
        for run in self.runs(ids) {
            in_page.clear();
            let first = ids[run.start];
            let (pages, place) = if first.shard() == self.home {
                in_page.extend(ids[run.clone()].iter().map(|id| id.index() % page::ROWS as u32));
                (&self.pages, Some(first.index()))
            } else {
                let place = self.strangers.get(&first).copied();
                in_page.push(place.unwrap_or(0) % page::ROWS as u32);
                (&self.strange_pages, place)
            };
            let page = place.and_then(|place| pages.get(place as usize / page::ROWS));
            let page = page.and_then(Option::as_deref);
            if let Some(page) = page {
                page.ask_for(&in_page[..in_page.len().min(Page::AHEAD)]);
            }
            each(page, run, &in_page);
        }
    }

    /// As `for_each_run`, making places and pages where there are none.
    pub(super) fn for_each_run_or_new(
        &mut self,
        ids: &[EntityId],
        mut each: impl FnMut(&mut Page, Range<usize>, &[u32]),
    ) {
        let mut in_page = Vec::new();
        for run in self.runs(ids).collect::<Vec<_>>() {
            in_page.clear();
            let first = ids[run.start];
            let (pages, place) = if first.shard() == self.home {
                in_page.extend(ids[run.clone()].iter().map(|id| id.index() % page::ROWS as u32));
                (&mut self.pages, first.index())
            } else {
                let next = self.strangers.len() as u32;
                let place = self.strangers.entry(first).or_insert_with(|| {
                    // As many places are taken as there are strangers, without those that
                    // are free.
                    self.free.pop().unwrap_or(next)
                });
                in_page.push(*place % page::ROWS as u32);
                (&mut self.strange_pages, *place)
            };
            let n = place as usize / page::ROWS;
            if n >= pages.len() {
                pages.resize_with(n + 1, || None);
            }
            each(pages[n].get_or_insert_default(), run, &in_page);
        }
    }

    /// Cuts ids into runs: of home ids in one page, and strangers one by one.
    fn runs<'i>(&self, ids: &'i [EntityId]) -> impl Iterator<Item = Range<usize>> + use<'i> {
        let home = self.home;
        let in_one_page = move |a: &EntityId, b: &EntityId| {
            a.shard() == home
                && b.shard() == home
                && a.index() as usize / page::ROWS == b.index() as usize / page::ROWS
        };
        let mut start = 0;
        ids.chunk_by(in_one_page).map(move |run| {
            start += run.len();
            start - run.len()..start
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_have_places_of_their_own() {
        let id = |shard, index, generation| EntityId::new(shard, index, generation).unwrap();
        let mut places = Places::new(3);
        let begin = |places: &mut Places, ids: &[EntityId]| {
            places.for_each_run_or_new(ids, |page, run, in_page| {
                for (id, to) in ids[run].iter().zip(in_page) {
                    page.begin(*to as usize, *id, 0);
                }
            });
        };
        let all = [id(3, 7, 1), id(4, 7, 1), id(4, 7, 2), id(0, 7, 0), id(3, 90_000, 0)];
        begin(&mut places, &all);
        for id in all {
            assert_eq!(places.occupant(id), Some(id));
        }
        assert_eq!(places.occupant(id(3, 7, 5)), Some(all[0]), "one at a time to an index");
        places.end(all[1]);
        assert_eq!(places.occupant(all[1]), None);
        let more = [id(5, 1, 0), id(5, 2, 0)];
        begin(&mut places, &more);
        let mut there: Vec<_> = places.entities().collect();
        there.sort_unstable();
        let mut expected = [&all[..1], &all[2..], &more].concat();
        expected.sort_unstable();
        assert_eq!(there, expected);
    }
}
