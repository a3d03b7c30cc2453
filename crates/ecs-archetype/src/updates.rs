//! Batches of changes, wholly or not at all.
//!
//! First everything is found out and reserved: which table each entity comes to,
//! room for its row, places for ids, lists of what is removed. Up to there memory
//! may be refused; then the tables that were made are removed again, and nothing has
//! happened. What follows neither fails nor asks for memory.
//!
//! An entity whose components change moves once, however many come and go, in
//! ascending order of id.

use std::ops::Range;

use ecs_core::{ComponentId, EntityId, IdSource};
use ecs_storage_api::{StorageError, TableId, UpdateParts, reserve_list};

use crate::batch::Run;
use crate::graph::Graph;
use crate::rows::{Change, Panics, Rows};

/// Applies a batch that was checked, and returns the new entities.
///
/// # Errors
/// [`StorageError::Capacity`] or [`StorageError::OutOfMemory`]; then nothing has
/// changed.
pub(crate) fn apply(
    ids: &mut IdSource,
    graph: &mut Graph,
    rows: &mut Rows,
    parts: UpdateParts,
) -> Result<Vec<EntityId>, StorageError> {
    let mut work = Work { parts, ..Work::default() };
    if let Err(error) = work.prepare(ids, graph, rows) {
        while let Some(table) = work.new_tables.pop() {
            graph.remove_table(rows, table);
        }
        return Err(error);
    }
    Ok(work.carry_out(ids, rows))
}

/// What the memory is for, in errors.
const BATCH: &str = "the changes of a batch";

/// A batch, and what was found out and reserved for it.
#[derive(Default)]
struct Work {
    parts: UpdateParts,
    /// By spawn: its table.
    spawn_tables: Vec<TableId>,
    /// What comes and goes, by entity.
    changes: Vec<Change>,
    moves: Vec<Move>,
    /// Room for the ids of the new entities.
    made: Vec<EntityId>,
    /// Tables that were made for the batch.
    new_tables: Vec<TableId>,
}

/// An entity that gets other components.
struct Move {
    entity: EntityId,
    target: TableId,
    /// Its own among the changes.
    changes: Range<usize>,
}

impl Work {
    fn prepare(
        &mut self,
        ids: &mut IdSource,
        graph: &mut Graph,
        rows: &mut Rows,
    ) -> Result<(), StorageError> {
        self.find_spawns(graph, rows)?;
        self.find_moves(graph, rows)?;
        self.make_room_for_rows(rows)?;
        self.make_room_for_ids(ids, rows)?;
        self.make_room_for_losses(rows)
    }

    /// Returns the table for components, which are sorted.
    fn table(
        &mut self,
        graph: &mut Graph,
        rows: &mut Rows,
        components: &mut [ComponentId],
    ) -> Result<TableId, StorageError> {
        components.sort_unstable();
        reserve_list(&mut self.new_tables, 1, BATCH)?;
        let (table, new) = graph.table_for(rows, components)?;
        if new {
            self.new_tables.push(table);
        }
        Ok(table)
    }

    fn find_spawns(&mut self, graph: &mut Graph, rows: &mut Rows) -> Result<(), StorageError> {
        let mut components = Vec::new();
        reserve_list(&mut self.spawn_tables, self.parts.spawns.len(), BATCH)?;
        for n in 0..self.parts.spawns.len() {
            let values = self.parts.spawns[n].bundle.values();
            components.clear();
            reserve_list(&mut components, values.len(), BATCH)?;
            components.extend(values.iter().map(|value| value.id()));
            let table = self.table(graph, rows, &mut components)?;
            self.spawn_tables.push(table);
        }
        Ok(())
    }

    fn find_moves(&mut self, graph: &mut Graph, rows: &mut Rows) -> Result<(), StorageError> {
        let UpdateParts { inserts, removes, .. } = &mut self.parts;
        reserve_list(&mut self.changes, inserts.len() + removes.len(), BATCH)?;
        let inserts = inserts.drain(..).map(|(entity, value)| (entity, value.id(), Some(value)));
        let removes = removes.iter().map(|&(entity, component)| (entity, component, None));
        for (order, (entity, component, value)) in inserts.chain(removes).enumerate() {
            self.changes.push(Change { entity, order, component, value });
        }
        self.changes.sort_unstable_by_key(|change| (change.entity, change.order));

        let (mut start, mut components) = (0, Vec::new());
        while let Some(&Change { entity, .. }) = self.changes.get(start) {
            let theirs = self.changes[start..].iter().take_while(|next| next.entity == entity);
            let end = start + theirs.count();
            let at = rows.locate(entity).expect("an entity that is changed was checked");
            let present = rows.components(at.table());
            let comes =
                |change: &&Change| change.value.is_some() && !present.contains(change.component);
            let goes = |id| {
                let mut theirs = self.changes[start..end].iter();
                theirs.any(|change| change.value.is_none() && change.component == id)
            };
            components.clear();
            reserve_list(&mut components, present.len() + (end - start), BATCH)?;
            components.extend(present.iter().filter(|&id| !goes(id)));
            let stay = components.len();
            let coming = self.changes[start..end].iter().filter(comes);
            components.extend(coming.map(|change| change.component));
            if stay < present.len() || stay < components.len() {
                reserve_list(&mut self.moves, 1, BATCH)?;
                let target = self.table(graph, rows, &mut components)?;
                self.moves.push(Move { entity, target, changes: start..end });
            }
            start = end;
        }
        Ok(())
    }

