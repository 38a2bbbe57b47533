//! Payloads: JSON text that decodes to what was sent, or a typed error at send (S12).
//!
//! `serde_json` writes NaN and the infinities as `null`, nests deeper than it is willing to read, and passes raw JSON
//! through unread. So a payload is written through `Checked`, which refuses the first two, and read once more when it
//! contains raw JSON.

mod checked;
mod undecodable;

use std::fmt;
use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::BoxError;
use checked::Checked;
use undecodable::Undecodable;

/// The most bytes of a payload unless the application sets another limit.
pub const DEFAULT_LIMIT: usize = 256 * 1024;

/// How deep a payload may nest: `serde_json` reads no deeper.
pub const MAX_DEPTH: usize = 127;

/// Why a payload cannot be stored as it is.
#[derive(Debug)]
#[non_exhaustive]
pub enum PayloadError {
    /// A float is NaN or infinite, which JSON cannot say.
    NotFinite,
    /// It nests deeper than [`MAX_DEPTH`].
    TooDeep,
    /// It has more bytes than `limit`.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Raw JSON in it is not JSON that a receiver could read, a lone surrogate for example.
    Raw(BoxError),
    /// Its `Serialize` said no.
    Serialize(BoxError),
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite => f.write_str("it contains a float that is NaN or infinite, which JSON cannot say"),
            Self::TooDeep => write!(f, "it nests deeper than {MAX_DEPTH} levels"),
            Self::TooLarge { limit } => {
                write!(
                    f,
                    "it has more than {limit} bytes; store the bulk elsewhere and send its key, or raise the limit"
                )
            }
            Self::Raw(_) => f.write_str("the raw JSON in it could not be read back"),
            Self::Serialize(_) => f.write_str("it could not be serialized"),
        }
    }
}

impl std::error::Error for PayloadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Raw(error) | Self::Serialize(error) => Some(error.as_ref()),
            Self::NotFinite | Self::TooDeep | Self::TooLarge { .. } => None,
        }
    }
}

/// `value` as JSON text of any size.
///
/// # Errors
///
/// Returns an error when a receiver would not read back what is sent.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, PayloadError> {
    encode_within(value, usize::MAX)
}

/// `value` as JSON text of at most `limit` bytes.
///
/// # Errors
///
/// Returns an error when a receiver would not read back what is sent.
pub fn encode_within<T: Serialize + ?Sized>(value: &T, limit: usize) -> Result<Vec<u8>, PayloadError> {
    let mut out = Limited { bytes: Vec::with_capacity(128), limit, full: false };
    let watch = checked::Watch::default();
    let written = value.serialize(Checked::new(&mut serde_json::Serializer::new(&mut out), &watch));
    if let Err(error) = written {
        return Err(match watch.refused() {
            _ if out.full => PayloadError::TooLarge { limit },
            Some(refusal) => refusal,
            None => PayloadError::Serialize(error.into()),
        });
    }
    if watch.saw_raw() {
        read_all(&out.bytes)?;
    }
    Ok(out.bytes)
}

/// The value that `bytes` say.
///
/// # Errors
///
/// Returns an error when they are more than `limit` (checked before they are read) or do not decode to a `T`. It says
/// where and why, and quotes nothing of the payload: it may be logged.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, BoxError> {
    if bytes.len() > limit {
        return Err(PayloadError::TooLarge { limit }.into());
    }
    serde_json::from_slice(bytes).map_err(|error| Undecodable::from(error).into())
}

/// Reads raw JSON as a receiver would: strings decoded, depth and numbers checked.
fn read_all(bytes: &[u8]) -> Result<(), PayloadError> {
    // `IgnoredAny` skips over strings without decoding them, so the text is read into a tree, and dropped.
    serde_json::from_slice::<serde_json::Value>(bytes).map(drop).map_err(|error| {
        // serde_json tells its recursion limit apart by its message alone.
        if error.to_string().starts_with("recursion limit") {
            PayloadError::TooDeep
        } else {
            PayloadError::Raw(error.into())
        }
    })
}

