//! Views: what a query would bring, for people who ask in SQL.

use std::fmt::Write;

use ecs_core::ComponentId;
use ecs_storage_api::{Projection, RemoteError, RemoteQuery, StorageError};

use super::plan::{components, condition};
use crate::catalog::{Catalog, Table, entries};
use crate::error::server;
use crate::link::Purpose;
use crate::name::{VALUE, quote};
use crate::storage::Store;
use crate::tables::Tables;

/// Makes a view, in place of one of that name.
pub(crate) async fn create(
    store: &Store,
    name: &str,
    query: &RemoteQuery,
) -> Result<(), RemoteError> {
    let making = server("make a view");
    if !query.conditions.is_empty() || query.among.is_some() || query.after.is_some() {
        return Err(StorageError::Unsupported("views of chosen entities or values").into());
    }
    let mut connection = store.link.connection().await?;
    let mut brought: Vec<ComponentId> = match &query.projection {
        Projection::Components(components) => components.iter().collect(),
        _ => {
            let all = entries(&mut connection, &store.tables).await?;
            all.iter().filter_map(|entry| ComponentId::named(&entry.name)).collect()
        }
    };
    // A view can be made before anybody has the components.
    let mut named = brought.clone();
    components(&query.matcher, &mut named);
    store.catalog.ensure(&mut connection, &store.tables, &named).await?;
    brought.sort_by_key(|component| component.info().name());
    let text = text(query, &brought, &store.catalog, &store.tables);

    let session = connection.begin(Purpose::Write).await.map_err(&making)?;
    let view = store.tables.at(name);
    let statement = format!("drop view if exists {view}; create view {view} as {text}");
    session.transaction.batch_execute(&statement).await.map_err(&making)?;
    session.commit().await.map_err(&making)
}

fn text(
    query: &RemoteQuery,
    brought: &[ComponentId],
    catalog: &Catalog,
    tables: &Tables,
) -> String {
    let mut select = "e0.entity".to_owned();
    let mut from = format!("{} as e0", tables.at("_entity"));
    let mut taken = vec!["entity".to_owned()];
    let required = query.matcher.required();
    for (n, component) in brought.iter().enumerate() {
        let Some(table) = catalog.get(*component) else { continue };
        let alias = format!("c{n}");
        let is_required = required.contains(component);
        let outer = if is_required { "" } else { "left " };
        write!(from, " {outer}join {} as {alias} on {alias}.entity = e0.entity", table.name)
            .expect("text takes text");
        let mut select_as = |what: String, name: String| {
            let name = free(name, &mut taken);
            write!(select, ", {what} as {}", quote(&name)).expect("text takes text");
        };
        let short = short(&table);
        if table.layout.columns().is_empty() && !is_required {
            select_as(format!("{alias}.entity is not null"), short.clone());
        }
        for column in table.layout.columns() {
            let name = match &*column.name {
                VALUE => short.clone(),
                field => format!("{short}_{field}"),
            };
            select_as(format!("{alias}.{}", quote(&column.name)), name);
        }
    }
    let conditions = condition(&query.matcher, brought, catalog);
    match conditions.is_empty() {
        true => format!("select {select} from {from}"),
        false => format!("select {select} from {from} where {}", conditions.join(" and ")),
    }
}

/// Returns a component's name without the path in front of it, in small letters.
fn short(table: &Table) -> String {
    let name = table.component.info().name();
    let end = name.find('<').unwrap_or(name.len());
    let last = name[..end].rfind("::").map_or(name, |at| &name[at + 2..]);
    let short = if last.is_empty() { name } else { last };
    let words = short.char_indices().map(|(at, letter)| match letter {
        letter if letter.is_uppercase() && at != 0 => format!("_{}", letter.to_lowercase()),
        letter => letter.to_lowercase().to_string(),
    });
    words.collect()
}

/// Returns a name of a column that no other has, as short as identifiers must be.
fn free(name: String, taken: &mut Vec<String>) -> String {
    let mut end = name.len().min(55);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let stem = &name[..end];
    let mut free = stem.to_owned();
    let mut number = 2;
    while taken.contains(&free) {
        free = format!("{stem}_{number}");
        number += 1;
    }
    taken.push(free.clone());
    free
}
