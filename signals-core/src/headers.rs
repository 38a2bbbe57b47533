//! What travels beside a payload: where a send comes from.
//!
//! Nothing of it decides about a delivery, and some of it comes from outside the application, with a request. So none of it
//! fails a send: what a database could not store, or could store too much of, is cleaned or left out, here and for all of them
//! alike.

use std::sync::Arc;

use crate::delivery::SignalId;

/// The most bytes of a build's name that are kept.
pub const MAX_BUILD: usize = 200;

/// The most bytes of a `traceparent`. That of today's version has 55; later ones may say more.
pub const MAX_TRACEPARENT: usize = 200;

/// The bytes of a `traceparent` of version 00, and those that every later version begins with.
const TRACEPARENT: usize = 55;

/// What travels beside the payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// The first signal of the chain that led to this send; `None`: this is the first.
    pub correlation: Option<SignalId>,
    /// The signal whose receiver sent this one.
    pub causation: Option<SignalId>,
    /// The W3C trace context of the sender. A send leaves out what [is none](is_traceparent).
    pub traceparent: Option<Arc<str>>,
    /// The build that sent it. A send stores it [cleaned](clean_build).
    pub build: Option<Arc<str>>,
}

impl Headers {
    /// As every backend stores them.
    pub(crate) fn clean(&mut self) {
        self.build = self.build.take().map(clean_build);
        self.traceparent = self.traceparent.take().filter(|text| is_traceparent(text));
    }
}

/// The name of a build as it is kept and shown: one line of at most [`MAX_BUILD`] bytes, with `\u{fffd}` in the place of each
/// control character. A name that is one already is given back.
///
/// ```
/// use signals_core::headers::clean_build;
///
/// assert_eq!(&*clean_build("shop 1.2.3".into()), "shop 1.2.3");
/// assert_eq!(&*clean_build("shop\0 1.2.3\n".into()), "shop\u{fffd} 1.2.3\u{fffd}");
/// ```
#[must_use]
pub fn clean_build(name: Arc<str>) -> Arc<str> {
    if name.len() <= MAX_BUILD && !name.contains(char::is_control) {
        return name;
    }
    let mut clean = String::with_capacity(MAX_BUILD);
    for character in name.chars() {
        let shown = if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
        if clean.len() + shown.len_utf8() > MAX_BUILD {
            break;
        }
        clean.push(shown);
    }
    clean.into()
}

/// Whether this is a `traceparent` as [W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header) says:
/// `00-<trace>-<parent>-<flags>` in small hexadecimal letters, neither id of zeros alone. Of a later version also one with more
/// behind it, of at most [`MAX_TRACEPARENT`] bytes.
///
/// ```
/// use signals_core::headers::is_traceparent;
///
/// assert!(is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
/// assert!(!is_traceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
/// ```
#[must_use]
pub fn is_traceparent(text: &str) -> bool {
    let Some((known, more)) = text.as_bytes().split_at_checked(TRACEPARENT) else { return false };
    let (version, trace, parent, flags) = (&known[..2], &known[3..35], &known[36..52], &known[53..]);
    let is_hex = |field: &[u8]| field.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_zero = |field: &[u8]| field.iter().all(|byte| *byte == b'0');
    let more_is_allowed = match more {
        [] => true,
        [b'-', rest @ ..] => version != b"00" && text.len() <= MAX_TRACEPARENT && rest.iter().all(u8::is_ascii_graphic),
        _ => false,
    };
    [2, 35, 52].iter().all(|&at| known[at] == b'-')
        && [version, trace, parent, flags].into_iter().all(is_hex)
        && version != b"ff"
        && !is_zero(trace)
        && !is_zero(parent)
        && more_is_allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn e13_a_traceparent_is_what_the_w3c_says() {
        for (what, text) in [
            ("today's", VALID.to_owned()),
            ("a later version's", VALID.replacen("00", "cc", 1)),
            ("a later version's with more behind it", format!("{}-what=ever", VALID.replacen("00", "cc", 1))),
            (
                "the longest",
                format!("{}-{}", VALID.replacen("00", "cc", 1), "x".repeat(MAX_TRACEPARENT - TRACEPARENT - 1)),
            ),
        ] {
            assert!(is_traceparent(&text), "{what}: {text}");
        }
        for (what, text) in [
            ("nothing", String::new()),
            ("a part", VALID[..TRACEPARENT - 1].to_owned()),
            ("another text of that length", "x".repeat(TRACEPARENT)),
            ("one without dashes", VALID.replace('-', "0")),
            ("one in capitals", VALID.to_uppercase()),
            ("a version that is none", VALID.replacen("00", "ff", 1)),
            ("a trace of zeros", VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32))),
            ("a parent of zeros", VALID.replace("00f067aa0ba902b7", &"0".repeat(16))),
            ("today's with more behind it", format!("{VALID}-01")),
            ("a later version's without a dash", format!("{}x", VALID.replacen("00", "cc", 1))),
            ("a NUL behind it", format!("{}-\0", VALID.replacen("00", "cc", 1))),
            ("one longer", format!("{}-{}", VALID.replacen("00", "cc", 1), "x".repeat(MAX_TRACEPARENT - TRACEPARENT))),
            ("half a character where its version ends", format!("0é{}", &VALID[3..])),
        ] {
            assert!(!is_traceparent(&text), "{what}: {text}");
        }
    }

    #[test]
    fn i13_a_build_is_one_line_that_any_database_holds() {
        for kept in ["", "shop 1.2.3", "é \u{1f980}", &"x".repeat(MAX_BUILD)] {
            assert_eq!(&*clean_build(kept.into()), kept);
        }
        for (said, kept) in [
            ("a\0b", "a\u{fffd}b".to_owned()),
            ("a\r\n\tb\u{1b}[31m", "a\u{fffd}\u{fffd}\u{fffd}b\u{fffd}[31m".to_owned()),
            (&*"x".repeat(MAX_BUILD + 1), "x".repeat(MAX_BUILD)),
            (&*format!("{}é", "x".repeat(MAX_BUILD - 1)), "x".repeat(MAX_BUILD - 1)),
        ] {
            assert_eq!(&*clean_build(said.into()), kept);
        }
    }
}