/// A buffer that refuses to grow beyond its limit, so that a huge value is not built only to be refused.
struct Limited {
    bytes: Vec<u8>,
    limit: usize,
    full: bool,
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.limit - self.bytes.len() {
            self.full = true;
            return Err(io::Error::other("the payload is too large"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    struct Nested {
        inner: Option<Box<Nested>>,
    }

    fn nested(depth: usize) -> Nested {
        (1..depth).fold(Nested { inner: None }, |inner, _| Nested { inner: Some(Box::new(inner)) })
    }

    #[test]
    fn s12_what_json_cannot_say_is_refused_wherever_it_hides() {
        assert!(matches!(encode(&f64::NAN), Err(PayloadError::NotFinite)));
        assert!(matches!(encode(&[1.0, f32::INFINITY]), Err(PayloadError::NotFinite)));
        assert!(matches!(encode(&Some(("a", f64::NEG_INFINITY))), Err(PayloadError::NotFinite)));
        assert!(matches!(encode(&BTreeMap::from([("k", f64::NAN)])), Err(PayloadError::NotFinite)));
        assert_eq!(encode(&None::<f64>).expect("null is no float"), b"null");
    }

    #[test]
    fn s12_a_payload_nests_as_deep_as_it_can_be_read_and_no_deeper() {
        let deepest = encode(&nested(MAX_DEPTH)).expect("the deepest that can be read");
        assert!(serde_json::from_slice::<serde_json::Value>(&deepest).is_ok());
        assert!(matches!(encode(&nested(MAX_DEPTH + 1)), Err(PayloadError::TooDeep)));
    }

    #[test]
    fn s12_the_limit_counts_bytes_and_is_exact() {
        assert_eq!(encode_within("ab", 4).expect("four bytes with its quotes"), b"\"ab\"");
        assert!(matches!(encode_within("abc", 4), Err(PayloadError::TooLarge { limit: 4 })));
        assert!(decode::<String>(b"\"abc\"", 4).is_err());
    }

    #[test]
    fn s12_raw_json_is_read_before_it_is_sent() {
        let raw = |text: &str| serde_json::value::RawValue::from_string(text.to_owned()).expect("well-formed");
        assert_eq!(encode(&raw(r#"{"a":[1,"x"]}"#)).expect("plain"), br#"{"a":[1,"x"]}"#);
        assert!(matches!(encode(&[raw(r#""\ud800""#)]), Err(PayloadError::Raw(_))));
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let deeper = (0..40).fold(serde_json::json!(null), |inner, _| serde_json::json!([inner]));
        assert!(encode(&raw(&deep)).is_ok());
        assert!(encode(&(raw(&deep), deeper)).is_ok());
        let too_deep = (0..30).fold(None, |inner: Option<Deep>, _| Some(Deep(Box::new((raw(&deep), inner)))));
        assert!(matches!(encode(&too_deep), Err(PayloadError::TooDeep)));

        #[derive(Serialize)]
        struct Deep(Box<(Box<serde_json::value::RawValue>, Option<Deep>)>);
    }

    #[test]
    fn s12_nul_and_large_integers_come_back_as_sent() {
        let value = ("a\0b".to_owned(), u64::MAX, i128::MIN, i64::MIN);
        let bytes = encode(&value).expect("all of it is JSON");
        assert_eq!(decode::<(String, u64, i128, i64)>(&bytes, DEFAULT_LIMIT).expect("reads back"), value);
    }

    #[test]
    fn s12_floats_come_back_exactly() {
        // Each is read as its neighbour without the feature `float_roundtrip` of serde_json.
        for value in [3.827_368_989_561_786e62_f64, 31.245_270_191_439_438] {
            let read: f64 = decode(&encode(&value).expect("it is finite"), DEFAULT_LIMIT).expect("reads back");
            assert_eq!(read.to_bits(), value.to_bits(), "{value} became {read}");
        }
    }

    #[test]
    fn an_error_of_serialize_is_kept() {
        struct No;
        impl Serialize for No {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("not today"))
            }
        }
        let Err(PayloadError::Serialize(error)) = encode(&No) else { panic!("serialized") };
        assert_eq!(error.to_string(), "not today");
    }
}
