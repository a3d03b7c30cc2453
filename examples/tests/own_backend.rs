//! The backend of the example passes the conformance suite.

#[path = "../own_backend.rs"]
#[allow(dead_code, reason = "the example's own program is not run here")]
mod own_backend;

ecs_testkit::conformance!(crate::own_backend::MapStorage::new());
