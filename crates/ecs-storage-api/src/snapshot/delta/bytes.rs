//! A delta as bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use ecs_core::{ComponentId, ComponentInfo, EntityId};
use serde::{Deserialize, Serialize};

use super::table::{Changed, TableDelta, rows_of};
use super::{StorageDelta, damaged};
use crate::snapshot::SnapshotError;
use crate::snapshot::ages::{Age, ColumnAges, MOST_VERSIONS, RowAges};
use crate::snapshot::component_table::ComponentTable;
use crate::snapshot::cut::{Encoded, Hashed};
use crate::snapshot::sections::{ReadySection, SectionReader, SectionWriter, Tag};
use crate::snapshot::serial::{section, value};
use crate::snapshot::tags;

/// The states between which it leads, what was removed, and the tables.
const DELTA: Tag = *b"dlta";
/// Ids and ages of the pages of a table that changed; its columns follow.
const PAGES: Tag = *b"page";

/// The head: digests of base and next, versions between and in all, what was
/// removed by component, and the tables.
type Head = (u64, u64, i64, u64, Vec<(u32, Vec<(Age, EntityId)>)>, Vec<Step>);

/// Tables afterwards, in order.
#[derive(Serialize, Deserialize)]
enum Step {
    /// So many tables of the base, from this place on.
    Same(u32, u32),
    /// One in which something is different.
    Changed {
        /// Places in the component table.
        components: Vec<u32>,
        rows: u64,
        from: Option<u32>,
        /// Pages of ids.
        ids: Vec<u32>,
        /// Of each component, pages and how many bytes each has.
        columns: Vec<Vec<(u32, u32)>>,
    },
}

impl StorageDelta {
    /// Writes its sections to the end of a container, behind those of the caller.
    ///
    /// # Errors
    /// [`SnapshotError::Io`] if it can't be written.
    pub fn write<W: Write>(&self, writer: &mut SectionWriter<W>) -> Result<(), SnapshotError> {
        let mut components = ComponentTable::default();
        let mut place = |component: ComponentId| components.place(component.info());
        let mut steps = Vec::new();
        for table in &self.tables {
            match table {
                TableDelta::Same(from, count) => steps.push(Step::Same(*from, *count)),
                TableDelta::Changed(changed) => {
                    let pages = |pages: &BTreeMap<u32, (Arc<Encoded>, ColumnAges)>| {
                        let len = |values: &Encoded| values.len() as u32;
                        pages.iter().map(|(n, (values, _))| (*n, len(values))).collect()
                    };
                    steps.push(Step::Changed {
                        components: changed.components.iter().map(|it| place(*it)).collect(),
                        rows: changed.rows as u64,
                        from: changed.from,
                        ids: changed.ids.keys().copied().collect(),
                        columns: changed.columns.iter().map(pages).collect(),
                    });
                }
            }
        }
        let removed = self.removed.iter();
        let removed = removed.map(|(component, removed)| (place(*component), removed.clone()));
        let removed = removed.collect();
        let head: Head = (self.base, self.next, self.elapsed, self.span, removed, steps);
        components.write(writer)?;
        section(writer, tags::ALLOCATOR, &self.allocator)?;
        section(writer, DELTA, &head)?;
        for table in &self.tables {
            if let TableDelta::Changed(changed) = table {
                write_pages(changed, writer)?;
            }
        }
        Ok(())
    }

