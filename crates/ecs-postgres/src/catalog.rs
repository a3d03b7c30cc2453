//! The components that the database knows, and their tables.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use ahash::AHashMap;
use ecs_core::{ComponentId, ComponentInfo, Schema};
use ecs_storage_api::RemoteError;
use parking_lot::RwLock;
use tokio_postgres::types::{ToSql, Type};

use crate::error::{ComponentError, server};
use crate::link::{Connection, Purpose, Session};
use crate::name::{self, ENTITY, quote};
use crate::rows::read;
use crate::tables::Tables;
use crate::values::{Column, Layout};
use crate::write::Locked;

/// A component's table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) component: ComponentId,
    /// Its number in the database.
    pub(crate) number: i32,
    pub(crate) layout: Layout,
    /// The table as SQL reads it, its schema in front.
    pub(crate) name: String,
}

impl Table {
    /// Lists the columns, that of the entity first: `entity, x, y`.
    pub(crate) fn columns(&self) -> String {
        self.columns_of("")
    }

    /// Lists the columns with something in front of each.
    pub(crate) fn columns_of(&self, prefix: &str) -> String {
        let mut list = format!("{prefix}{ENTITY}");
        for column in self.layout.columns() {
            write!(list, ", {prefix}{}", quote(&column.name)).expect("text takes text");
        }
        list
    }

    /// Says that each column but that of the entity is set to that of another row.
    pub(crate) fn assignments(&self, from: &str) -> String {
        let assign = |column: &Column| {
            let name = quote(&column.name);
            format!("{name} = {from}.{name}")
        };
        self.layout.columns().iter().map(assign).collect::<Vec<_>>().join(", ")
    }
}

/// What the database says of a component.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) number: i32,
    pub(crate) name: String,
    pub(crate) table: String,
    codec: String,
    size: i32,
    schema: Option<String>,
}

impl Entry {
    /// Describes a component of this process, as the database would.
    pub(crate) fn of(info: &ComponentInfo) -> Self {
        Self {
            number: 0,
            name: info.name().to_owned(),
            table: name::table(info.name()),
            codec: info.codec().name().to_owned(),
            // Serde does not show memory.
            size: if info.is_pod() { info.stride() as i32 } else { 0 },
            schema: info.schema().map(Schema::to_string),
        }
    }

    /// Returns codec, stride of plain bytes, and schema, empty if there is none.
    pub(crate) fn form(&self) -> (&str, Option<usize>, &str) {
        let stride = (self.codec == "pod").then_some(self.size as usize);
        (&self.codec, stride, self.schema.as_deref().unwrap_or_default())
    }

    /// Notes the component and makes its table, unless that has been done; returns its
    /// number. The table of components must be locked.
    pub(crate) async fn make(
        &self,
        session: &Session<'_>,
        tables: &Tables,
        layout: &Layout,
    ) -> Result<i32, RemoteError> {
        let making = server("make the table of a component");
        let Self { name, table, codec, size, schema, .. } = self;
        let known = tables.sql("select id from @_component where name = $1");
        let known = session.transaction.query_opt(&known, &[name]).await.map_err(&making)?;
        if let Some(row) = known {
            return read(&row, 0);
        }
        let note = tables.sql(
            "insert into @_component (name, \"table\", codec, size, schema) \
             values ($1, $2, $3, $4, $5) returning id",
        );
        let noted = session.transaction.query_one(&note, &[name, table, codec, size, schema]).await;
        let number = read(&noted.map_err(&making)?, 0)?;
        let make = definition(tables, self, number, layout);
        session.transaction.batch_execute(&make).await.map_err(&making)?;
        Ok(number)
    }

    /// Tells whether the database has a component of its name under another number.
    pub(crate) async fn is_another(
        &self,
        session: &Session<'_>,
        tables: &Tables,
        number: i32,
    ) -> Result<bool, RemoteError> {
        let other = tables.sql("select 1 from @_component where name = $1 and id <> $2");
        let other = session.transaction.query_opt(&other, &[&self.name, &number]).await;
        Ok(other.map_err(server("look at a component"))?.is_some())
    }

    /// Tells whether it is still what the database says under its number.
    pub(crate) async fn is_noted(
        &self,
        session: &Session<'_>,
        tables: &Tables,
    ) -> Result<bool, RemoteError> {
        let Self { number, name, codec, size, schema, .. } = self;
        let still = tables.sql(
            "select 1 from @_component where id = $1 and name = $2 and codec = $3 \
             and size = $4 and schema is not distinct from $5",
        );
        let still =
            session.transaction.query_opt(&still, &[number, name, codec, size, schema]).await;
        Ok(still.map_err(server("look at a component"))?.is_some())
    }

