//! The same bytes for the same state, on every backend and in every process.

use std::collections::BTreeMap;

use ecs_core::EntityId;

use super::SnapshotError;
use super::ages::ChunkAges;
use super::component_table::ComponentTable;
use super::ids::{Ids, RowSize};
use super::packing::Compression;
use super::write::{Contents, Run, Values};
use crate::storage::Storage;
use crate::workers::Alone;

/// Writes everything persistent that a store holds in the one order that follows
/// from the state: components by their names, one chunk for each set of them, by
/// the names, and in each the entities by their ids. Nothing is said of when things
/// changed.
///
/// The bytes are a snapshot like any other. Values that serde writes in an order of
/// chance, as it does a `HashMap`, keep that order.
///
/// # Errors
/// [`SnapshotError::Codec`] if a value refuses to be encoded.
///
/// # Complexity
/// O(n log n) with n entities, and memory for each column of each run of rows that
/// are neighbours in the store as well as by their ids.
pub fn write_canonical<S: Storage + ?Sized>(storage: &S) -> Result<Vec<u8>, SnapshotError> {
    Contents::canonical(storage).to_bytes(Compression::None)
}

/// Rows that lie together in a chunk of a store.
struct Part<'p, 'a> {
    ids: &'a [EntityId],
    /// In the order of the names of their components.
    columns: Vec<&'p Values<'a>>,
}

impl<'a> Contents<'a> {
    /// Looks at a store in the order that follows from its state alone, and not at
    /// when things changed; see [`write_canonical`].
    pub fn canonical<S: Storage + ?Sized>(storage: &'a S) -> Self {
        let Self { components, allocator, runs, .. } = Self::of(storage);
        let known = components.all();
        let mut components: Vec<_> = {
            let used = runs.iter().filter(|run| run.ids.rows() > 0);
            let mut places: Vec<_> = used.flat_map(|run| &run.components).copied().collect();
            places.sort_unstable();
            places.dedup();
            places.into_iter().map(|place| known[place as usize]).collect()
        };
        components.sort_by_key(|info| info.name());
        let place = |old: u32| {
            let name = known[old as usize].name();
            let place = components.binary_search_by_key(&name, |info| info.name());
            place.expect("the table has every component that is used") as u32
        };
        let mut groups: BTreeMap<Vec<u32>, Vec<Part<'_, '_>>> = BTreeMap::new();
        for run in runs.iter().filter(|run| run.ids.rows() > 0) {
            let mut order: Vec<_> = run.components.iter().map(|&old| place(old)).zip(0..).collect();
            order.sort_unstable();
            let group = groups.entry(order.iter().map(|(place, _)| *place).collect()).or_default();
            for (ids, columns) in run.parts() {
                let columns = order.iter().map(|(_, at): &(u32, usize)| &columns[*at]).collect();
                group.push(Part { ids, columns });
            }
        }
        let sorted = groups.into_iter().map(|(places, parts)| {
            let infos = places.iter().map(|&place| &components[place as usize]);
            let row_size = RowSize::of_infos(infos);
            sorted(places, &parts, &row_size)
        });
        let runs = sorted.collect();
        let components = ComponentTable::from(components);
        Self { components, allocator, span: 0, removed: Vec::new(), runs }
    }
}

/// Makes a run of parts, in ascending order of ids.
fn sorted<'a>(components: Vec<u32>, parts: &[Part<'_, 'a>], row_size: &RowSize) -> Run<'a> {
    let mut rows: Vec<(EntityId, u32, u32)> = Vec::new();
    for (part, n) in parts.iter().zip(0..) {
        rows.extend(part.ids.iter().zip(0..).map(|(id, row)| (*id, n, row)));
    }
    rows.sort_unstable();
    let (mut ids, mut chunks) = (Vec::new(), Vec::new());
    let together =
        |a: &(EntityId, u32, u32), b: &(EntityId, u32, u32)| (a.1, a.2 + 1) == (b.1, b.2);
    for range in rows.chunk_by(together) {
        let (_, part, start) = range[0];
        let (part, start, len) = (&parts[part as usize], start as usize, range.len());
        ids.push(&part.ids[start..start + len]);
        chunks.push(part.columns.iter().map(|values| values.range(start, len)).collect());
    }
    let ages = ChunkAges::empty(components.len());
    Run { ids: Ids::new(ids, row_size, &Alone), components, chunks, ages }
}
