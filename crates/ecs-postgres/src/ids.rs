//! Which ids come next: the allocator in the database.
//!
//! It gives the ids that the allocators of local stores give: the last one that became
//! free first, then indices that were never used. The free ids are a stack with a row
//! a place, of which only the top is touched.

use ecs_core::{AllocatorError, AllocatorState, EntityId};
use ecs_storage_api::{RemoteError, StorageError};

use crate::error::{nonsense, server};
use crate::link::Session;
use crate::rows::{copy_ids, entity, read, signed, version};
use crate::tables::Tables;
use crate::write::expect_folded;

/// The row of the allocator, locked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allocator {
    shard: u16,
    next_index: u32,
    /// How many ids are free.
    free: u64,
}

/// What the server is asked for here, for its errors.
const DOING: &str = "take ids";

impl Allocator {
    /// Locks the allocator.
    pub(crate) async fn lock(
        session: &mut Session<'_>,
        tables: &Tables,
        shard: u16,
    ) -> Result<Self, RemoteError> {
        let statement = tables.sql("select next_index, free from @_allocator for no key update");
        let statement = session.prepare(&statement).await.map_err(server(DOING))?;
        let row = session.transaction.query_one(&statement, &[]).await.map_err(server(DOING))?;
        Self::new(shard, read(&row, 0)?, read(&row, 1)?)
    }

    /// Locks the allocator where the store is not locked, and reads its shard: behind the
    /// lock, since whoever had it may have brought another, or begun a journal.
    pub(crate) async fn lock_alone(
        session: &mut Session<'_>,
        tables: &Tables,
    ) -> Result<Self, RemoteError> {
        let locked = Self::lock(session, tables, 0).await?;
        let statement = tables.sql("select shard, version, committed from @_store");
        let statement = session.prepare(&statement).await.map_err(server(DOING))?;
        let row = session.transaction.query_one(&statement, &[]).await.map_err(server(DOING))?;
        // In a journal are ids that this allocator has not given yet.
        expect_folded(version(&row, 1)?, version(&row, 2)?)?;
        Ok(Self { shard: read::<i16>(&row, 0)? as u16, ..locked })
    }

    /// Tells whether it is in a state, as far as numbers show: how many ids were given,
    /// are free and are reserved.
    pub(crate) async fn is_in(
        &self,
        session: &mut Session<'_>,
        tables: &Tables,
        state: &AllocatorState,
    ) -> Result<bool, RemoteError> {
        let statement = tables.sql("select count(*) from @_reserved");
        let statement = session.prepare(&statement).await.map_err(server(DOING))?;
        let row = session.transaction.query_one(&statement, &[]).await.map_err(server(DOING))?;
        let reserved = read::<i64>(&row, 0)? as u64;
        let here = (self.shard, self.next_index, self.free, reserved);
        let there = (state.free.len() as u64, state.reserved.len() as u64);
        Ok(here == (state.shard, state.next_index, there.0, there.1))
    }

    fn new(shard: u16, next_index: i64, free: i64) -> Result<Self, RemoteError> {
        let wrong = |_| nonsense("the row of the allocator makes no sense");
        let next_index = u32::try_from(next_index).map_err(wrong)?;
        Ok(Self { shard, next_index, free: u64::try_from(free).map_err(wrong)? })
    }

    /// Returns how many ids can be given.
    pub(crate) fn available(&self) -> u64 {
        self.free + u64::from(u32::MAX - self.next_index)
    }

    /// Takes the next ids.
    ///
    /// # Errors
    /// [`AllocatorError::Exhausted`] if there are fewer; then none is taken.
    pub(crate) async fn take(
        &mut self,
        session: &mut Session<'_>,
        tables: &Tables,
        count: usize,
    ) -> Result<Vec<EntityId>, RemoteError> {
        if count as u64 > self.available() {
            let error = AllocatorError::Exhausted { shard: self.shard };
            return Err(StorageError::from(error).into());
        }
        let recycled = self.free.min(count as u64);
        let mut ids = Vec::with_capacity(count);
        if recycled != 0 {
            let top = take_above(session, tables, self.free - recycled).await?;
            if top.len() as u64 != recycled {
                return Err(nonsense("the stack of free ids has other rows than it says"));
            }
            for id in top.into_iter().rev() {
                ids.push(entity(id)?);
            }
            self.free -= recycled;
        }
        for _ in recycled..count as u64 {
            let id = EntityId::new(self.shard, self.next_index, 0);
            ids.push(id.ok_or_else(|| nonsense("the next index is not one"))?);
            self.next_index += 1;
        }
        Ok(ids)
    }