    /// Puts this component in the place of one that is noted, and its columns in the place
    /// of those of that one: the table stays, with the rights that were given to it, and
    /// is empty.
    pub(crate) async fn replace(
        &self,
        session: &Session<'_>,
        tables: &Tables,
        (old, old_layout): (&Self, &Layout),
        layout: &Layout,
    ) -> Result<(), RemoteError> {
        let making = server("make the table of a component");
        let Self { name, table, codec, size, schema, .. } = self;
        let note = tables.sql(
            "update @_component set name = $1, \"table\" = $2, codec = $3, size = $4, schema = $5 \
             where id = $6",
        );
        let is: [&(dyn ToSql + Sync); 6] = [name, table, codec, size, schema, &old.number];
        session.transaction.execute(&note, &is).await.map_err(&making)?;
        let mut make = format!("truncate {};", tables.at(&old.table));
        if old.table != *table {
            write!(make, "alter table {} rename to {};", tables.at(&old.table), quote(table))
                .expect("text takes text");
        }
        let gone = old_layout.columns().iter().map(|it| format!("drop column {}", quote(&it.name)));
        let come = layout.columns().iter().map(|it| {
            format!("add column {}", column_text(&it.name, sql_name(&it.sql), it.may_lack))
        });
        let changes: Vec<_> = gone.chain(come).collect();
        if !changes.is_empty() {
            write!(make, "alter table {} {};", tables.at(table), changes.join(", "))
                .expect("text takes text");
        }
        session.transaction.batch_execute(&make).await.map_err(&making)
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.codec, self.size, &self.schema) == (&other.codec, other.size, &other.schema)
    }

    fn text(&self) -> String {
        let schema = self.schema.as_deref().unwrap_or("without a schema");
        match self.size {
            0 => format!("{} {schema}", self.codec),
            size => format!("{} of {size} bytes {schema}", self.codec),
        }
    }
}

/// The tables that this process has found to be as it expects them.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    known: RwLock<AHashMap<ComponentId, Arc<Table>>>,
    /// How often tables had been migrated when the store was opened.
    migrations: AtomicI32,
}

impl Catalog {
    /// Returns the table of a component that has one.
    pub(crate) fn get(&self, component: ComponentId) -> Option<Arc<Table>> {
        self.known.read().get(&component).cloned()
    }

    /// Refuses to go on if somebody has migrated tables since the store was opened: what
    /// is known of them may not hold.
    pub(crate) fn expect(&self, locked: &Locked) -> Result<(), RemoteError> {
        self.expect_migrations(locked.migrations)
    }

    /// As [`expect`](Self::expect), by the number of migrations.
    pub(crate) fn expect_migrations(&self, found: i32) -> Result<(), RemoteError> {
        match self.migrations.load(Ordering::Relaxed) == found {
            true => Ok(()),
            false => Err(ComponentError::Migrated.into()),
        }
    }

    /// Checks every component of the database that this process knows.
    pub(crate) async fn check(
        &self,
        connection: &mut Connection,
        tables: &Tables,
    ) -> Result<(), RemoteError> {
        let migrations = tables.sql("select migrations from @_store");
        let migrations = connection.client.query_one(&migrations, &[]).await;
        let migrations = migrations.map_err(server("read which components there are"))?;
        self.migrations.store(read(&migrations, 0)?, Ordering::Relaxed);
        for entry in entries(connection, tables).await? {
            if let Some(component) = ComponentId::named(&entry.name) {
                self.find(connection, tables, component, &entry).await?;
            }
        }
        Ok(())
    }

    /// Finds the tables of components as far as the database has them.
    pub(crate) async fn look_up(
        &self,
        connection: &mut Connection,
        tables: &Tables,
        components: impl IntoIterator<Item = ComponentId>,
    ) -> Result<(), RemoteError> {
        let unknown: Vec<_> = components.into_iter().filter(|id| self.get(*id).is_none()).collect();
        let unknown: Vec<_> = unknown.into_iter().filter(|id| !id.info().is_transient()).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let entries = entries(connection, tables).await?;
        for component in unknown {
            let mut named = entries.iter().filter(|entry| entry.name == component.info().name());
            if let Some(entry) = named.next() {
                self.find(connection, tables, component, entry).await?;
            }
        }
        Ok(())
    }

