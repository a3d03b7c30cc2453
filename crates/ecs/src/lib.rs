//! An entity-component-system engine with a storage protocol.
