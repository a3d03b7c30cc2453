//! Why something could not be exported.

use arrow_schema::ArrowError;
use ecs_core::{CodecError, ComponentId};
use ecs_storage_api::QueryError;

/// Tells why components could not become columns.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Nothing is known of the type of a field.
    #[error(
        "component `{component}`: nothing is known of `{field}`, a `{type_name}`; derive `HasSchema` for that type, or store what is to be exported in a plainer one"
    )]
    Opaque {
        /// The component.
        component: ComponentId,
        /// The way to the field, from the component on.
        field: String,
        /// The type as its author wrote it.
        type_name: String,
    },
    /// A component of which serde writes the values says nothing of its fields.
    #[error("component `{component}` has no schema: describe it with `with_schema`")]
    NoSchema {
        /// The component.
        component: ComponentId,
    },
    /// Arrow has no column for such a field.
    #[error("component `{component}`: `{field}` can't be a column: {reason}")]
    Unsupported {
        /// The component.
        component: ComponentId,
        /// The way to the field, from the component on.
        field: String,
        /// What is in the way.
        reason: &'static str,
    },
    /// The schema of plain bytes leaves some of them out, or says too much.
    #[error("component `{component}`: its schema, {schema}, does not describe its {size} bytes")]
    Layout {
        /// The component.
        component: ComponentId,
        /// What the schema says.
        schema: String,
        /// The bytes of a value.
        size: usize,
    },
    /// What serde writes is not what the schema says.
    #[error(
        "component `{component}`: what serde writes is not what its schema, {schema}, says: {reason}"
    )]
    Misread {
        /// The component.
        component: ComponentId,
        /// What the schema says.
        schema: String,
        /// Where the two part.
        reason: String,
    },
    /// Two columns have one name.
    #[error(
        "two columns are called `{name}`, which is the name of a component, or of one of its fields; `Export::rename` gives a component another name"
    )]
    NameTaken {
        /// The name.
        name: String,
    },
    /// No component is registered under a name.
    #[error("there is no component `{name}`")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// A chunk that is handed over lacks a component that every row must have.
    #[error("the chunk has no component `{component}`")]
    Missing {
        /// The component.
        component: ComponentId,
    },
    /// A component's values could not be written.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The query can't be asked.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Arrow refuses a batch.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    /// Parquet refuses a batch, or the file could not be written.
    #[cfg(feature = "parquet")]
    #[error(transparent)]
    Parquet(#[from] ::parquet::errors::ParquetError),
    /// The system refuses something about a file.
    #[cfg(feature = "parquet")]
    #[error("{}: cannot write it: {source}", path.display())]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}