    /// Reads a delta from the sections that are left of a container.
    ///
    /// Memory stays within a small multiple of the bytes given.
    ///
    /// # Errors
    /// [`SnapshotError`], which says what is wrong.
    pub fn read(sections: &mut SectionReader<'_>) -> Result<Self, SnapshotError> {
        let components = ComponentTable::read(sections)?;
        let allocator = value(sections.expect(tags::ALLOCATOR)?, "the allocator")?;
        let head: Head = value(sections.expect(DELTA)?, "the head of a delta")?;
        let (base, next, elapsed, span, gone, steps) = head;
        if span > MOST_VERSIONS {
            return Err(damaged(format!("a history of {span} versions")));
        }
        let mut removed: Vec<(ComponentId, _)> = Vec::with_capacity(gone.len());
        for (place, of_one) in gone {
            if of_one.iter().any(|(age, _)| !(1..=span).contains(age)) {
                return Err(damaged("a removal before the beginning"));
            }
            if !of_one.is_sorted_by(|(before, _), (after, _)| before >= after) {
                return Err(damaged("removals that are not in their order"));
            }
            let component = components.get(place)?.id();
            if removed.iter().any(|(known, _)| *known == component) {
                return Err(damaged("removals of a component twice"));
            }
            removed.push((component, of_one));
        }
        let mut tables = Vec::new();
        for step in steps {
            match step {
                Step::Same(first, count) => tables.push(TableDelta::Same(first, count)),
                Step::Changed { components: places, rows, from, ids, columns } => {
                    let infos = places
                        .into_iter()
                        .map(|it| components.get(it))
                        .collect::<Result<Vec<_>, _>>()?;
                    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
                    let table = Outline { infos, rows, from, ids, columns };
                    tables.push(TableDelta::Changed(table.read(sections, span)?));
                }
            }
        }
        match sections.next_section()? {
            None => Ok(Self { base, next, elapsed, span, allocator, removed, tables }),
            Some(_) => Err(damaged("a section behind a delta")),
        }
    }
}

/// A table of which the pages are still to be read.
struct Outline {
    infos: Vec<&'static ComponentInfo>,
    rows: usize,
    from: Option<u32>,
    ids: Vec<u32>,
    columns: Vec<Vec<(u32, u32)>>,
}

impl Outline {
    fn read(self, sections: &mut SectionReader<'_>, span: u64) -> Result<Changed, SnapshotError> {
        let Self { infos, rows, from, ids: id_pages, columns } = self;
        let ascending = |pages: &[u32]| pages.is_sorted_by(|a, b| a < b);
        let known: Vec<Vec<u32>> =
            columns.iter().map(|pages| pages.iter().map(|(n, _)| *n).collect()).collect();
        let all_known = [&id_pages].into_iter().chain(&known);
        if columns.len() != infos.len()
            || !all_known.clone().all(|pages| ascending(pages))
            || all_known.flatten().any(|&n| rows_of(n, rows) == 0)
        {
            return Err(damaged("pages of a table that are not there"));
        }
        let mut bytes = sections.expect(PAGES)?;
        let wrong = |what: String| damaged(format!("a page has {what}"));
        let mut ids = BTreeMap::new();
        for n in id_pages {
            let rows = rows_of(n, rows);
            let taken = bytes.split_at_checked(rows * size_of::<u64>());
            let (taken, rest) = taken.ok_or_else(|| damaged("ids end early"))?;
            bytes = rest;
            let page = taken.as_chunks().0.iter().map(|id| {
                let id = EntityId::from_bits(u64::from_le_bytes(*id));
                id.map_err(|error| damaged(error.to_string()))
            });
            let page = Arc::new(Hashed::new(page.collect::<Result<Vec<_>, _>>()?));
            let ages = RowAges::read(&mut bytes, rows, span).map_err(wrong)?;
            ids.insert(n, (page, ages));
        }
        let mut ages = Vec::with_capacity(columns.len());
        for pages in &known {
            let page = |&n: &u32| ColumnAges::read(&mut bytes, rows_of(n, rows), span);
            ages.push(pages.iter().map(page).collect::<Result<Vec<_>, _>>().map_err(wrong)?);
        }
        if !bytes.is_empty() {
            return Err(damaged("bytes are left over behind pages"));
        }
        let mut all = Vec::with_capacity(columns.len());
        for ((info, pages), ages) in infos.iter().zip(columns).zip(ages) {
            let mut changed = BTreeMap::new();
            if !pages.is_empty() {
                let mut bytes = sections.expect(tags::COLUMN)?;
                for ((n, len), ages) in pages.into_iter().zip(ages) {
                    let taken = bytes.split_at_checked(len as usize);
                    let (taken, rest) = taken.ok_or_else(|| damaged("values end early"))?;
                    bytes = rest;
                    if info.is_pod() && taken.len() != rows_of(n, rows) * info.stride() {
                        let name = info.name();
                        return Err(damaged(format!("a page of `{name}` with {len} bytes")));
                    }
                    changed.insert(n, (Arc::new(Encoded::new(taken)), ages));
                }
                if !bytes.is_empty() {
                    return Err(damaged("bytes are left over behind values"));
                }
            }
            all.push((info.id(), changed));
        }
        // In this process' order.
        all.sort_by_key(|(component, _)| *component);
        if all.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(damaged("a table with a component twice"));
        }
        let (components, columns) = all.into_iter().unzip();
        Ok(Changed { components, rows, from, ids, columns })
    }
}

