//! What must not compile: references that outlive the borrow of the world.

#[test]
fn lifetimes_are_kept() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