    /// Takes ids back that are dead from now on; those of other shards are passed
    /// over.
    pub(crate) async fn recycle(
        &mut self,
        session: &mut Session<'_>,
        tables: &Tables,
        ids: &[EntityId],
    ) -> Result<(), RemoteError> {
        let (mut free, mut retired) = (Vec::new(), Vec::new());
        for id in ids.iter().filter(|id| id.shard() == self.shard) {
            match EntityId::new(id.shard(), id.index(), id.generation() + 1) {
                Some(next) => free.push(signed(next)),
                None => retired.push(i64::from(id.index())),
            }
        }
        self.push(session, tables, free).await?;
        if !retired.is_empty() {
            let statement = tables.sql("insert into @_retired select unnest($1::bigint[])");
            let statement = session.prepare(&statement).await.map_err(server(DOING))?;
            let retiring = session.transaction.execute(&statement, &[&retired]).await;
            retiring.map_err(server(DOING))?;
        }
        Ok(())
    }

    /// Puts ids on the stack, the last one on top.
    pub(crate) async fn push(
        &mut self,
        session: &mut Session<'_>,
        tables: &Tables,
        ids: Vec<i64>,
    ) -> Result<(), RemoteError> {
        if ids.is_empty() {
            return Ok(());
        }
        let statement = tables.sql(
            "insert into @_free select $1 + place, id \
             from unnest($2::bigint[]) with ordinality as freed (id, place)",
        );
        let statement = session.prepare(&statement).await.map_err(server(DOING))?;
        let below = self.free as i64;
        let pushed = session.transaction.execute(&statement, &[&below, &ids]).await;
        self.free += pushed.map_err(server(DOING))?;
        Ok(())
    }

    /// Writes the row back.
    pub(crate) async fn store(
        &self,
        session: &mut Session<'_>,
        tables: &Tables,
    ) -> Result<(), RemoteError> {
        let statement = tables.sql("update @_allocator set next_index = $1, free = $2");
        let statement = session.prepare(&statement).await.map_err(server(DOING))?;
        let (next_index, free) = (i64::from(self.next_index), self.free as i64);
        let stored = session.transaction.execute(&statement, &[&next_index, &free]).await;
        stored.map_err(server(DOING))?;
        Ok(())
    }
}

/// Takes all off the stack of free ids but so many, and returns them, the top last.
async fn take_above(
    session: &mut Session<'_>,
    tables: &Tables,
    kept: u64,
) -> Result<Vec<i64>, RemoteError> {
    let statement = tables.sql("delete from @_free where place > $1 returning place, id");
    let statement = session.prepare(&statement).await.map_err(server(DOING))?;
    let rows = session.transaction.query(&statement, &[&(kept as i64)]).await;
    let rows = rows.map_err(server(DOING))?;
    let top = rows.iter().map(|row| Ok((read(row, 0)?, read(row, 1)?)));
    let mut top = top.collect::<Result<Vec<(i64, i64)>, RemoteError>>()?;
    top.sort_unstable();
    Ok(top.into_iter().map(|(_, id)| id).collect())
}

/// Notes that ids are reserved.
pub(crate) async fn note_reserved(
    session: &mut Session<'_>,
    tables: &Tables,
    ids: &[EntityId],
) -> Result<(), RemoteError> {
    let copy = tables.sql("copy @_reserved (id) from stdin (format binary)");
    copy_ids(session, &copy, ids.iter().copied()).await
}

/// Ends reservations, and returns how many of them there were.
pub(crate) async fn end_reserved(
    session: &mut Session<'_>,
    tables: &Tables,
    ids: &[i64],
) -> Result<u64, RemoteError> {
    let statement = tables.sql("delete from @_reserved where id = any($1)");
    let statement = session.prepare(&statement).await.map_err(server(DOING))?;
    session.transaction.execute(&statement, &[&ids]).await.map_err(server(DOING))
}

