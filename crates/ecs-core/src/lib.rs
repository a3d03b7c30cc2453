//! The vocabulary of the engine: entity ids, components, erased values.
