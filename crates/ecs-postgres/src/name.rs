//! Identifiers: what tables and columns are called, and how that is written in SQL.

use ecs_core::{Field, Schema};
use twox_hash::XxHash3_64;

/// The column of an entity's id, in every table.
pub(crate) const ENTITY: &str = "entity";

/// The column of a value that has no fields with names.
pub(crate) const VALUE: &str = "value";

/// The bytes that an identifier has at most.
const LIMIT: usize = 63;

/// Names that PostgreSQL gives to columns of its own.
const SYSTEM: [&str; 6] = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

/// Tells why a name can't be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// It has no characters.
    #[error("a name is empty")]
    Empty,
    /// It has more bytes than PostgreSQL keeps.
    #[error("the name {0:?} has more than {LIMIT} bytes")]
    Long(String),
    /// It holds a control character.
    #[error("the name {0:?} holds a control character")]
    Control(String),
    /// It begins as the names of PostgreSQL's own schemas, or the store's own tables.
    #[error("the name {0:?} begins with {1:?}, which is reserved")]
    Reserved(String, &'static str),
}

/// Checks a name that a user gave to a schema.
pub(crate) fn check_schema(name: &str) -> Result<(), NameError> {
    check(name)?;
    match name.to_ascii_lowercase().starts_with("pg_") {
        true => Err(NameError::Reserved(name.to_owned(), "pg_")),
        false => Ok(()),
    }
}

/// Checks a name that a user gave to a view.
pub(crate) fn check_view(name: &str) -> Result<(), NameError> {
    check(name)?;
    match name.starts_with('_') {
        true => Err(NameError::Reserved(name.to_owned(), "_")),
        false => Ok(()),
    }
}

fn check(name: &str) -> Result<(), NameError> {
    match name {
        "" => Err(NameError::Empty),
        _ if name.len() > LIMIT => Err(NameError::Long(name.to_owned())),
        _ if name.chars().any(char::is_control) => Err(NameError::Control(name.to_owned())),
        _ => Ok(()),
    }
}

/// Writes an identifier as SQL reads it, whatever it holds.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns what the table of a component is called: as the component, where that can
/// be. A name that is too long, or begins as the store's own, ends with a number for
/// the whole of it.
pub(crate) fn table(component: &str) -> String {
    fit(component, component.starts_with('_'))
}

fn fit(name: &str, is_taken: bool) -> String {
    if check(name).is_ok() && !is_taken {
        return name.to_owned();
    }
    let shown = name.chars().filter(|character| !character.is_control());
    let mut fitting = String::from(if is_taken { "component" } else { "" });
    for character in shown {
        // Room for the number.
        if fitting.len() + character.len_utf8() > LIMIT - 17 {
            break;
        }
        fitting.push(character);
    }
    format!("{fitting}#{:016x}", XxHash3_64::oneshot(name.as_bytes()))
}

/// Returns what the columns of a component are called: as its fields. A tuple's are
/// `value`, or `value_0` and so on.
pub(crate) fn columns(schema: &Schema) -> Vec<String> {
    let with_data = |fields: &[Field]| -> Vec<String> {
        let fields = fields.iter().filter(|field| !field.schema.is_empty());
        fields.map(|field| field.name.clone()).collect()
    };
    let names = match schema {
        Schema::Struct(fields) => with_data(fields),
        Schema::Tuple(fields) => match &with_data(fields)[..] {
            [_] => vec![VALUE.to_owned()],
            numbers => numbers.iter().map(|number| format!("{VALUE}_{number}")).collect(),
        },
        _ => vec![VALUE.to_owned()],
    };
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        let mut name = fit(&name, false);
        while name == ENTITY || SYSTEM.contains(&&*name) || taken.contains(&name) {
            name = fit(&format!("{name}_"), false);
        }
        taken.push(name);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_name_can_not_end_early() {
        assert_eq!(quote("a\"; drop table x; --"), "\"a\"\"; drop table x; --\"");
    }

    #[test]
    fn a_table_is_called_as_its_component_where_that_can_be() {
        assert_eq!(table("game::Position"), "game::Position");
        let long = "x".repeat(100);
        let (fitted, other) = (table(&long), table(&format!("{long}y")));
        assert!(fitted.len() <= LIMIT && fitted.starts_with("xxxx") && fitted != other);
        assert!(!table("_store").starts_with('_'));
        assert_eq!(check(&table("tab\there\u{7f}")), Ok(()));
        assert!(check(&table("")).is_ok() && check(&table(&"ä".repeat(60))).is_ok());
    }

    #[test]
    fn columns_do_not_meet_those_that_are_there() {
        let number = |name: &str| Field::new(name, Schema::U8);
        let fields = ["entity", "entity_", "xmin", "x"].map(number).to_vec();
        assert_eq!(columns(&Schema::Struct(fields)), ["entity_", "entity__", "xmin_", "x"]);
        let pair = Schema::Tuple(["0", "1"].map(number).to_vec());
        assert_eq!(columns(&pair), ["value_0", "value_1"]);
        assert_eq!(columns(&Schema::Tuple(vec![number("0")])), ["value"]);
        assert_eq!(columns(&Schema::String), ["value"]);
    }

    #[test]
    fn names_of_schemas_are_checked() {
        assert_eq!(check_schema("my world"), Ok(()));
        assert!(matches!(check_schema("PG_catalog"), Err(NameError::Reserved(..))));
        assert_eq!(check_schema(""), Err(NameError::Empty));
        assert!(matches!(check_schema("a\0b"), Err(NameError::Control(_))));
        assert!(matches!(check_view("_store"), Err(NameError::Reserved(..))));
    }
}
