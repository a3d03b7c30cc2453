//! Derive macros for components and bundles.
