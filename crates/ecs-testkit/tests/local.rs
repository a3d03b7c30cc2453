//! The oracle passes the conformance suite.

ecs_testkit::conformance!(ecs_local::LocalStorage::new(0));
