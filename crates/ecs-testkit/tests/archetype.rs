//! The archetype backend passes the conformance suite.

ecs_testkit::conformance!(ecs_archetype::ArchetypeStorage::new(0));
