//! What a transaction does to the tables, and what is noted of it.

use ecs_core::{ComponentId, EntityId};
use ecs_storage_api::remote::Version;
use ecs_storage_api::{RemoteError, StorageImage};

use super::Locked;
use crate::catalog::{Catalog, Table};
use crate::error::{nonsense, server};
use crate::link::Session;
use crate::name::ENTITY;
use crate::rows::{self, Run, copy, copy_ids, read, signed};
use crate::tables::Tables;

/// A kind of change, as `_change` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Spawned = b's' as isize,
    Written = b'w' as isize,
    Removed = b'r' as isize,
    Destroyed = b'd' as isize,
    Loaded = b'l' as isize,
}

/// The component of a change that is of none.
const NO_COMPONENT: i32 = 0;

/// Changes that are made in a transaction, and noted at its end.
#[derive(Debug)]
pub(crate) struct Effects<'t> {
    tables: &'t Tables,
    noted: Vec<(Kind, i32, Vec<i64>)>,
}

impl<'t> Effects<'t> {
    pub(crate) fn new(tables: &'t Tables) -> Self {
        Self { tables, noted: Vec::new() }
    }

    fn note(&mut self, kind: Kind, component: i32, mut entities: Vec<i64>) {
        let earlier = self.noted.iter_mut().find(|(its, of, _)| (*its, *of) == (kind, component));
        match earlier {
            Some((_, _, noted)) => noted.append(&mut entities),
            None => self.noted.push((kind, component, entities)),
        }
    }

    /// Notes that everything was replaced, in place of what was noted.
    pub(crate) fn note_all(&mut self) {
        self.noted = vec![(Kind::Loaded, NO_COMPONENT, Vec::new())];
    }

    /// Makes entities.
    pub(crate) async fn spawn(
        &mut self,
        session: &mut Session<'_>,
        ids: &[EntityId],
    ) -> Result<(), RemoteError> {
        if ids.is_empty() {
            return Ok(());
        }
        let copy = self.tables.sql("copy @_entity (entity) from stdin (format binary)");
        copy_ids(session, &copy, ids.iter().copied()).await?;
        self.note(Kind::Spawned, NO_COMPONENT, ids.iter().map(|id| signed(*id)).collect());
        Ok(())
    }

