//! An entity-component-system engine whose storage is behind a protocol.
//!
//! This is the one crate to depend on. [`prelude`] has what a first program
//! needs, and [`World`] is where to begin. The guide lies in `docs/guide`.
//!
//! # Example
//! ```
//! use ecs::prelude::*;
//!
//! #[derive(Component, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
//! struct Health(u32);
//!
//! let mut world = World::new();
//! let hero = world.spawn(Health(10));
//! world.query_mut::<&mut Health>().for_each(|health| health.0 -= 1);
//! assert_eq!(world.get::<Health>(hero), Some(&Health(9)));
//! ```
#![forbid(unsafe_code)]

pub use ecs_archetype::ArchetypeStorage;
pub use ecs_core::*;
pub use ecs_derive::{Bundle, Component, HasSchema, SystemParam};
pub use ecs_local::LocalStorage;
pub use ecs_storage_api::{
    Added, BackendError, BundleError, Capabilities, Changed, Chunk, ChunkError, Chunks,
    Consistency, DynamicChunk, DynamicQuery, DynamicQueryBuilder, Filter, Has, Interleaved,
    Matcher, Mut, Or, OwnedChunk, PAGE_ROWS, Prepared, Query, QueryCost, QueryData, QueryError,
    QueryItems, QueryIter, QueryShape, QueryState, QueryView, ReadOnlyQueryData, ReadSink, Records,
    Ref, Removed, SnapshotError, Spawn, StateHasher, Storage, StorageError, StorageExt,
    StorageImage, UpdateBatch, UpdateError, UpdatePlace, Version, Window, With, Without, WriteSink,
    remote, snapshot, state_hash,
};
pub use ecs_world::*;

/// What the derives name.
#[doc(hidden)]
pub use ecs_core as __core;

/// Any async storage behind a [`World`]: its working copy is archetypal.
///
/// See [`remote::Blocking`].
pub type Blocking<R> = remote::Blocking<R, ArchetypeStorage>;

/// What a first program needs.
pub mod prelude {
    pub use crate::{
        Added, Bundle, Changed, Commands, Component, ComponentId, EntityId, EventReader,
        EventWriter, FrameTime, Has, In, IntoSystem, IntoSystemConfig, Label, Local, Mut, Or,
        ParQuery, Query, QuerySet, QueryState, Ref, RemovedComponents, Res, ResMut, Schedule,
        SetConfig, SubSchedule, SystemParam, Threads, Tick, UpdateBatch, With, Without, World,
        on_event, par_map,
    };
}

/// The guide and the README, whose snippets are tests.
#[cfg(doctest)]
mod guide {
    macro_rules! chapters {
        ($($name:ident $path:literal;)*) => {
            $(#[doc = include_str!($path)] mod $name {})*
        };
    }

    chapters! {
        readme "../../../README.md";
        entities "../../../docs/guide/entities.md";
        components "../../../docs/guide/components.md";
        queries "../../../docs/guide/queries.md";
        structure_changes "../../../docs/guide/structure-changes.md";
        systems "../../../docs/guide/systems.md";
        backends "../../../docs/guide/backends.md";
        snapshots "../../../docs/guide/snapshots.md";
        checkpoints "../../../docs/guide/checkpoints.md";
        rewind_and_fork "../../../docs/guide/rewind-and-fork.md";
        migration "../../../docs/guide/migration.md";
    }
}