/// Returns those of some ids that are reserved.
pub(crate) async fn reserved_among(
    session: &mut Session<'_>,
    tables: &Tables,
    ids: &[i64],
) -> Result<Vec<i64>, RemoteError> {
    let statement = tables.sql("select id from @_reserved where id = any($1)");
    let statement = session.prepare(&statement).await.map_err(server(DOING))?;
    let rows = session.transaction.query(&statement, &[&ids]).await.map_err(server(DOING))?;
    rows.iter().map(|row| read(row, 0)).collect()
}

/// Returns the token with which an id is reserved, by which whoever reserved it knows it.
pub(crate) async fn token(
    session: &mut Session<'_>,
    tables: &Tables,
    id: i64,
) -> Result<Option<String>, RemoteError> {
    let statement = tables.sql("select token::text from @_reserved where id = $1");
    let statement = session.prepare(&statement).await.map_err(server(DOING))?;
    let row = session.transaction.query_opt(&statement, &[&id]).await.map_err(server(DOING))?;
    row.map(|row| read(&row, 0)).transpose()
}

/// Reads the state of the allocator.
pub(crate) async fn read_state(
    session: &mut Session<'_>,
    tables: &Tables,
) -> Result<AllocatorState, RemoteError> {
    let reading = server("read which ids come next");
    let row = tables.sql("select shard, next_index from @_store, @_allocator");
    let row = session.transaction.query_one(&row, &[]).await.map_err(&reading)?;
    let mut lists = Vec::new();
    for list in [
        "select id from @_free order by place",
        "select id from @_reserved order by id < 0, id",
        "select index from @_retired order by index",
    ] {
        let rows = session.transaction.query(&tables.sql(list), &[]).await.map_err(&reading)?;
        let list = rows.iter().map(|row| read(row, 0)).collect::<Result<Vec<i64>, _>>()?;
        lists.push(list);
    }
    let entities = |ids: &[i64]| ids.iter().map(|id| entity(*id)).collect::<Result<Vec<_>, _>>();
    let wrong = || nonsense("the row of the allocator makes no sense");
    Ok(AllocatorState {
        shard: read::<i16>(&row, 0)? as u16,
        next_index: read::<i64>(&row, 1)?.try_into().map_err(|_| wrong())?,
        free: entities(&lists[0])?,
        reserved: entities(&lists[1])?,
        retired: lists[2].iter().map(|index| *index as u32).collect(),
    })
}

/// What is told a world whose ids are no longer those that come next.
pub(crate) fn others_took_ids() -> RemoteError {
    nonsense("others have reserved ids since the last commit; the world has to be opened anew")
}

/// Replaces the state of the allocator. Of the stack only what differs is written.
///
/// # Errors
/// [`RemoteError`] if what is replaced is not what it was `before`.
pub(crate) async fn write_state(
    session: &mut Session<'_>,
    tables: &Tables,
    before: &AllocatorState,
    state: &AllocatorState,
) -> Result<(), RemoteError> {
    let writing = server("write which ids come next");
    let same = before.free.iter().zip(&state.free).take_while(|(one, other)| one == other).count();
    if same < before.free.len() {
        let top = take_above(session, tables, same as u64).await?;
        // Who reserved ids and gave them back may have put them in another order, which
        // their number does not show.
        let believed = before.free[same..].iter().map(|id| signed(*id));
        if !top.into_iter().eq(believed) {
            return Err(others_took_ids());
        }
    }
    let free = state.free[same..].iter().map(|id| signed(*id)).collect();
    let mut allocator =
        Allocator { shard: state.shard, next_index: state.next_index, free: same as u64 };
    allocator.push(session, tables, free).await?;
    if before.reserved != state.reserved {
        let clear = tables.sql("delete from @_reserved");
        session.transaction.batch_execute(&clear).await.map_err(&writing)?;
        note_reserved(session, tables, &state.reserved).await?;
    }
    if before.retired != state.retired {
        let clear = tables.sql("delete from @_retired");
        session.transaction.batch_execute(&clear).await.map_err(&writing)?;
        let retired: Vec<_> = state.retired.iter().map(|index| i64::from(*index)).collect();
        let note = tables.sql("insert into @_retired select unnest($1::bigint[])");
        session.transaction.execute(&note, &[&retired]).await.map_err(&writing)?;
    }
    if before.shard != state.shard {
        let shard = tables.sql("update @_store set shard = $1");
        let moved = session.transaction.execute(&shard, &[&(state.shard as i16)]).await;
        moved.map_err(&writing)?;
    }
    allocator.store(session, tables).await
}
