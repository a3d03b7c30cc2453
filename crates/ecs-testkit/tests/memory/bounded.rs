//! Damaged snapshots are refused within bounded memory.
