//! What a query asks for: its terms and its condition.

use ecs_core::{Component, ComponentId};
use smallvec::SmallVec;

use super::fetch::QueryData;
use super::filter::Filter;
use super::matcher::Matcher;
use super::row_condition::RowCondition;

/// How a term uses its component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TermAccess {
    /// It reads the values.
    Read,
    /// It reads and writes the values.
    Write,
    /// It only asks whether they are there.
    Presence,
}

/// One component of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Term {
    /// Which component.
    pub component: ComponentId,
    /// How it is used.
    pub access: TermAccess,
    /// Whether it asks when values changed and came.
    pub ticks: bool,
    /// Whether the component is tracked.
    pub tracked: bool,
}

impl Term {
    /// Returns how many words a record has for it: where the column lies; for what is
    /// written, where its pages lie, and if it is tracked its ticks and their lines; for
    /// what asks for ticks, all this and where those lie at which values came.
    #[inline]
    pub(crate) fn words(&self) -> usize {
        let written = if self.tracked { 4 } else { 2 };
        match self.access {
            _ if self.ticks => written + 1,
            TermAccess::Write => written,
            TermAccess::Read | TermAccess::Presence => 1,
        }
    }
}

/// Describes a query: its terms in order, and what an archetype must have.
///
/// Two queries of equal shape read the same records alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct QueryShape {
    terms: SmallVec<[Term; 4]>,
    matcher: Matcher,
    /// What is asked of single rows, if anything.
    rows: Option<RowCondition>,
    /// Terms described now are optional.
    optional: bool,
}

/// Tells why a query can't be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// A component would be borrowed for writing and once more.
    #[error("component `{component}` is borrowed twice, at least once for writing")]
    Conflict {
        /// Which component.
        component: ComponentId,
    },
    /// A query that writes was asked of a store that is only read.
    #[error("component `{component}` is to be written, but the store is borrowed for reading")]
    ReadOnly {
        /// Which component.
        component: ComponentId,
    },
    /// The entity is dead, or the query does not match it.
    #[error("entity {entity} is dead or does not match the query")]
    NoMatch {
        /// Which entity.
        entity: ecs_core::EntityId,
    },
    /// Not exactly one entity matches.
    #[error("one entity was to match, but {count} do")]
    NotSingle {
        /// How many match.
        count: usize,
    },
}

impl QueryShape {
    /// Describes the query for `D` among the entities that meet `F`.
    ///
    /// # Errors
    /// [`QueryError::Conflict`] if a component that is written occurs twice.
    #[inline]
    pub fn of<D: QueryData, F: Filter>() -> Result<Self, QueryError> {
        let shape = Self::describe::<D, F>();
        shape.check()?;
        Ok(shape)
    }

    #[inline]
    pub(crate) fn describe<D: QueryData, F: Filter>() -> Self {
        let mut shape = Self::default();
        D::describe(&mut shape);
        F::describe(&mut shape.matcher);
        shape.rows = F::rows();
        shape
    }

    /// Adds a term for `C`.
    #[inline]
    pub(crate) fn add<C: Component>(&mut self, access: TermAccess) {
        let component = ComponentId::of::<C>();
        self.add_term(Term { component, access, ticks: false, tracked: C::TRACK });
    }

    /// As [`add`](Self::add), for a term that asks when values changed and came, too.
    #[inline]
    pub(crate) fn add_with_ticks<C: Component>(&mut self, access: TermAccess) {
        let component = ComponentId::of::<C>();
        self.add_term(Term { component, access, ticks: true, tracked: C::TRACK });
    }

    /// As [`add`](Self::add), for a component that is known at run time.
    pub(crate) fn add_dynamic(&mut self, component: ComponentId, access: TermAccess) {
        let tracked = component.info().is_tracked();
        self.add_term(Term { component, access, ticks: false, tracked });
    }

    #[inline]
    fn add_term(&mut self, term: Term) {
        let Term { component, access, .. } = term;
        self.terms.push(term);
        if !self.optional && access != TermAccess::Presence {
            self.matcher.require(component);
        }
    }

    /// Lets `describe` add terms that need not be there.
    pub(crate) fn optional(&mut self, describe: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.optional, true);
        describe(self);
        self.optional = outer;
    }

    /// Returns the condition, to be narrowed.
    pub(crate) fn matcher_mut(&mut self) -> &mut Matcher {
        &mut self.matcher
    }

    /// Narrows what is asked of single rows.
    pub(crate) fn require_row(&mut self, condition: RowCondition) {
        self.rows = Some(match self.rows.take() {
            None => condition,
            Some(before) => RowCondition::All(vec![before, condition]),
        });
    }

    /// Returns what is asked of single rows, if anything.
    #[inline]
    pub(crate) fn rows(&self) -> Option<&RowCondition> {
        self.rows.as_ref()
    }

    /// Tells whether the query asks what has changed.
    #[inline]
    pub fn asks_for_changes(&self) -> bool {
        self.rows.is_some() || self.terms.iter().any(|term| term.ticks)
    }

    /// Checks that no component is borrowed for writing and once more.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        for (n, term) in self.terms.iter().enumerate() {
            if let Some(earlier) = self.terms[..n].iter().find(|earlier| clashes(earlier, term)) {
                return Err(QueryError::Conflict { component: earlier.component });
            }
        }
        Ok(())
    }

    /// Returns the terms in order.
    #[inline]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Returns what an archetype must have.
    #[inline]
    pub fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    /// Tells whether nothing is written.
    #[inline]
    pub fn is_read_only(&self) -> bool {
        self.first_write().is_none()
    }

    pub(crate) fn first_write(&self) -> Option<ComponentId> {
        self.terms.iter().find(|term| term.access == TermAccess::Write).map(|term| term.component)
    }

    /// Tells whether a component is written.
    pub fn writes(&self, component: ComponentId) -> bool {
        self.terms
            .iter()
            .any(|term| term.component == component && term.access == TermAccess::Write)
    }

    /// Returns a component that one of the two writes and the other touches, or
    /// asks whether it has changed, on entities that both may match.
    pub fn overlaps(&self, other: &Self) -> Option<ComponentId> {
        self.conflict_with(other).filter(|_| !self.matcher.excludes(&other.matcher))
    }

    /// Returns a component that one of the two writes and the other touches, or
    /// asks whether it has changed; on which sets they are is not looked at.
    pub fn conflict_with(&self, other: &Self) -> Option<ComponentId> {
        let clash = |term: &&Term| other.terms.iter().any(|other| clashes(term, other));
        let terms = self.terms.iter().find(clash).map(|term| term.component);
        terms.or_else(|| self.watched_by(other)).or_else(|| other.watched_by(self))
    }

    /// Returns a component that is written and that the other's condition on rows
    /// asks for.
    fn watched_by(&self, other: &Self) -> Option<ComponentId> {
        let mut written = self.terms.iter().filter(|term| term.access == TermAccess::Write);
        let rows = other.rows.as_ref()?;
        written.find(|term| rows.names(term.component)).map(|term| term.component)
    }
}

fn clashes(a: &Term, b: &Term) -> bool {
    use TermAccess::{Presence, Write};
    a.component == b.component
        && (a.access == Write && b.access != Presence || b.access == Write && a.access != Presence)
}
