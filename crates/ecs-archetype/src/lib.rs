//! The fast storage backend: one table of contiguous columns an archetype.
//!
//! Entities with the same components lie together: a query visits the tables
//! that match and nothing else, and a component's values of one table are one
//! slice. Adding or removing components moves an entity's row to another table
//! along a cached plan.
//!
//! Imports point downward: `storage` to `graph` and `rows`, `graph` to `rows`,
//! `rows` to `column`. Where each entity is and which tables have a component
//! is the contract's `Directory`, which `rows` keeps in step.

mod batch;
mod column;
mod exchange;
mod graph;
mod rows;
mod storage;
mod updates;

pub use storage::ArchetypeStorage;
