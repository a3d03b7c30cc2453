//! The pages of a query.

use std::pin::pin;

use ahash::AHashMap;
use ecs_core::{ComponentId, EntityId};
use ecs_storage_api::remote::Version;
use ecs_storage_api::{
    BoxStream, OwnedChunk, Page, Projection, RemoteError, RemoteQuery, SnapshotError,
};
use futures_util::{StreamExt, stream};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::plan::{self, Plan};
use super::{cells, id};
use crate::catalog::{entries, present};
use crate::error::{nonsense, server};
use crate::link::Connection;
use crate::rows::{read, signed};
use crate::storage::Store;
use crate::values::Gathered;

/// Streams the pages of a query. Each is one statement, so nothing is held in
/// between.
pub(crate) fn pages(store: &Store, query: RemoteQuery) -> BoxStream<'_, Result<Page, RemoteError>> {
    let (negative, after) = match query.after.map(signed) {
        None => (false, 0),
        Some(after) => (after < 0, after),
    };
    let among = query.among.as_ref().map(|among| among.iter().map(|id| signed(*id)).collect());
    let compared = plan::parameters(&query);
    let cursor =
        Cursor { store, query, among, compared, plan: None, after, negative, ended: false };
    Box::pin(stream::unfold(cursor, |mut cursor| async {
        if cursor.ended {
            return None;
        }
        let link = &cursor.store.link;
        let page = link.limited(cursor.next_again()).await.transpose()?;
        cursor.ended |= page.is_err();
        Some((page, cursor))
    }))
}

/// Where a stream has come to.
struct Cursor<'s> {
    store: &'s Store,
    query: RemoteQuery,
    among: Option<Vec<i64>>,
    compared: Vec<Box<dyn ToSql + Send + Sync>>,
    /// Made at the first page.
    plan: Option<Plan>,
    after: i64,
    /// Whether it has come to the ids that are negative numbers.
    negative: bool,
    ended: bool,
}

impl Cursor<'_> {
    async fn next_again(&mut self) -> Result<Option<Page>, RemoteError> {
        let mut patience = self.store.patience();
        loop {
            match self.next().await {
                Err(error) if patience.allows(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Page>, RemoteError> {
        let reading = server("read a page");
        let mut connection = self.store.link.connection().await?;
        let connection = &mut *connection;
        loop {
            if self.plan.is_none() {
                self.plan = Some(self.make_plan(connection).await?);
            }
            let plan = self.plan.as_ref().expect("it was made");
            let Some(statement) = &plan.statement else { return Ok(None) };
            let statement = connection.statements.prepare(&connection.client, statement).await;
            let statement = statement.map_err(&reading)?;
            // Until all rows have come: who drops this leaves them on their way.
            connection.is_settled = false;
            let last = if self.negative { -1i64 } else { i64::MAX };
            let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&self.after, &last];
            parameters.extend(self.among.as_ref().map(|among| among as &(dyn ToSql + Sync)));
            parameters.extend(self.compared.iter().map(|value| &**value as &(dyn ToSql + Sync)));
            let rows = connection.client.query_raw(&statement, parameters).await;
            let mut rows = pin!(rows.map_err(&reading)?);
            let mut groups = Groups::default();
            let mut is_planned = true;
            while let Some(row) = rows.next().await {
                let row = row.map_err(&reading)?;
                is_planned &= read::<Option<i32>>(&row, 3)? == plan.newest;
                if !is_planned {
                    continue;
                }
                // Of the state that the page shows: columns of the same names may mean
                // something else since.
                self.store.catalog.expect_migrations(read(&row, 2)?)?;
                groups.push(plan, &row)?;
            }
            connection.is_settled = true;
            if is_planned && groups.last.is_none() {
                // Without a row nothing has told.
                let (newest, migrations) = present(connection, &self.store.tables).await?;
                self.store.catalog.expect_migrations(migrations)?;
                is_planned = newest == plan.newest;
            }
            if !is_planned {
                // A component has a table that the plan knows nothing of.
                self.plan = None;
                continue;
            }
            if let Some((resume, version)) = groups.last {
                self.after = signed(resume);
                return Ok(Some(Page::new(groups.into_chunks(plan)?, resume, version)));
            }
            if self.negative {
                return Ok(None);
            }
            (self.negative, self.after) = (true, i64::MIN);
        }
    }

    async fn make_plan(&self, connection: &mut Connection) -> Result<Plan, RemoteError> {
        let (catalog, tables) = (&self.store.catalog, &self.store.tables);
        // First: what comes later is found at the next page.
        let (newest, migrations) = present(connection, tables).await?;
        // It may be a plan without a statement, whose rows tell nothing.
        catalog.expect_migrations(migrations)?;
        let mut named = Vec::new();
        plan::components(&self.query.matcher, &mut named);
        let mut all = Vec::new();
        match &self.query.projection {
            Projection::Components(components) => named.extend(components.iter()),
            _ => {
                all = entries(connection, tables).await?;
                named.extend(all.iter().filter_map(|entry| ComponentId::named(&entry.name)));
            }
        }
        catalog.look_up(connection, tables, named).await?;
        Plan::new(&self.query, newest, &all, catalog, tables)
    }
}

/// Rows of a page, grouped by what was brought of them.
#[derive(Default)]
struct Groups {
    /// By which of the components are there.
    places: AHashMap<Vec<bool>, usize>,
    groups: Vec<(Vec<EntityId>, Vec<Option<Gathered>>)>,
    last: Option<(EntityId, Version)>,
}

impl Groups {
    fn push(&mut self, plan: &Plan, row: &Row) -> Result<(), RemoteError> {
        let reading = server("read a row");
        for (n, name) in plan.unknown.iter().enumerate() {
            if row.try_get(plan.unknown_at + n).map_err(&reading)? {
                return Err(SnapshotError::UnknownComponent { name: name.clone() }.into());
            }
        }
        let presence = plan.brought.iter().map(|brought| match brought.presence {
            Some(at) => row.try_get(at).map_err(&reading),
            None => Ok(true),
        });
        let presence: Vec<bool> = presence.collect::<Result<_, _>>()?;
        let place = match self.places.get(&presence) {
            Some(place) => *place,
            None => {
                let columns = presence.iter().map(|is_there| is_there.then(Gathered::default));
                self.groups.push((Vec::new(), columns.collect()));
                self.places.insert(presence, self.groups.len() - 1);
                self.groups.len() - 1
            }
        };
        let (ids, columns) = &mut self.groups[place];
        for (column, brought) in columns.iter_mut().zip(&plan.brought) {
            if let Some(column) = column {
                let table = &brought.table;
                column.push(table.component.info(), &table.layout, cells(row, brought.at))?;
            }
        }
        let id = id(row)?;
        ids.push(id);
        let version: i64 = row.try_get(1).map_err(&reading)?;
        self.last = Some((id, Version::new(version as u64)));
        Ok(())
    }

    fn into_chunks(self, plan: &Plan) -> Result<Vec<OwnedChunk>, RemoteError> {
        let chunks = self.groups.into_iter().map(|(ids, columns)| {
            let there = columns.into_iter().zip(&plan.brought).filter_map(|(column, brought)| {
                column.map(|column| column.finish(brought.table.component.info()))
            });
            let columns = there.collect::<Result<_, _>>()?;
            OwnedChunk::ascending(ids, columns).map_err(|error| nonsense(error.to_string()))
        });
        chunks.collect()
    }
}
