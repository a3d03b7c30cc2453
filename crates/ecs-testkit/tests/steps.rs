//! The protocol's own bodies pass the conformance suite, over either backend.

mod over_the_oracle {
    use ecs_local::LocalStorage;
    use ecs_testkit::Steps;

    ecs_testkit::conformance!(Steps::new(LocalStorage::new(0)));
}

mod over_the_archetypes {
    use ecs_archetype::ArchetypeStorage;
    use ecs_testkit::Steps;

    ecs_testkit::conformance!(Steps::new(ArchetypeStorage::new(0)));
}