/// Writes the pages of a table that changed.
fn write_pages<W: Write>(
    changed: &Changed,
    writer: &mut SectionWriter<W>,
) -> Result<(), SnapshotError> {
    writer.section(PAGES, |out| {
        for (ids, ages) in changed.ids.values() {
            ids.iter().for_each(|id| out.extend_from_slice(&id.to_bits().to_le_bytes()));
            ages.write(out);
        }
        for (_, ages) in changed.columns.iter().flat_map(BTreeMap::values) {
            ages.write(out);
        }
        Ok::<(), SnapshotError>(())
    })?;
    for pages in changed.columns.iter().filter(|pages| !pages.is_empty()) {
        let values = pages.values().map(|(values, _)| Cow::Borrowed(&values[..]));
        writer.ready(&ReadySection::new(tags::COLUMN, values.collect()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ecs_core::{AllocatorState, DynamicComponent};

    use super::*;
    use crate::snapshot::delta::AllocatorDelta;

    /// What comes of a delta of nothing but removals, written and read.
    fn read_again(
        removed: Vec<(ComponentId, Vec<(Age, EntityId)>)>,
    ) -> Result<StorageDelta, SnapshotError> {
        let nobody = AllocatorState {
            shard: 0,
            next_index: 4,
            free: Vec::new(),
            reserved: Vec::new(),
            retired: Vec::new(),
        };
        let allocator = AllocatorDelta::between(&nobody, &nobody);
        let (base, next, elapsed, span, tables) = (1, 2, 5, 9, Vec::new());
        let delta = StorageDelta { base, next, elapsed, span, allocator, removed, tables };
        let mut writer = SectionWriter::new(Vec::new()).unwrap();
        delta.write(&mut writer).unwrap();
        StorageDelta::read(&mut SectionReader::new(&writer.finish().unwrap()).unwrap())
    }

    #[test]
    fn removals_are_read_in_the_order_in_which_they_happened_or_not_at_all() {
        let id = |index: u32| EntityId::new(0, index + 1, 0).unwrap();
        let component = |name| DynamicComponent::new(name, 1, 1).register().unwrap();
        let [a, b] = ["delta::bytes::A", "delta::bytes::B"].map(component);
        let in_order = vec![(a, vec![(5, id(2)), (5, id(0)), (1, id(1))]), (b, vec![(9, id(0))])];
        assert_eq!(read_again(in_order.clone()).unwrap().removed, in_order);
        let refused = |removed, why: &str| {
            let error = read_again(removed).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        refused(vec![(a, vec![(1, id(0)), (5, id(1))])], "not in their order");
        refused(vec![(a, vec![(5, id(0))]), (a, vec![(1, id(1))])], "twice");
        refused(vec![(a, vec![(10, id(0))])], "before the beginning");
    }
}
