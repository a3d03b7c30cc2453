//! The fast storage backend: one table of contiguous columns an archetype.