    /// Finds the tables of components, and makes those that are not there.
    pub(crate) async fn ensure(
        &self,
        connection: &mut Connection,
        tables: &Tables,
        components: &[ComponentId],
    ) -> Result<(), RemoteError> {
        if components.iter().all(|id| self.get(*id).is_some()) {
            return Ok(());
        }
        if let Some(component) = components.iter().find(|id| id.info().is_transient()) {
            let name = component.info().name().to_owned();
            return Err(ComponentError::Transient { name }.into());
        }
        self.look_up(connection, tables, components.iter().copied()).await?;
        let missing: Vec<_> = components.iter().filter(|id| self.get(**id).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let making = server("make the table of a component");
        let session = connection.begin(Purpose::Write).await.map_err(&making)?;
        // One maker at a time; whoever waited finds the tables made.
        let lock = tables.sql("lock table @_component in share row exclusive mode");
        session.transaction.batch_execute(&lock).await.map_err(&making)?;
        for component in &missing {
            let info = component.info();
            Entry::of(info).make(&session, tables, &Layout::of(info)).await?;
        }
        session.commit().await.map_err(&making)?;
        self.look_up(connection, tables, missing.into_iter().copied()).await
    }

    /// Checks that the table of a component is as this process expects it, and keeps
    /// it.
    async fn find(
        &self,
        connection: &mut Connection,
        tables: &Tables,
        component: ComponentId,
        entry: &Entry,
    ) -> Result<(), RemoteError> {
        let info = component.info();
        let expected = Entry::of(info);
        if !expected.is_same(entry) {
            let (here, there) = (expected.text(), entry.text());
            let name = entry.name.clone();
            return Err(ComponentError::Changed { name, here, there }.into());
        }
        let layout = Layout::of(info);
        let name = tables.at(&entry.table);
        let columns = "select attname, format_type(atttypid, atttypmod), attnotnull \
             from pg_attribute where attrelid = $1::text::regclass and attnum > 0 \
             and not attisdropped order by attnum";
        let columns = connection.client.query(columns, &[&name]).await;
        let columns = columns.map_err(server("look at the table of a component"))?;
        let column = |row| Ok(column_text(read(row, 0)?, read(row, 1)?, !read::<bool>(row, 2)?));
        let there = columns.iter().map(column).collect::<Result<Vec<_>, RemoteError>>()?;
        let mut here = vec![column_text(ENTITY, "bigint", false)];
        here.extend(
            layout
                .columns()
                .iter()
                .map(|column| column_text(&column.name, sql_name(&column.sql), column.may_lack)),
        );
        if here != there {
            let (here, there) = (here.join(", "), there.join(", "));
            let (name, table) = (entry.name.clone(), name);
            return Err(ComponentError::Table { name, table, here, there }.into());
        }
        let table = Table { component, number: entry.number, layout, name };
        self.known.write().insert(component, Arc::new(table));
        Ok(())
    }
}

/// Reads what the database knows of components.
pub(crate) async fn entries(
    connection: &mut Connection,
    tables: &Tables,
) -> Result<Vec<Entry>, RemoteError> {
    let asked =
        tables.sql("select id, name, \"table\", codec, size, schema from @_component order by id");
    let rows = connection.client.query(&asked, &[]).await;
    let rows = rows.map_err(server("read which components there are"))?;
    let entry = |row| {
        let (number, name, table) = (read(row, 0)?, read(row, 1)?, read(row, 2)?);
        let (codec, size, schema) = (read(row, 3)?, read(row, 4)?, read(row, 5)?);
        Ok(Entry { number, name, table, codec, size, schema })
    };
    rows.iter().map(entry).collect()
}

/// Returns the component that came last, and how many were migrated.
pub(crate) async fn present(
    connection: &mut Connection,
    tables: &Tables,
) -> Result<(Option<i32>, i32), RemoteError> {
    let asked = tables.sql("select (select max(id) from @_component), migrations from @_store");
    let row = connection.client.query_one(&asked, &[]).await;
    let row = row.map_err(server("read which components there are"))?;
    Ok((read(&row, 0)?, read(&row, 1)?))
}

/// Writes the statement that makes a table. Its index has a name that no component's table
/// can have.
fn definition(tables: &Tables, entry: &Entry, number: i32, layout: &Layout) -> String {
    let mut columns = format!("{ENTITY} bigint constraint \"_pk_{number}\" primary key");
    for column in layout.columns() {
        let column = column_text(&column.name, sql_name(&column.sql), column.may_lack);
        write!(columns, ", {column}").expect("text takes text");
    }
    format!("create table {} ({columns})", tables.at(&entry.table))
}

fn column_text(name: &str, sql: &str, may_lack: bool) -> String {
    let lacks = if may_lack { "" } else { " not null" };
    format!("{} {sql}{lacks}", quote(name))
}

/// Returns what SQL calls a type.
pub(crate) fn sql_name(sql: &Type) -> &'static str {
    match *sql {
        Type::BOOL => "boolean",
        Type::INT2 => "smallint",
        Type::INT4 => "integer",
        Type::INT8 => "bigint",
        Type::FLOAT4 => "real",
        Type::FLOAT8 => "double precision",
        Type::NUMERIC => "numeric",
        Type::TEXT => "text",
        Type::BYTEA => "bytea",
        Type::JSONB => "jsonb",
        Type::BOOL_ARRAY => "boolean[]",
        Type::INT2_ARRAY => "smallint[]",
        Type::INT4_ARRAY => "integer[]",
        Type::INT8_ARRAY => "bigint[]",
        Type::FLOAT4_ARRAY => "real[]",
        Type::FLOAT8_ARRAY => "double precision[]",
        Type::NUMERIC_ARRAY => "numeric[]",
        _ => "text[]",
    }
}
