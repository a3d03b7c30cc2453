//! Query results as Arrow record batches and Parquet files, for Polars, DuckDB,
//! pandas and whatever else reads them.
//!
//! [`Export`] says which entities and which components, and what they are called.
//! From there batches are [read](Export::read) out of a store, [handed
//! over](Export::hand_over) from a chunk that nobody else needs, without a copy
//! where Arrow has the same layout, or written into a file (feature `parquet`).
//!
//! # Columns
//! The first column, `entity`, holds the ids. A component follows as one column
//! under the last part of its name, `Health` for `game::Health`, or as a column a
//! field, `Position.x`: data frames and SQL engines sort, filter and skip plain
//! columns, and pandas makes a Python object of each struct. Inside an `Option`,
//! a list or an enum a struct stays a struct.
//!
//! | schema | column |
//! |---|---|
//! | `bool`, integers and floats | the same |
//! | `i128`, `u128`, `char`, `string` | `Utf8` |
//! | `entity` | `UInt64`, the id's bits |
//! | a component without data | `Boolean`: whether it is there |
//! | `(T)`, a struct around one value | as `T` |
//! | structs, tuples | a column a field, those without data left out |
//! | `option<T>`, and other components that not all have | as `T`, with nulls |
//! | `[T; n]`, `list<T>`, `map<K, V>` | `FixedSizeList`, `List`, `Map` |
//! | an enum without data | `Dictionary` of `Utf8` |
//! | another enum | `E.variant`, a `Dictionary`, and `E.Moving`, say, with nulls, for each variant with data |
//! | described at run time | `FixedSizeBinary` |
//!
//! What can't be a column is an [`ExportError`] that names the component and the
//! field: types that say nothing of themselves, above all.
//!
//! # How values are reached
//! Through the [schema](ecs_core::Schema) of a component and its saved form: plain
//! bytes are read as they lie, other values as serde writes them. So a transient
//! component can't be exported, unless it has no data.
//!
//! # Example
//! ```
//! use ecs::prelude::*;
//! use ecs_arrow::Export;
//!
//! #[derive(Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
//! #[component(pod, name = "docs::Position")]
//! #[repr(C)]
//! struct Position {
//!     x: f32,
//!     y: f32,
//! }
//!
//! #[derive(Component, serde::Serialize, serde::Deserialize)]
//! #[component(name = "docs::Name")]
//! struct Name(String);
//!
//! let mut world = World::new();
//! world.spawn((Position { x: 1.0, y: 2.0 }, Name("Ada".to_owned())));
//! world.spawn(Position { x: 3.0, y: 4.0 });
//!
//! let mut export = Export::of::<(&Position, Option<&Name>)>()?;
//! let batches = export.read(world.storage())?;
//! let schema = batches[0].schema();
//! let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
//! assert_eq!(names, ["entity", "Position.x", "Position.y", "Name"]);
//! assert_eq!(batches[0].num_rows(), 2);
//! # Ok::<(), ecs_arrow::ExportError>(())
//! ```
#![forbid(unsafe_code)]

mod cells;
mod column;
mod error;
mod export;
mod hand_over;
#[cfg(feature = "parquet")]
pub mod parquet;

pub use arrow_array;
pub use arrow_schema;

pub use error::ExportError;
pub use export::Export;

/// The chapter of the guide, whose snippets are tests.
#[cfg(all(doctest, feature = "parquet"))]
#[doc = include_str!("../../../docs/guide/export.md")]
mod guide {}
