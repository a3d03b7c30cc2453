//! A query as SQL: one statement a page, joined on the server.

use std::fmt::Write;
use std::sync::Arc;

use ecs_core::ComponentId;
use ecs_storage_api::{
    Comparison, FieldCondition, FieldValue, Matcher, Projection, RemoteError, RemoteQuery,
};
use tokio_postgres::types::ToSql;

use crate::catalog::{Catalog, Entry, Table};
use crate::name::quote;
use crate::rows::signed;
use crate::tables::Tables;

/// The statement for a page, and what its rows hold.
///
/// A row begins with id, version, how often tables were migrated, and the number of the
/// newest component; then come, for each component that is brought, whether it is there if
/// it may be absent, and its columns; at last whether a component is there that this
/// process does not know.
#[derive(Debug)]
pub(super) struct Plan {
    /// The number of the newest component that has a table.
    pub(super) newest: Option<i32>,
    /// `None` if no entity can match.
    pub(super) statement: Option<String>,
    pub(super) brought: Vec<Brought>,
    /// The names of components that are not known here, in the order of their cells.
    pub(super) unknown: Vec<String>,
    /// The place of the first of those cells.
    pub(super) unknown_at: usize,
}

/// A component that is brought.
#[derive(Debug)]
pub(super) struct Brought {
    pub(super) table: Arc<Table>,
    /// The place of the cell that says whether it is there, if it may be absent.
    pub(super) presence: Option<usize>,
    /// The place of its first column.
    pub(super) at: usize,
    /// What its table is called in the statement.
    alias: String,
}

impl Plan {
    /// Plans a query over the tables that are known, up to the newest. `entries` is what the database
    /// holds, for a query that brings everything.
    pub(super) fn new(
        query: &RemoteQuery,
        newest: Option<i32>,
        entries: &[Entry],
        catalog: &Catalog,
        tables: &Tables,
    ) -> Result<Self, RemoteError> {
        let mut plan = Self {
            newest,
            statement: None,
            brought: Vec::new(),
            unknown: Vec::new(),
            unknown_at: 0,
        };
        let fields = query.conditions.iter().map(FieldCondition::check);
        let fields = fields.collect::<Result<Vec<_>, _>>()?;
        let required = query.matcher.required();
        if required.iter().any(|id| catalog.get(*id).is_none()) {
            return Ok(plan);
        }
        let mut wanted: Vec<ComponentId> = match &query.projection {
            Projection::Components(components) => components.iter().collect(),
            _ => entries.iter().filter_map(|entry| ComponentId::named(&entry.name)).collect(),
        };
        wanted.sort_unstable();
        // Rows begin with a table of those that must be there.
        let (inner, outer): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|id| required.contains(id));
        let mut statement = Statement::new(tables);
        if inner.is_empty() {
            statement.from(&tables.at("_entity"));
        }
        for component in inner.iter().chain(&outer) {
            let Some(table) = catalog.get(*component) else { continue };
            let presence = statement.join(&table.name, inner.contains(component));
            let (at, alias) = (statement.select(&table), statement.alias());
            plan.brought.push(Brought { table, presence, at, alias });
        }
        plan.unknown_at = statement.cells;
        if query.projection == Projection::All {
            for entry in entries.iter().filter(|it| ComponentId::named(&it.name).is_none()) {
                statement.select_text(&exists(&tables.at(&entry.table)));
                plan.unknown.push(entry.name.clone());
            }
        }
        statement.conditions.extend(condition(&query.matcher, &inner, catalog));
        if query.among.is_some() {
            statement.conditions.push("e0.entity = any($3)".to_owned());
        }
        let first = if query.among.is_some() { 4 } else { 3 };
        for (n, (condition, field)) in query.conditions.iter().zip(fields).enumerate() {
            let component = condition.component;
            // What is brought and required has a row in the statement itself.
            let joined = plan.brought.iter().find(|brought| brought.table.component == component);
            // No entity has what has no table.
            let Some(table) = catalog.get(component) else { return Ok(plan) };
            let alias = joined.map_or("other", |brought| &brought.alias);
            let compared = comparison(condition, field, &table, alias, first + n)?;
            statement.conditions.push(match joined {
                Some(_) => compared,
                None => format!(
                    "exists (select from {} as other where other.entity = e0.entity and {compared})",
                    table.name
                ),
            });
        }
        plan.statement = Some(statement.finish(query.page_size.clamp(1, i32::MAX as usize)));
        Ok(plan)
    }
}

/// A statement while it is written.
struct Statement {
    select: String,
    /// How many cells a row has so far.
    cells: usize,
    from: String,
    /// How many tables there are.
    joined: usize,
    conditions: Vec<String>,
}

impl Statement {
    fn new(tables: &Tables) -> Self {
        let store = tables.at("_store");
        let newest = format!("(select max(id) from {})", tables.at("_component"));
        let select = format!(
            "e0.entity, (select version from {store}), (select migrations from {store}), {newest}"
        );
        // Up to where: ids from shard 2,048 on are negative numbers, and come last.
        let conditions = vec!["e0.entity <= $2".to_owned()];
        Self { select, cells: 4, from: String::new(), joined: 0, conditions }
    }

    fn from(&mut self, table: &str) {
        self.from = format!("{table} as e0");
        self.conditions.push("e0.entity > $1".to_owned());
        self.joined = 1;
    }