    /// Gives values to entities that have none of the component.
    pub(crate) async fn fill(
        &mut self,
        session: &mut Session<'_>,
        table: &Table,
        runs: &[Run<'_>],
    ) -> Result<(), RemoteError> {
        copy(session, &table.name, table, runs).await?;
        self.note(Kind::Written, table.number, rows::ids(runs));
        Ok(())
    }

    /// Fills an empty store.
    pub(crate) async fn load(
        &mut self,
        session: &mut Session<'_>,
        image: &StorageImage,
        components: &[ComponentId],
        catalog: &Catalog,
    ) -> Result<(), RemoteError> {
        let copy_entities = self.tables.sql("copy @_entity (entity) from stdin (format binary)");
        copy_ids(session, &copy_entities, image.entities()).await?;
        for component in components {
            let missing = || nonsense(format!("component `{component}` has no table"));
            let table = catalog.get(*component).ok_or_else(missing)?;
            let chunks = image.chunks().iter();
            let runs =
                chunks.filter_map(|chunk| Some(Run::many(chunk.ids(), chunk.column(*component)?)));
            copy(session, &table.name, &table, &runs.collect::<Vec<_>>()).await?;
        }
        self.note_all();
        Ok(())
    }

    /// Replaces values, and returns how many there were to be replaced.
    pub(crate) async fn update(
        &mut self,
        session: &mut Session<'_>,
        table: &Table,
        runs: &[Run<'_>],
    ) -> Result<u64, RemoteError> {
        let ids = rows::ids(runs);
        let updated = match table.layout.columns() {
            [] => {
                let there = format!("select count(*) from {} where entity = any($1)", table.name);
                count_by_ids(session, &there, &ids).await?
            }
            _ => {
                let stage = stage(session, table, runs).await?;
                let update = format!(
                    "update {} as kept set {} from {stage} as new where kept.entity = new.entity",
                    table.name,
                    table.assignments("new"),
                );
                run(session, &update).await?
            }
        };
        self.note(Kind::Written, table.number, ids);
        Ok(updated)
    }

    /// Adds or replaces values of entities that live.
    pub(crate) async fn upsert(
        &mut self,
        session: &mut Session<'_>,
        table: &Table,
        runs: &[Run<'_>],
    ) -> Result<(), RemoteError> {
        let stage = stage(session, table, runs).await?;
        let twice = match table.layout.columns() {
            [] => "nothing".to_owned(),
            _ => format!("update set {}", table.assignments("excluded")),
        };
        let columns = table.columns();
        let upsert = format!(
            "insert into {} ({columns}) select {columns} from {stage} \
             on conflict (entity) do {twice}",
            table.name,
        );
        run(session, &upsert).await?;
        self.note(Kind::Written, table.number, rows::ids(runs));
        Ok(())
    }

    /// Takes values away, and returns how many there were.
    pub(crate) async fn remove(
        &mut self,
        session: &mut Session<'_>,
        table: &Table,
        ids: Vec<i64>,
    ) -> Result<u64, RemoteError> {
        let statement =
            format!("delete from {} where entity = any($1) returning entity", table.name);
        let statement = session.prepare(&statement).await.map_err(server("remove values"))?;
        let gone = session.transaction.query(&statement, &[&ids]).await;
        let gone = gone.map_err(server("remove values"))?;
        let gone = gone.iter().map(|row| read(row, 0)).collect::<Result<Vec<i64>, _>>()?;
        let count = gone.len() as u64;
        if count != 0 {
            self.note(Kind::Removed, table.number, gone);
        }
        Ok(count)
    }

    /// Ends entities with all that they have, and returns how many there were.
    pub(crate) async fn destroy(
        &mut self,
        session: &mut Session<'_>,
        ids: Vec<i64>,
    ) -> Result<u64, RemoteError> {
        let ending = server("end entities");
        // Of every table that there is: also of components that are not known here.
        let owners = self.tables.sql("select \"table\" from @_component");
        let owners = session.prepare(&owners).await.map_err(&ending)?;
        let owners = session.transaction.query(&owners, &[]).await.map_err(&ending)?;
        for owner in &owners {
            let table = self.tables.at(read(owner, 0)?);
            let delete = format!("delete from {table} where entity = any($1)");
            let delete = session.prepare(&delete).await.map_err(&ending)?;
            session.transaction.execute(&delete, &[&ids]).await.map_err(&ending)?;
        }
        let delete = self.tables.sql("delete from @_entity where entity = any($1)");
        let delete = session.prepare(&delete).await.map_err(&ending)?;
        let ended = session.transaction.execute(&delete, &[&ids]).await.map_err(&ending)?;
        self.note(Kind::Destroyed, NO_COMPONENT, ids);
        Ok(ended)
    }

    /// Raises the version, notes what changed, and tells who listens once the
    /// transaction is committed.
    pub(crate) async fn finish(
        self,
        session: &mut Session<'_>,
        locked: &Locked,
        kept_changes: u64,
    ) -> Result<Version, RemoteError> {
        let version = next_version(locked)?;
        self.write_notes(session, version).await?;
        raise(session, self.tables, locked, Raised::Rows).await?;
        forget(session, self.tables, locked.rows, version, kept_changes).await?;
        Ok(version)
    }

    /// As [`finish`](Self::finish), of who brings rows to where the journal is.
    pub(crate) async fn finish_fold(
        self,
        session: &mut Session<'_>,
        locked: &Locked,
        kept_changes: u64,
    ) -> Result<(), RemoteError> {
        let raising = server("raise the version");
        self.write_notes(session, locked.version).await?;
        let raise = self.tables.sql(
            "with raised as (update @_store set version = committed returning version) \
             select pg_notify($1, version::text) from raised",
        );
        let raise = session.prepare(&raise).await.map_err(&raising)?;
        let raised = session.transaction.execute(&raise, &[&self.tables.channel()]).await;
        raised.map_err(&raising)?;
        forget(session, self.tables, locked.rows, locked.version, kept_changes).await
    }

    /// Writes down what changed with a version.
    async fn write_notes(
        &self,
        session: &mut Session<'_>,
        version: Version,
    ) -> Result<(), RemoteError> {
        let noting = server("note what changed");
        let version = version.get() as i64;
        let note = self
            .tables
            .sql("insert into @_change values ($1, $2, $3, $4, cardinality($4::bigint[]))");
        let note = session.prepare(&note).await.map_err(&noting)?;
        for (kind, component, entities) in &self.noted {
            let kind = *kind as u8 as i8;
            let noted =
                session.transaction.execute(&note, &[&version, &kind, component, entities]).await;
            noted.map_err(&noting)?;
        }
        Ok(())
    }
}

/// What a new version is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raised {
    Rows,
    /// Rows are still to follow.
    Journal,
}

/// Returns the version that comes next.
pub(crate) fn next_version(locked: &Locked) -> Result<Version, RemoteError> {
    let version = locked.version.get() + 1;
    match i64::try_from(version) {
        Ok(_) => Ok(Version::new(version)),
        Err(_) => Err(nonsense("the versions are used up")),
    }
}

/// Raises the version, and tells who listens once the transaction is committed.
pub(crate) async fn raise(
    session: &mut Session<'_>,
    tables: &Tables,
    locked: &Locked,
    of: Raised,
) -> Result<Version, RemoteError> {
    let raising = server("raise the version");
    let version = next_version(locked)?;
    let set = match of {
        Raised::Rows => "version = $1, committed = $1",
        Raised::Journal => "committed = $1",
    };
    let raise = tables.sql(&format!(
        "with raised as (update @_store set {set} returning committed), \
         noted as (insert into @_version (version, token) \
                   select committed, $2::text::uuid from raised) \
         select pg_notify($3, committed::text) from raised",
    ));
    let raise = session.prepare(&raise).await.map_err(&raising)?;
    let (number, channel) = (version.get() as i64, tables.channel());
    let raised = session.transaction.execute(&raise, &[&number, &locked.token, &channel]).await;
    raised.map_err(&raising)?;
    Ok(version)
}

/// Forgets what changed long before a version of the rows, now and then: each look for
/// what is old costs something.
async fn forget(
    session: &mut Session<'_>,
    tables: &Tables,
    before: Version,
    version: Version,
    kept_changes: u64,
) -> Result<(), RemoteError> {
    const STEP: u64 = 64;
    let forgetting = server("forget what changed long ago");
    let version = version.get();
    if before.get() / STEP == version / STEP || version <= kept_changes {
        return Ok(());
    }
    // Whoever knows the rows as they were misses nothing, however far a journal led.
    let oldest = (version - kept_changes).min(before.get()) as i64;
    for forget in [
        "delete from @_change where version <= $1",
        "delete from @_version where version <= $1",
        "update @_store set changes_since = greatest(changes_since, $1)",
    ] {
        let forget = session.prepare(&tables.sql(forget)).await.map_err(&forgetting)?;
        session.transaction.execute(&forget, &[&oldest]).await.map_err(&forgetting)?;
    }
    Ok(())
}

/// Brings rows into a temporary table, and returns its name. A batch that updates and
/// inserts values of one component has both there for the second statement, which writes
/// what was updated once more.
async fn stage(
    session: &mut Session<'_>,
    table: &Table,
    runs: &[Run<'_>],
) -> Result<String, RemoteError> {
    let name = format!("pg_temp.\"_stage_{}\"", table.number);
    let make = || {
        // It may be there: a commit whose answer nobody waited for made it. It has an index,
        // since plans are kept: one that was made while the table had few rows goes through
        // those, and looks for each here.
        format!(
            "create temp table if not exists {name} (like {}, primary key ({ENTITY})) \
             on commit delete rows",
            table.name
        )
    };
    session.stage(table.component, make).await.map_err(server("make a temporary table"))?;
    copy(session, &name, table, runs).await?;
    Ok(name)
}

async fn run(session: &mut Session<'_>, statement: &str) -> Result<u64, RemoteError> {
    let writing = server("write values");
    let statement = session.prepare(statement).await.map_err(&writing)?;
    session.transaction.execute(&statement, &[]).await.map_err(&writing)
}

/// Counts by a statement that is given ids.
pub(super) async fn count_by_ids(
    session: &mut Session<'_>,
    statement: &str,
    ids: &[i64],
) -> Result<u64, RemoteError> {
    let counting = server("look at entities");
    let statement = session.prepare(statement).await.map_err(&counting)?;
    let row = session.transaction.query_one(&statement, &[&ids]).await.map_err(&counting)?;
    Ok(read::<i64>(&row, 0)? as u64)
}
