//! Chunks, put together by their components.

use ahash::AHashMap;
use ecs_core::ComponentId;

/// Parts that have the same components, in groups.
///
/// A table joins any earlier one with its components: there are several only where
/// a store keeps apart what differs in transient components, and a store that takes
/// a snapshot in does not. Another chunk joins the group before, if that has its
/// components; so its rows stay in their order.
pub(crate) struct Groups<P> {
    groups: Vec<(Vec<ComponentId>, Vec<P>)>,
    tables: AHashMap<Vec<ComponentId>, usize>,
}

impl<P> Default for Groups<P> {
    fn default() -> Self {
        Self { groups: Vec::new(), tables: AHashMap::new() }
    }
}

impl<P> Groups<P> {
    /// Adds a part; components are in ascending order.
    pub(crate) fn add(&mut self, components: Vec<ComponentId>, is_table: bool, part: P) {
        let known = match is_table {
            true => self.tables.get(&components).copied(),
            false => {
                let last = self.groups.len().checked_sub(1);
                last.filter(|&last| self.groups[last].0 == components)
            }
        };
        match known {
            Some(known) => self.groups[known].1.push(part),
            None => {
                if is_table {
                    self.tables.insert(components.clone(), self.groups.len());
                }
                self.groups.push((components, vec![part]));
            }
        }
    }

    /// Returns the components and the parts of each group, in order.
    pub(crate) fn into_groups(self) -> impl Iterator<Item = (Vec<ComponentId>, Vec<P>)> {
        self.groups.into_iter()
    }
}