    /// Makes room for every row that comes to a table, whatever leaves it before.
    fn make_room_for_rows(&self, rows: &mut Rows) -> Result<(), StorageError> {
        let mut incoming = Vec::new();
        reserve_list(&mut incoming, self.spawn_tables.len() + self.moves.len(), BATCH)?;
        incoming.extend_from_slice(&self.spawn_tables);
        incoming.extend(self.moves.iter().map(|step| step.target));
        incoming.sort_unstable();
        incoming.chunk_by(|a, b| a == b).try_for_each(|same| rows.make_room(same[0], same.len()))
    }

    fn make_room_for_ids(
        &mut self,
        ids: &mut IdSource,
        rows: &mut Rows,
    ) -> Result<(), StorageError> {
        let spawns = &self.parts.spawns;
        reserve_list(&mut self.made, spawns.len(), BATCH)?;
        let recycled = ids.try_reserve_recycled(&self.parts.destroys);
        recycled.map_err(StorageError::no_memory("the ids that are free"))?;
        let home = ids.shard();
        let (mut new, mut foreign, mut end) = (0, 0, 0);
        for spawn in spawns {
            match spawn.id {
                None => new += 1,
                Some(id) if id.shard() == home => end = end.max(id.index() as usize + 1),
                Some(_) => foreign += 1,
            }
        }
        let end = end.max(ids.end_of_next(new) as usize);
        rows.make_room_for_entities(end, foreign)
    }

    fn make_room_for_losses(&self, rows: &mut Rows) -> Result<(), StorageError> {
        let mut losses: Vec<(ComponentId, usize)> = Vec::new();
        let mut lose = |component| {
            match losses.binary_search_by_key(&component, |(id, _)| *id) {
                Ok(known) => losses[known].1 += 1,
                Err(at) => {
                    reserve_list(&mut losses, 1, BATCH)?;
                    losses.insert(at, (component, 1));
                }
            }
            Ok::<(), StorageError>(())
        };
        for &(_, component) in self.parts.removes.iter().filter(|(_, id)| id.info().is_tracked()) {
            lose(component)?;
        }
        for &entity in &self.parts.destroys {
            let at = rows.locate(entity).expect("an entity that is destroyed was checked");
            rows.tracked(at.table()).try_for_each(&mut lose)?;
        }
        let removed = rows.removed_mut();
        losses.into_iter().try_for_each(|(component, count)| removed.reserve(component, count))
    }

    /// Applies what was prepared. Panics of values that end go on when all is done.
    fn carry_out(mut self, ids: &mut IdSource, rows: &mut Rows) -> Vec<EntityId> {
        let mut panics = Panics::new();
        for (spawn, &table) in self.parts.spawns.drain(..).zip(&self.spawn_tables) {
            let entity = match spawn.id {
                None => ids.allocate().expect("the check counted the ids"),
                Some(id) => {
                    ids.claim(id);
                    id
                }
            };
            rows.spawn_values(table, entity, spawn.bundle.into_values());
            self.made.push(entity);
        }
        for (entity, value) in self.parts.updates.drain(..) {
            rows.replace_value(entity, value, &mut panics);
        }
        // In the order of the batch, in which others remember it too.
        for &(entity, component) in &self.parts.removes {
            if component.info().is_tracked() && rows.has(entity, component) {
                rows.note_loss(entity, component);
            }
        }
        for change in &mut self.changes {
            if let Some(value) = change.value.take_if(|_| rows.has(change.entity, change.component))
            {
                rows.replace_value(change.entity, value, &mut panics);
            }
        }
        for Move { entity, target, changes } in self.moves.drain(..) {
            rows.transfer(entity, target, &mut self.changes[changes], &mut panics);
        }
        ids.recycle_many(&self.parts.destroys);
        let mut left = &self.parts.destroys[..];
        while !left.is_empty() {
            let run = Run::next(rows, left).expect("an entity that is destroyed was checked");
            left = &left[run.rows.len()..];
            rows.despawn_run(run.table, run.rows, &mut panics);
        }
        panics.go_on();
        self.made
    }
}

#[cfg(test)]
mod tests {
    use ecs_core::{AllocatorError, AllocatorState, EntityId, IdSource};
    use ecs_storage_api::{Storage, StorageError, UpdateBatch, UpdateError, UpdatePlace};

    use crate::ArchetypeStorage;

    #[test]
    fn ids_that_run_out_within_a_batch_refuse_all_of_it() {
        let mut storage = ArchetypeStorage::new(0);
        let free = [1, 2].map(|index| EntityId::new(0, index, 3).unwrap());
        let state = AllocatorState {
            shard: 0,
            next_index: u32::MAX,
            free: free.to_vec(),
            reserved: vec![EntityId::new(0, 3, 0).unwrap()],
            retired: Vec::new(),
        };
        // No image is so large that it could bring this state.
        storage.ids = IdSource::from_state(state.clone()).unwrap();
        let reserved = state.reserved[0];
        let batch = || UpdateBatch::new().spawn(()).spawn_as(reserved, ()).spawn(());
        let error = storage.apply_updates(batch().spawn(())).unwrap_err();
        let (UpdatePlace::Spawn(3), StorageError::Allocator(AllocatorError::Exhausted { .. })) =
            (match error {
                UpdateError::Spawn { place, source } => (place, source),
                other => panic!("{other}"),
            })
        else {
            panic!("the fourth spawn has no id");
        };
        assert_eq!((storage.entity_count(), storage.allocator_state()), (0, state));
        assert_eq!(storage.apply_updates(batch()).unwrap(), [free[1], reserved, free[0]]);
        assert!(storage.create_entity().is_err());
    }
}
