//! What must not compile: references that outlive the borrow of the world.

#[test]
fn lifetimes_are_kept() {
    let cases = trybuild::TestCases::new();
    // A program that is to run has all of them built, not only checked: what a
    // constant asserts is seen then.
    cases.pass("tests/pass/*.rs");
    cases.compile_fail("tests/ui/*.rs");
}
