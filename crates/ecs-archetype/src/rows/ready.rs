//! What nothing more is to be done for before a row moves or is written. Whoever has such
//! an answer uses it at once, before anything else changes.

use ecs_core::EntityId;
use ecs_storage_api::{Location, Sighting};

use super::{Plan, Rows};

/// A plan by which a row can be moved as it is: it leads somewhere, its addresses
/// are up to date, and there is room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready<'a> {
    pub(super) plan: &'a Plan,
    /// The row behind the target's last.
    pub(super) new_row: usize,
}

/// An entity that was found at home, in the table where a plan begins that is ready.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtStart<'a> {
    pub(super) ready: Ready<'a>,
    pub(super) at: Location,
}

/// A row whose values can be replaced by a plan as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InPlaceOf<'a> {
    pub(super) plan: &'a Plan,
    pub(super) row: usize,
    /// The row behind the last.
    pub(super) spare: usize,
}

impl Rows {
    /// Returns where an entity may be, as long as nothing rare is the case.
    ///
    /// Whoever changes a single row asks this first and goes another way if not, so
    /// that nothing rare stands in the middle of what is done for each row.
    #[inline(always)]
    pub(crate) fn sight(&self, entity: EntityId) -> Option<Sighting> {
        self.directory.sight_home(entity)
    }

    /// Tells whether a row can be moved by a plan as it is.
    ///
    /// Whoever moves single rows asks this first and goes another way if not, so
    /// that nothing rare stands in the middle of what is done for each row.
    #[inline(always)]
    pub(crate) fn ready<'a>(&self, plan: &'a Plan) -> Option<Ready<'a>> {
        if plan.layout != self.layout {
            return None;
        }
        // SAFETY: as long as the layout is the same, the passage is true; the directory
        // is borrowed.
        let new_row = unsafe { plan.passage.target_len() };
        (new_row < plan.room).then_some(Ready { plan, new_row })
    }

    /// As `ready`, for an entity that was seen in the table where the plan begins.
    #[inline(always)]
    pub(crate) fn at_start<'a>(&self, plan: &'a Plan, seen: Sighting) -> Option<AtStart<'a>> {
        let at = seen.within(u64::from(plan.source.0))?;
        self.ready(plan).map(|ready| AtStart { ready, at })
    }

    /// As [`at_start`](Self::at_start), of a plan that leads nowhere.
    #[inline(always)]
    pub(crate) fn in_place_of<'a>(&self, plan: &'a Plan, seen: Sighting) -> Option<InPlaceOf<'a>> {
        self.in_place(plan, seen.within(u64::from(plan.source.0))?.row())
    }

    #[inline(always)]
    pub(super) fn in_place<'a>(&self, plan: &'a Plan, row: usize) -> Option<InPlaceOf<'a>> {
        if plan.layout != self.layout || !plan.stays() {
            return None;
        }
        let spare = self.len(plan.target);
        (spare < self.tables[plan.target.index()].capacity).then_some(InPlaceOf {
            plan,
            row,
            spare,
        })
    }
}
