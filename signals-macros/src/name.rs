//! The grammar of names, on the literal that the user wrote.
//!
//! The same rules as `signals_core::name::check`, which checks the names made from paths: a macro crate cannot depend on
//! the crate that depends on it. A test holds the two together.

use syn::LitStr;

/// The most bytes that a name may have.
const MAX_LEN: usize = 200;

/// Checks a `name` or an alias.
pub(crate) fn check(literal: &LitStr) -> syn::Result<()> {
    match problem(&literal.value()) {
        None => Ok(()),
        Some(why) => Err(syn::Error::new(literal.span(), format!("the name {why}"))),
    }
}

fn problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("must not be empty")
    } else if name.len() > MAX_LEN {
        Some("must not be longer than 200 bytes")
    } else if name.bytes().any(|byte| !matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.')) {
        Some("may contain only ASCII letters, digits, `_`, `-` and dots between its parts")
    } else if name.split('.').any(str::is_empty) {
        Some("must not begin or end with a dot, nor contain two in a row")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_that_of_core() {
        let long = "x".repeat(MAX_LEN);
        let too_long = "x".repeat(MAX_LEN + 1);
        let names = [
            "",
            ".",
            "a",
            "a.",
            ".a",
            "a..b",
            "orders.fulfil",
            "orders.fulfil-2",
            "A_b.c",
            "a b",
            "a::b",
            "é",
            "0",
            "-",
            "a/b",
            &long,
            &too_long,
        ];
        for name in names {
            assert_eq!(problem(name), signals_core::name::check(name).err(), "{name:?}");
        }
        for byte in 0..=127_u8 {
            let name = format!("a{}b", char::from(byte));
            assert_eq!(problem(&name), signals_core::name::check(&name).err(), "{name:?}");
        }
    }
}
