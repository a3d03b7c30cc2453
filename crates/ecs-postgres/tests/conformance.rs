//! A world's storage on a real server passes the conformance suite.

mod common;

use ecs_archetype::ArchetypeStorage;
use ecs_storage_api::Blocking;

ecs_testkit::conformance!(Blocking::<_, ArchetypeStorage>::new(common::fresh()));
