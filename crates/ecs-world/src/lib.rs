//! Worlds, bundles, commands, resources and systems over any storage backend.
