//! Changes of many entities at once, with the values that came.

use ecs_core::{ComponentId, EntityId, ErasedSlice};
use smallvec::SmallVec;

/// How many components all batches together may be about: a bit of a word each.
const COMPONENTS: usize = u32::BITS as usize;

/// The largest value that is told of, in bytes.
pub(crate) const LARGE: usize = 64;

/// How many bytes a value of each of them may take: who follows has room for all beside
/// each entity.
const BYTES: usize = 256;

/// Batches in the order in which they were made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batches {
    all: Vec<Batch>,
    ids: Vec<EntityId>,
    bytes: Vec<u8>,
    /// Those that are lost or come, numbered.
    components: Vec<ComponentId>,
}

/// Tells whether values of a component can be told of.
fn is_plain(component: ComponentId) -> bool {
    component.info().is_pod() && component.info().stride() <= LARGE
}

/// Entities that lost some components and got values of others, all of them the same.
#[derive(Debug, Clone)]
struct Batch {
    entities: usize,
    /// The numbers of components that the entities have no longer, a bit each.
    lost: u32,
    /// The number of each that came, and where its values begin.
    came: SmallVec<[(u8, usize); 4]>,
}

/// A batch, as it is read.
pub(crate) struct BatchRef<'a> {
    pub(crate) ids: &'a [EntityId],
    /// Bits, by the numbers of components.
    pub(crate) lost: u32,
    /// The number of each component that came, and where in the
    /// [bytes](Batches::bytes) its values begin.
    pub(crate) came: &'a [(u8, usize)],
}

impl Batches {
    /// Adds one, unless it is about values that are not plain bytes or are large, or too
    /// many components are told of already.
    pub(crate) fn try_add(
        &mut self,
        entities: &[EntityId],
        lost: &[ComponentId],
        came: &[ErasedSlice<'_>],
    ) -> bool {
        let is_kept = |component: &ComponentId| !component.info().is_transient();
        let came = || came.iter().filter(|values| is_kept(&values.id()));
        let size = came().filter_map(ErasedSlice::as_bytes).map(<[u8]>::len).sum();
        if !came().all(|values| is_plain(values.id()))
            || self.ids.try_reserve(entities.len()).is_err()
            || self.bytes.try_reserve(size).is_err()
        {
            return false;
        }
        let known = self.components.len();
        let mut batch = Batch { entities: entities.len(), lost: 0, came: SmallVec::new() };
        let (mut end, mut is_told) = (self.bytes.len(), true);
        for values in came() {
            let Some(number) = self.number(values.id()) else {
                is_told = false;
                break;
            };
            batch.came.push((number, end));
            end += values.as_bytes().map_or(0, <[u8]>::len);
        }
        for component in lost.iter().copied().filter(is_kept) {
            let Some(number) = self.number(component) else {
                is_told = false;
                break;
            };
            batch.lost |= 1 << number;
        }
        let row = self.components.iter().filter(|id| is_plain(**id)).map(|id| id.info().stride());
        if !is_told || row.sum::<usize>() > BYTES {
            self.components.truncate(known);
            return false;
        }
        // Who loses a component and gets it again has it.
        batch.came.iter().for_each(|(number, _)| batch.lost &= !(1 << number));
        came().filter_map(ErasedSlice::as_bytes).for_each(|all| self.bytes.extend_from_slice(all));
        self.ids.extend_from_slice(entities);
        self.all.push(batch);
        true
    }

    fn number(&mut self, component: ComponentId) -> Option<u8> {
        let known = self.components.iter().position(|known| *known == component);
        let number = known.unwrap_or(self.components.len());
        if number == COMPONENTS {
            return None;
        }
        if known.is_none() {
            self.components.push(component);
        }
        Some(number as u8)
    }

    /// Returns the entities of all batches; who is in several occurs several times.
    pub(crate) fn ids(&self) -> &[EntityId] {
        &self.ids
    }

    /// Returns the components that are lost or come, by number.
    pub(crate) fn components(&self) -> &[ComponentId] {
        &self.components
    }

    /// Tells whether values of a component can be told of by batches.
    pub(crate) fn has_values_of(&self, component: ComponentId) -> bool {
        self.components.contains(&component) && is_plain(component)
    }

    /// Returns the values of all batches.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the batches, the first first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = BatchRef<'_>> {
        let mut first = 0;
        self.all.iter().map(move |Batch { entities, lost, came }| {
            let ids = &self.ids[first..first + entities];
            first += entities;
            BatchRef { ids, lost: *lost, came }
        })
    }
}

#[cfg(test)]
mod tests {
    use ecs_core::{DynamicComponent, EntityAllocator, ErasedVec};

    use super::*;

    fn component(name: String, size: usize) -> ComponentId {
        DynamicComponent::new(name, size, 1).register().unwrap()
    }

    fn values(component: ComponentId, count: usize, fill: u8) -> ErasedVec {
        let bytes = vec![fill; count * component.info().stride()];
        ErasedVec::decode(component.info(), &mut &bytes[..], count).unwrap()
    }

    #[test]
    fn batches_are_told_of_in_order() {
        let ids = EntityAllocator::new(0).allocate_many(3);
        let [a, b] = ["a", "b"].map(|name| component(format!("batches::{name}"), 2));
        let mut batches = Batches::default();
        let (first, second) = (values(a, 3, 1), values(b, 2, 2));
        assert!(batches.try_add(&ids, &[b], &[first.as_slice()]));
        assert!(batches.try_add(&ids[1..], &[a, b], &[second.as_slice()]));
        let told: Vec<_> = batches.iter().map(|it| (it.ids, it.lost, it.came)).collect();
        let expected: [(_, _, &[(u8, usize)]); 2] =
            [(&ids[..], 0b10, &[(0, 0)]), (&ids[1..], 0b01, &[(1, 6)])];
        assert_eq!(told, expected);
        assert_eq!(
            (batches.components(), batches.bytes()),
            (&[a, b][..], &[1, 1, 1, 1, 1, 1, 2, 2, 2, 2][..])
        );
    }

    #[test]
    fn large_values_and_too_many_components_are_refused_and_leave_nothing() {
        let ids = EntityAllocator::new(0).allocate_many(3);
        let mut batches = Batches::default();
        let large = values(component("batches::Large".into(), LARGE + 1), 3, 0);
        assert!(!batches.try_add(&ids, &[], &[large.as_slice()]));
        assert!(batches.components().is_empty() && batches.bytes().is_empty());
        let wide = (0..5).map(|n| component(format!("batches::Wide{n}"), LARGE));
        let added = wide.filter(|it| batches.try_add(&ids, &[], &[values(*it, 3, 0).as_slice()]));
        assert_eq!(added.count(), BYTES / LARGE);
        let many = (0..COMPONENTS).map(|n| component(format!("batches::Many{n}"), 0));
        let added = many.filter(|it| batches.try_add(&ids, &[*it], &[]));
        assert_eq!(added.count(), COMPONENTS - BYTES / LARGE);
        assert_eq!(batches.components().len(), COMPONENTS);
    }
}
