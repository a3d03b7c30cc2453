//! A remote store behind the blocking adapter passes the conformance suite.

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_storage_api::remote::{Blocking, LocalAsync};

ecs_testkit::conformance!(Blocking::<_, ArchetypeStorage>::new(LocalAsync::new(
    LocalStorage::new(0)
)));
