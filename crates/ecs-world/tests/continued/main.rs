//! A run that goes on from a snapshot, a cut or a delta is that which was never
//! broken.

mod cuts;
mod deltas;
mod exclusive;
mod histories;
mod names;
mod programs;
mod rows;
mod savers;
mod several_schedules;
mod snapshots;
