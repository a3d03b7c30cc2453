//! What an archetype must have and must not have.

use std::ops::{BitAnd, BitOr, Not};

use ecs_core::ComponentId;
use smallvec::SmallVec;

/// A condition on component sets.
///
/// It can be asked of one set, or of 64 tables at once with a bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Matcher {
    required: SmallVec<[ComponentId; 4]>,
    excluded: SmallVec<[ComponentId; 2]>,
    /// Each group needs one alternative to hold.
    any: Vec<Vec<Matcher>>,
}

/// The answer for one set, or for 64 with a bit each.
pub trait Answer:
    Copy + PartialEq + BitAnd<Output = Self> + BitOr<Output = Self> + Not<Output = Self>
{
    /// Every set meets the condition.
    const ALL: Self;
    /// No set meets it.
    const NONE: Self;
}

impl Answer for bool {
    const ALL: Self = true;
    const NONE: Self = false;
}

impl Answer for u64 {
    const ALL: Self = u64::MAX;
    const NONE: Self = 0;
}

impl Matcher {
    /// Creates a condition that every set meets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a component.
    pub fn require(&mut self, component: ComponentId) {
        if !self.required.contains(&component) {
            self.required.push(component);
        }
    }

    /// Asks for the absence of a component.
    pub fn exclude(&mut self, component: ComponentId) {
        if !self.excluded.contains(&component) {
            self.excluded.push(component);
        }
    }

    /// Asks for one of several conditions.
    pub fn any_of(&mut self, alternatives: Vec<Matcher>) {
        self.any.push(alternatives);
    }

    /// Returns the components that a set must hold.
    pub fn required(&self) -> &[ComponentId] {
        &self.required
    }

    /// Returns the components that a set must not hold.
    pub fn excluded(&self) -> &[ComponentId] {
        &self.excluded
    }

    /// Returns the groups of conditions of each of which one must hold.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &[Matcher]> {
        self.any.iter().map(Vec::as_slice)
    }

    /// Tells whether a set meets the condition; `has` says what it holds.
    pub fn matches(&self, has: &dyn Fn(ComponentId) -> bool) -> bool {
        self.answer(&has)
    }

    /// Tells for 64 sets at once which of them meet the condition.
    #[inline]
    pub(crate) fn bits(&self, has: &impl Fn(ComponentId) -> u64) -> u64 {
        self.answer(has)
    }

    /// Tells whether no set can meet both conditions, as far as what they
    /// require and exclude outright shows.
    pub fn excludes(&self, other: &Self) -> bool {
        let clash =
            |a: &Self, b: &Self| a.required.iter().any(|component| b.excluded.contains(component));
        clash(self, other) || clash(other, self)
    }

    #[inline]
    fn answer<A: Answer>(&self, has: &impl Fn(ComponentId) -> A) -> A {
        let mut answer = A::ALL;
        for &component in &self.required {
            answer = answer & has(component);
        }
        for &component in &self.excluded {
            answer = answer & !has(component);
        }
        for group in &self.any {
            answer = answer & Self::answer_any(group, has);
        }
        answer
    }

    // Apart, so that `answer` can be inlined although the two call each other.
    #[inline(never)]
    fn answer_any<A: Answer>(group: &[Self], has: &impl Fn(ComponentId) -> A) -> A {
        group.iter().fold(A::NONE, |answer, alternative| answer | alternative.answer(has))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ecs_core::DynamicComponent;

    fn component(n: u8) -> ComponentId {
        DynamicComponent::new(format!("matcher::{n}"), 0, 1).register().unwrap()
    }

    #[test]
    fn one_set_and_sixty_four_get_the_same_answer() {
        let ids: Vec<_> = (0..6).map(component).collect();
        let mut matcher = Matcher::new();
        matcher.require(ids[0]);
        matcher.exclude(ids[1]);
        let (mut left, mut right) = (Matcher::new(), Matcher::new());
        left.require(ids[2]);
        right.require(ids[3]);
        right.exclude(ids[4]);
        matcher.any_of(vec![left, right]);
        // Set n of 64 holds component k if bit k of n is set.
        let has_bits = |id: ComponentId| {
            let k = ids.iter().position(|&known| known == id).unwrap();
            (0..64u64).filter(|n| n >> k & 1 == 1).fold(0, |bits, n| bits | 1 << n)
        };
        let bits = matcher.bits(&has_bits);
        for n in 0..64 {
            let one = matcher.matches(&|id| has_bits(id) >> n & 1 == 1);
            let by_hand = n & 1 != 0 && n & 2 == 0 && (n & 4 != 0 || n & 8 != 0 && n & 16 == 0);
            assert_eq!((one, bits >> n & 1 == 1), (by_hand, by_hand), "set {n:06b}");
        }
    }

    #[test]
    fn conditions_that_exclude_each_other_are_known() {
        let (a, b) = (component(0), component(1));
        let (mut with, mut without) = (Matcher::new(), Matcher::new());
        with.require(a);
        without.exclude(a);
        without.require(b);
        assert!(with.excludes(&without) && without.excludes(&with));
        assert!(!with.excludes(&with));
    }
}
