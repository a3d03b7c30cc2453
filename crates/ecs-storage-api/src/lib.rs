//! The contract between worlds and storage backends.
//!
//! A backend implements [`Storage`], which is object-safe and safe to
//! implement. What people call sits on top: [`StorageExt`] gives the typed
//! methods, [`Query`] the typed queries, both over any backend.
//!
//! The unit of the protocol is the chunk: a run of entities with the same
//! components. A backend pushes its chunks, with all their columns, into a
//! [`ReadSink`] or [`WriteSink`] of this crate, which matches them against
//! queries and keeps the pointers. A backend that can promise more lends its
//! [`Directory`], from which queries and look-ups are served without a call.

mod batches;
mod bits;
mod capabilities;
mod changes;
mod directory;
mod error;
mod owned_chunk;
mod query;
mod reserve;
mod sink;
mod state_hash;
mod storage;
mod typed;
mod update_batch;
mod workers;

pub mod remote;
pub mod snapshot;

pub use batches::{all_despite_panics, check_columns};
pub use capabilities::{Capabilities, Consistency};
pub use changes::{
    Changes, ChangesMut, LINE_ROWS, PAGE_ROWS, RemovalLog, Removed, Touched, Version, Window,
    new_identity,
};
pub use directory::{
    Directory, DirectoryMut, DirectoryRef, Line, Location, Passage, Relocation, Sighting, TableId,
};
pub use error::{BackendError, BundleError, StorageError};
pub use owned_chunk::{ChunkError, OwnedChunk};
pub use query::{
    Added, Alternatives, Changed, Chunk, Chunks, Claim, DynamicChunk, DynamicQuery,
    DynamicQueryBuilder, Filter, Has, Interleaved, Matcher, Mut, Or, Prepared, Query, QueryCache,
    QueryCost, QueryData, QueryError, QueryGroup, QueryItems, QueryIter, QueryShape, QueryState,
    QueryView, ReadOnlyQueryData, Records, Ref, Share, SharedQueries, StageRecords, Term,
    TermAccess, With, Without, gather, gather_mut,
};
pub use remote::{
    Applied, Archive, AsyncStorage, AsyncStorageExt, Blocking, BoxFuture, BoxStream, Comparison,
    FieldCondition, FieldValue, LocalAsync, OwnedRow, Page, Projection, RemoteChange,
    RemoteChangeKind, RemoteChanges, RemoteError, RemoteQuery,
};
pub use reserve::{reserve_list, reserve_map};
pub use sink::{ReadSink, WriteSink};
pub use snapshot::{SnapshotError, StorageImage};
pub use state_hash::{StateHasher, state_hash};
pub use storage::Storage;
pub use typed::StorageExt;
pub use update_batch::{
    BatchFacts, BatchIds, Spawn, UpdateBatch, UpdateError, UpdateParts, UpdatePlace,
};
pub use workers::{Alone, Workers};

pub use ecs_core as core;
