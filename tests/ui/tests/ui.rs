//! What the compiler says about mistakes, word for word, and what it must accept.
//!
//! Each file in `fail` is one mistake and is named after it. After a change of words, read the new ones and keep them
//! with `TRYBUILD=overwrite cargo test -p signals-ui`.

#[test]
fn every_mistake_is_said_once_where_it_was_made() {
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("fail/*/*.rs");
}
