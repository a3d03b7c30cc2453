//! The store's own tables, and how a store comes to be.
//!
//! | table | a row is | columns |
//! |---|---|---|
//! | `_store` | the store | format, version of the rows, version that the journal leads to, shard, since when it is known what changed |
//! | `_allocator` | the store | which ids come next |
//! | `_free`, `_reserved`, `_retired` | an id or an index | as `AllocatorState` has them |
//! | `_world` | the world that is committed here, if one is | version and tick that the rows show, and what it has beside them |
//! | `_journal` | a part of a commit that the rows are still to follow | its version and tick, and its bytes |
//! | `_component` | a component | its name, table, codec and schema |
//! | `_entity` | a living entity | its id |
//! | `_version` | a version, of those that are kept | a token by which its writer knows it |
//! | `_change` | a version, a kind of change and a component | the entities |
//!
//! Every other table is a component's: an entity's id, and the fields of its value.

use tokio_postgres::Client;

use crate::error::{ConnectError, server};
use crate::link::{Connection, Purpose};
use crate::name::quote;
use crate::options::PostgresOptions;
use crate::rows::read;

/// The form of the store's tables, and of the way of values into columns.
const FORMAT: i32 = 2;

/// Where the store is: its schema.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    pub(crate) schema: String,
    /// The schema as SQL reads it.
    quoted: String,
}

impl Tables {
    pub(crate) fn new(schema: &str) -> Self {
        Self { schema: schema.to_owned(), quoted: quote(schema) }
    }

    /// Writes the name of a table, its schema in front.
    pub(crate) fn at(&self, table: &str) -> String {
        format!("{}.{}", self.quoted, quote(table))
    }

    /// Puts the schema into a statement, wherever it says `@`.
    ///
    /// The statements of this crate are constant but for that.
    pub(crate) fn sql(&self, statement: &str) -> String {
        statement.replace('@', &format!("{}.", self.quoted))
    }

    /// Returns the channel on which versions are told.
    pub(crate) fn channel(&self) -> String {
        // Names of channels are as short as other identifiers.
        let mut channel = format!("ecs.{}", self.schema);
        if channel.len() > 63 {
            channel =
                format!("ecs#{:016x}", twox_hash::XxHash3_64::oneshot(self.schema.as_bytes()));
        }
        channel
    }
}

/// Finds the store, or makes an empty one.
pub(crate) async fn open(
    connection: &mut Connection,
    tables: &Tables,
    options: &PostgresOptions,
) -> Result<(), ConnectError> {
    let opening = server("open the store");
    match found_format(&connection.client, tables).await? {
        Some(FORMAT) => return Ok(()),
        Some(found) => return Err(other_format(tables, found)),
        None => {}
    }
    let session = connection.begin(Purpose::Write).await.map_err(&opening)?;
    // One maker at a time; whoever waited finds the store made.
    let lock = "select pg_advisory_xact_lock(hashtextextended('ecs store ' || $1, 0))";
    session.transaction.execute(lock, &[&tables.schema]).await.map_err(&opening)?;
    match found_format(session.transaction.client(), tables).await? {
        Some(FORMAT) => {}
        Some(found) => return Err(other_format(tables, found)),
        None => {
            // Not "if not exists": that asks for the right to make schemas.
            let known = "select 1 from pg_namespace where nspname = $1";
            let known = session.transaction.query_opt(known, &[&tables.schema]).await;
            if known.map_err(&opening)?.is_none() {
                let make = format!("create schema {}", tables.quoted);
                session.transaction.batch_execute(&make).await.map_err(&opening)?;
            }
            session.transaction.batch_execute(&tables.sql(MAKE)).await.map_err(&opening)?;
            let store = tables.sql("insert into @_store (format, shard) values ($1, $2)");
            let shard = i16::try_from(options.shard).unwrap_or(i16::MAX);
            session.transaction.execute(&store, &[&FORMAT, &shard]).await.map_err(&opening)?;
        }
    }
    session.commit().await.map_err(&opening)?;
    Ok(())
}

fn other_format(tables: &Tables, found: i32) -> ConnectError {
    ConnectError::Format { schema: tables.schema.clone(), found, expected: FORMAT }
}

async fn found_format(client: &Client, tables: &Tables) -> Result<Option<i32>, ConnectError> {
    let opening = server("open the store");
    let known = "select 1 from pg_tables where schemaname = $1 and tablename = '_store'";
    if client.query_opt(known, &[&tables.schema]).await.map_err(&opening)?.is_none() {
        return Ok(None);
    }
    let format = client.query_one(&tables.sql("select format from @_store"), &[]).await;
    Ok(Some(read(&format.map_err(&opening)?, 0)?))
}

const MAKE: &str = r#"
create table @_store (
    single boolean primary key default true check (single),
    format integer not null,
    version bigint not null default 0,
    committed bigint not null default 0,
    changes_since bigint not null default 0,
    migrations integer not null default 0,
    shard smallint not null
);
create table @_allocator (
    single boolean primary key default true check (single),
    next_index bigint not null default 1,
    free bigint not null default 0
);
insert into @_allocator default values;
create table @_free (place bigint primary key, id bigint not null);
create table @_reserved (id bigint primary key, token uuid not null default gen_random_uuid());
create table @_retired (index bigint primary key);
create table @_world (
    single boolean primary key default true check (single),
    version bigint not null,
    tick bigint not null,
    head bytea not null
);
create table @_journal (
    version bigint not null,
    part integer not null,
    tick bigint not null,
    bytes bytea not null,
    primary key (version, part)
);
alter table @_journal alter bytes set storage external;
create table @_component (
    id integer generated always as identity primary key,
    name text not null unique,
    "table" text not null unique,
    codec text not null,
    size integer not null,
    schema text
);
create table @_entity (entity bigint primary key);
create table @_version (
    version bigint primary key,
    token uuid not null,
    at timestamptz not null default now()
);
create table @_change (
    version bigint not null,
    kind "char" not null,
    component integer not null,
    entities bigint[] not null,
    count integer not null,
    primary key (version, kind, component)
);
alter table @_change alter entities set storage external;
comment on table @_store is 'An entity-component-system world: the version of its rows, raised by every change, and the version that a world was committed at, if the rows are still to follow.';
comment on table @_version is 'The versions for which it is kept what changed, and when they came to be.';
comment on table @_world is 'The world that is committed here: the version and the tick that the rows show.';
comment on table @_journal is 'What a world has committed beyond its rows.';
comment on table @_entity is 'The living entities; an id is shard << 52 | generation << 32 | index.';
comment on table @_change is 'Which entities changed at which version: s(pawned), w(ritten), r(emoved), d(estroyed), l(oaded: everything).';
"#;
