//! Typed and dynamic queries over the chunks of any backend.
//!
//! A query is described by a [`QueryShape`]: its terms and what an archetype
//! must have. Matching turns the chunks of a backend into [`Records`], flat
//! lists of pointers; the typed layer sees nothing else.

mod cache;
mod chunk;
mod dynamic;
mod fetch;
mod filter;
mod gather;
mod interleaved;
mod matcher;
mod records;
mod row_condition;
mod shape;
mod share;
mod state;
mod typed;
mod view;

pub use cache::QueryCache;
pub use chunk::{Chunk, Chunks};
pub use dynamic::{DynamicChunk, DynamicQuery, DynamicQueryBuilder};
pub(crate) use fetch::TypedPrepared;
pub use fetch::{Has, Mut, QueryData, ReadOnlyQueryData, Ref};
pub use filter::{Added, Changed, Filter, Or, With, Without};
pub use gather::{Prepared, gather, gather_mut};
pub use interleaved::Interleaved;
pub use matcher::Matcher;
pub use records::{QueryCost, Records};
pub(crate) use records::{RecordBuffer, RecordPattern, TermWords};
pub(crate) use row_condition::TableChanges;
pub use shape::{QueryError, QueryShape, Term, TermAccess};
pub use share::{Alternatives, Claim, QueryGroup, Share, SharedQueries, StageRecords};
pub use state::QueryState;
pub(crate) use state::or_panic;
pub use typed::{Query, QueryItems, QueryIter};
pub use view::QueryView;
