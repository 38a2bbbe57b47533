//! Why a payload does not decode, in words that hold nothing of the payload.
//!
//! The reason is logged and stored beside the delivery. serde quotes the value that it did not expect, which may be a
//! name, a token or a card number; so the value is left out, and a type's own words, which may hold it too, are replaced.
//! Line and column stay: whoever may read the payload finds the place.

use std::fmt;

use serde_json::error::Category;

/// Why a payload does not decode.
#[derive(Debug)]
pub(super) struct Undecodable(String);

impl From<serde_json::Error> for Undecodable {
    fn from(error: serde_json::Error) -> Self {
        match error.classify() {
            // What is not JSON at all is refused in fixed words.
            Category::Io | Category::Syntax | Category::Eof => Self(error.to_string()),
            Category::Data => {
                let (line, column) = (error.line(), error.column());
                let (text, place) = (error.to_string(), format!(" at line {line} column {column}"));
                let reason = text.strip_suffix(&place).unwrap_or(&text);
                Self(without_values(reason).unwrap_or_else(|| "a value was refused by its type".to_owned()) + &place)
            }
        }
    }
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Undecodable {}

/// A reason of serde's own without the value that it quotes; `None` when it is in other words.
fn without_values(reason: &str) -> Option<String> {
    // These name what the type has, not what the payload says.
    if ["missing field `", "duplicate field `", "invalid length "].iter().any(|own| reason.starts_with(own)) {
        return Some(reason.to_owned());
    }
    let quotes = ["invalid type: ", "invalid value: ", "unknown variant ", "unknown field "];
    let own = quotes.into_iter().find(|own| reason.starts_with(own))?;
    // The last one: an earlier one may be the value's.
    let end = reason.rfind(", expected ").or_else(|| reason.rfind(", there are no "))?;
    let (said, tail) = reason.split_at(end);
    // The kind of the value, such as "string": what stands before the quotation.
    let kind = said[own.len()..].split(['"', '`']).next().unwrap_or_default().trim_end();
    Some(format!("{}{tail}", format!("{own}{kind}").trim_end()))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use serde::Deserialize;

    use super::Undecodable;

    #[derive(Debug, Deserialize)]
    enum Kind {
        Known,
        Other,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        id: i64,
    }

    fn reason<T: for<'de> Deserialize<'de> + std::fmt::Debug>(json: &str) -> String {
        Undecodable::from(serde_json::from_str::<T>(json).expect_err("does not decode")).to_string()
    }

    #[test]
    fn what_serde_quotes_is_left_out() {
        assert_eq!(reason::<i64>(r#""secret""#), "invalid type: string, expected i64 at line 1 column 8");
        assert_eq!(reason::<i64>(r#""a, expected b""#), "invalid type: string, expected i64 at line 1 column 15");
        assert_eq!(reason::<String>("4711"), "invalid type: integer, expected a string at line 1 column 4");
        assert_eq!(reason::<String>("null"), "invalid type: null, expected a string at line 1 column 4");
        assert_eq!(reason::<u8>("300"), "invalid value: integer, expected u8 at line 1 column 3");
        assert_eq!(reason::<char>(r#""secret""#), "invalid value: string, expected a character at line 1 column 8");
        assert_eq!(reason::<NonZeroU8>("0"), "invalid value: integer, expected a nonzero u8 at line 1 column 1");
        assert_eq!(reason::<Kind>(r#""secret`""#), "unknown variant, expected `Known` or `Other` at line 1 column 9");
        assert_eq!(reason::<Strict>(r#"{"secret":1}"#), "unknown field, expected `id` at line 1 column 9");
        let _ = (Kind::Known, Kind::Other, Strict { id: 1 }.id);
    }

    #[test]
    fn what_names_the_type_alone_is_kept() {
        assert_eq!(reason::<Strict>("{}"), "missing field `id` at line 1 column 2");
        assert_eq!(reason::<(u8, u8)>("[1]"), "invalid length 1, expected a tuple of size 2 at line 1 column 3");
        assert_eq!(reason::<Vec<i64>>("[7"), "EOF while parsing a list at line 1 column 2");
    }

    #[test]
    fn what_is_said_in_other_words_is_not_repeated() {
        assert_eq!(reason::<std::net::Ipv4Addr>(r#""secret""#), "a value was refused by its type at line 1 column 8");
    }
}
