//! What a query asks for: its terms and its condition.

use ecs_core::ComponentId;
use smallvec::SmallVec;

use super::fetch::QueryData;
use super::filter::Filter;
use super::matcher::Matcher;

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
}

/// Describes a query: its terms in order, and what an archetype must have.
///
/// Two queries of equal shape read the same records alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct QueryShape {
    terms: SmallVec<[Term; 4]>,
    matcher: Matcher,
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
        shape
    }

    /// Adds a term.
    #[inline]
    pub(crate) fn add(&mut self, component: ComponentId, access: TermAccess) {
        self.terms.push(Term { component, access });
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

    /// Returns a component that one of the two writes and the other touches, on
    /// entities that both may match.
    pub fn overlaps(&self, other: &Self) -> Option<ComponentId> {
        self.conflict_with(other).filter(|_| !self.matcher.excludes(&other.matcher))
    }

    /// Returns a component that one of the two writes and the other touches;
    /// conditions are not looked at.
    pub fn conflict_with(&self, other: &Self) -> Option<ComponentId> {
        let clash = |term: &&Term| other.terms.iter().any(|other| clashes(term, other));
        self.terms.iter().find(clash).map(|term| term.component)
    }
}

fn clashes(a: &Term, b: &Term) -> bool {
    use TermAccess::{Presence, Write};
    a.component == b.component
        && (a.access == Write && b.access != Presence || b.access == Write && a.access != Presence)
}
