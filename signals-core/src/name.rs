//! Stable dotted names: how a Rust path becomes one at compile time, and what a valid one looks like.
//!
//! A name is what the database stores, so it must not depend on anything but the source: it is made by const functions
//! from `module_path!()` and the item's identifier, or written by hand with `name = "…"`.

/// The most bytes that a name may have.
pub const MAX_LEN: usize = 200;

/// Why a text is not a name; each message completes "the name …".
const EMPTY: &str = "must not be empty";
const TOO_LONG: &str = "must not be longer than 200 bytes";
const BAD_CHARACTER: &str = "may contain only ASCII letters, digits, `_`, `-` and dots between its parts";
const EMPTY_PART: &str = "must not begin or end with a dot, nor contain two in a row";

/// Checks that `name` is 1 to 200 bytes of parts joined by dots, each part one or more ASCII letters, digits, `_` or `-`.
///
/// # Errors
///
/// Returns the reason when it is not; the text completes "the name …".
pub const fn check(name: &str) -> Result<(), &'static str> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Err(EMPTY);
    }
    if bytes.len() > MAX_LEN {
        return Err(TOO_LONG);
    }
    let mut at = 0;
    let mut part = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => part += 1,
            b'.' if part == 0 => return Err(EMPTY_PART),
            b'.' => part = 0,
            _ => return Err(BAD_CHARACTER),
        }
        at += 1;
    }
    if part == 0 { Err(EMPTY_PART) } else { Ok(()) }
}

/// How many bytes [`dotted`] makes of `path`.
#[must_use]
pub const fn dotted_len(path: &str) -> usize {
    let mut scan = Scan::new(path);
    let mut len = 0;
    while scan.next().is_some() {
        len += 1;
    }
    len
}

/// `a::b::r#type` as the bytes of `a.b.type`. `LEN` is what [`dotted_len`] says of the same path.
///
/// # Panics
///
/// Panics (in const context: fails to compile) when `LEN` is another number.
#[must_use]
pub const fn dotted<const LEN: usize>(path: &str) -> [u8; LEN] {
    let mut out = [0; LEN];
    let mut scan = Scan::new(path);
    let mut at = 0;
    while let Some(byte) = scan.next() {
        out[at] = byte;
        at += 1;
    }
    assert!(at == LEN, "LEN must be what dotted_len says of the path");
    out
}

/// The bytes that [`dotted`] made, as a checked name.
///
/// # Panics
///
/// Panics (in const context: fails to compile) when they are not a valid name, saying what to do.
#[must_use]
pub const fn from_path(bytes: &'static [u8]) -> &'static str {
    let Ok(name) = core::str::from_utf8(bytes) else { panic!("the path of this item is not UTF-8") };
    if let Err(_reason) = check(name) {
        panic!(
            "the name made from this item's path is longer than 200 bytes or not ASCII: give it one with `name = \"…\"`"
        )
    }
    name
}

/// What `retired!` names, as a checked name.
///
/// # Panics
///
/// Panics (in const context: fails to compile) when it is not a valid name, saying what one looks like.
#[must_use]
pub const fn of_retired(name: &'static str) -> &'static str {
    if let Err(_reason) = check(name) {
        panic!(
            "`retired!` takes names of receivers: 1 to 200 ASCII letters, digits, `_` and `-` in parts joined by dots, \
             as in `retired!(\"orders.fulfil\")`"
        )
    }
    name
}

/// Walks the bytes of a path: `::` becomes one dot, a leading `r#` of a part is left out.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    part_begins: bool,
}

impl<'a> Scan<'a> {
    const fn new(path: &'a str) -> Self {
        Self { bytes: path.as_bytes(), at: 0, part_begins: true }
    }

    const fn sees(&self, first: u8, second: u8) -> bool {
        self.at + 1 < self.bytes.len() && self.bytes[self.at] == first && self.bytes[self.at + 1] == second
    }

    const fn next(&mut self) -> Option<u8> {
        if self.part_begins && self.sees(b'r', b'#') {
            self.at += 2;
        }
        self.part_begins = false;
        if self.sees(b':', b':') {
            self.at += 2;
            self.part_begins = true;
            return Some(b'.');
        }
        if self.at == self.bytes.len() {
            return None;
        }
        let byte = self.bytes[self.at];
        self.at += 1;
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "orders::r#mod::receivers::r#type";
    const NAME: &str = from_path(&dotted::<{ dotted_len(PATH) }>(PATH));

    #[test]
    fn a_path_becomes_dots_without_raw_prefixes() {
        assert_eq!(NAME, "orders.mod.receivers.type");
        assert_eq!(&dotted::<5>("r::r2x"), b"r.r2x");
    }

    #[test]
    fn names_are_parts_joined_by_single_dots() {
        for good in ["a", "orders.fulfil", "orders.fulfil-2", "A_b.c"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", EMPTY),
            (".a", EMPTY_PART),
            ("a.", EMPTY_PART),
            ("a..b", EMPTY_PART),
            ("a b", BAD_CHARACTER),
            ("é", BAD_CHARACTER),
            ("a::b", BAD_CHARACTER),
        ] {
            assert_eq!(check(bad), Err(why), "{bad}");
        }
        assert_eq!(check(&"x".repeat(MAX_LEN)), Ok(()));
        assert_eq!(check(&"x".repeat(MAX_LEN + 1)), Err(TOO_LONG));
    }
}