    /// Joins a table; if it may have no row, a cell says so.
    fn join(&mut self, table: &str, is_inner: bool) -> Option<usize> {
        if self.joined == 0 {
            self.from(table);
            return None;
        }
        let alias = format!("e{}", self.joined);
        self.joined += 1;
        let outer = if is_inner { "" } else { "left " };
        // That it lies behind the page before is said of each table: the server does
        // not conclude it.
        let on = format!("{alias}.entity = e0.entity and {alias}.entity > $1");
        write!(self.from, " {outer}join {table} as {alias} on {on}").expect("text takes text");
        if is_inner {
            return None;
        }
        self.select_text(&format!("{alias}.entity is not null"));
        Some(self.cells - 1)
    }

    /// Selects the columns of the table that was joined last, and returns the place of
    /// the first.
    fn select(&mut self, table: &Table) -> usize {
        let at = self.cells;
        let alias = self.alias();
        for column in table.layout.columns() {
            self.select_text(&format!("{alias}.{}", quote(&column.name)));
        }
        at
    }

    /// Returns what the table that was joined last is called.
    fn alias(&self) -> String {
        format!("e{}", self.joined - 1)
    }

    fn select_text(&mut self, text: &str) {
        write!(self.select, ", {text}").expect("text takes text");
        self.cells += 1;
    }

    fn finish(self, page: usize) -> String {
        let Self { select, from, conditions, .. } = self;
        let conditions = conditions.join(" and ");
        format!("select {select} from {from} where {conditions} order by e0.entity limit {page}")
    }
}

pub(super) fn exists(table: &str) -> String {
    format!("exists (select from {table} as other where other.entity = e0.entity)")
}

/// Writes what an entity must have and lack, but for what is joined.
pub(super) fn condition(
    matcher: &Matcher,
    joined: &[ComponentId],
    catalog: &Catalog,
) -> Vec<String> {
    let has = |component: &ComponentId| match catalog.get(*component) {
        Some(table) => exists(&table.name),
        // No entity has what has no table.
        None => "false".to_owned(),
    };
    let all = |conditions: Vec<String>| match conditions.is_empty() {
        true => "true".to_owned(),
        false => format!("({})", conditions.join(" and ")),
    };
    let any = |group: &[Matcher]| {
        let alternatives = group.iter().map(|matcher| all(condition(matcher, &[], catalog)));
        let alternatives: Vec<_> = alternatives.collect();
        match alternatives.is_empty() {
            true => "false".to_owned(),
            false => format!("({})", alternatives.join(" or ")),
        }
    };
    let required = matcher.required().iter().filter(|id| !joined.contains(id)).map(has);
    let excluded = matcher.excluded().iter().map(|id| format!("not {}", has(id)));
    required.chain(excluded).chain(matcher.groups().map(any)).collect()
}

/// Writes how a field must compare with a parameter.
fn comparison(
    condition: &FieldCondition,
    field: usize,
    table: &Table,
    alias: &str,
    parameter: usize,
) -> Result<String, RemoteError> {
    let operator = match condition.comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    };
    let refused = |reason| {
        let (component, field) = (condition.component, condition.field.clone());
        RemoteError::Field { component, field, reason }
    };
    if matches!(&condition.value, FieldValue::Text(text) if text.contains('\0')) {
        return Err(refused("it is compared with a text that has a zero character in it"));
    }
    let whole = "its component is stored as a whole, since not all of it is described";
    let column = table.layout.column_of(field).ok_or_else(|| refused(whole))?;
    let column = format!("{alias}.{}", quote(&column.name));
    Ok(match &condition.value {
        FieldValue::Bool(_) => format!("{column} {operator} ${parameter}::boolean"),
        FieldValue::Float(_) => {
            format!("{column}::double precision {operator} ${parameter}::double precision")
        }
        FieldValue::Entity(_) => format!("{column} {operator} ${parameter}::bigint"),
        // Numbers of 128 bits travel as text.
        FieldValue::Integer(_) | FieldValue::Unsigned(_) => {
            format!("{column} {operator} ${parameter}::text::numeric")
        }
        FieldValue::Text(_) => {
            format!("{column} collate \"C\" {operator} ${parameter}::text")
        }
    })
}

/// Returns what the conditions of a query compare with.
pub(super) fn parameters(query: &RemoteQuery) -> Vec<Box<dyn ToSql + Send + Sync>> {
    let parameter = |condition: &FieldCondition| -> Box<dyn ToSql + Send + Sync> {
        match &condition.value {
            FieldValue::Bool(value) => Box::new(*value),
            FieldValue::Float(value) => Box::new(*value),
            FieldValue::Entity(value) => Box::new(signed(*value)),
            FieldValue::Integer(value) => Box::new(value.to_string()),
            FieldValue::Unsigned(value) => Box::new(value.to_string()),
            FieldValue::Text(value) => Box::new(value.clone()),
        }
    };
    query.conditions.iter().map(parameter).collect()
}

/// Returns every component that a condition speaks of.
pub(super) fn components(matcher: &Matcher, out: &mut Vec<ComponentId>) {
    out.extend(matcher.required());
    out.extend(matcher.excluded());
    matcher.groups().flatten().for_each(|alternative| components(alternative, out));
}
