//! The reference storage backend: entity-first, obviously right.
