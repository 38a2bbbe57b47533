//! A text that must not be told, and the forms in which it may be told all the same: a payload is bytes, and a derived `Debug`
//! prints those as a list of numbers.

/// A text that nothing else says.
#[derive(Clone, Debug)]
pub(super) struct Canary {
    /// What is looked for, past all white space, and what that is called.
    forms: Vec<(&'static str, String)>,
}

impl Canary {
    pub(super) fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let list = |byte: fn(&u8) -> String| bytes.iter().map(byte).collect::<Vec<_>>().join(",");
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut forms = vec![
            ("as it is", text.to_owned()),
            ("as a list of bytes", list(|byte| byte.to_string())),
            ("as a list of bytes, hexadecimal", list(|byte| format!("{byte:02x}"))),
            ("as a list of bytes, hexadecimal", list(|byte| format!("{byte:#x}"))),
            ("as a list of bytes, hexadecimal", list(|byte| format!("{byte:02X}"))),
            ("as a list of bytes, hexadecimal", list(|byte| format!("{byte:#X}"))),
            ("in hexadecimal digits", digits.to_uppercase()),
            ("in hexadecimal digits", digits),
        ];
        forms.extend((0..3).map(|before| ("in base64", base64(bytes, before))));
        Self { forms }
    }

    /// The form in which `printed` tells it, if it does.
    pub(super) fn told_by(&self, printed: &str) -> Option<&'static str> {
        let printed: String = printed.chars().filter(|character| !character.is_whitespace()).collect();
        self.forms.iter().find(|(_, form)| printed.contains(form)).map(|(how, _)| *how)
    }
}

/// The letters that stand for `bytes` and for nothing beside them, where `before` bytes more than a multiple of three stand
/// before them.
fn base64(bytes: &[u8], before: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (begin, end) = (before * 8, (before + bytes.len()) * 8);
    let bit = |at: usize| usize::from((bytes[(at - begin) / 8] >> (7 - at % 8)) & 1);
    let letter = |at: usize| (at * 6..at * 6 + 6).fold(0, |bits, at| (bits << 1) | bit(at));
    (begin.div_ceil(6)..end / 6).map(|at| char::from(LETTERS[letter(at)])).collect()
}

#[cfg(test)]
mod tests {
    use signals_core::{Outgoing, outcome};

    use super::*;
    use crate::fixtures::paid;

    /// The likeliest mistake: a type that holds a payload derives what it must write by hand.
    #[derive(Debug)]
    struct Derived {
        payload: Vec<u8>,
    }

    const SECRET: &str = "canary-7340815";

    #[test]
    fn w17_a_payload_is_found_however_it_is_printed() {
        let canary = Canary::new(SECRET);
        let derived = Derived { payload: format!(r#"{{"order":"{SECRET}"}}"#).into_bytes() };
        for printed in [
            format!("{derived:?}"),
            format!("{derived:#?}"),
            format!("{derived:x?}"),
            format!("{derived:#x?}"),
            format!("{derived:X?}"),
            format!("{derived:#X?}"),
            String::from_utf8_lossy(&derived.payload).into_owned(),
            r"Failing row contains (1, \x7b2263616e6172792d373334303831357d).".to_owned(),
            r"Failing row contains (1, \x7B2263616E6172792D373334303831357D).".to_owned(),
        ] {
            assert!(canary.told_by(&printed).is_some(), "{printed}");
        }
    }

    #[test]
    fn w17_a_payload_is_found_in_base64_wherever_it_stands() {
        let canary = Canary::new(SECRET);
        // Of the secret alone, and behind one byte, two, and nine: by another program's encoder.
        for encoded in [
            "Y2FuYXJ5LTczNDA4MTU=",
            "e2NhbmFyeS03MzQwODE1fQ==",
            "eyJjYW5hcnktNzM0MDgxNSJ9",
            "eyJvcmRlciI6Y2FuYXJ5LTczNDA4MTV9",
        ] {
            assert_eq!(canary.told_by(encoded), Some("in base64"), "{encoded}");
        }
    }

    #[test]
    fn w17_what_prints_a_payloads_size_tells_nothing() {
        let canary = Canary::new("7340815162342");
        let sending = Outgoing::new(&paid(7_340_815_162_342));
        assert_eq!(canary.told_by(&format!("{sending:?} {sending:#?}")), None);
        assert_eq!(canary.told_by(&outcome::clean("7340815162343")), None, "another number");
    }
}
