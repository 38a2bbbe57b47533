//! The table.

use std::time::Duration;

use signals_core::MAX_DELAY;
use signals_core::payload::DEFAULT_LIMIT;

use super::FOR_EVER;

/// One line of the table.
pub(super) struct Vector {
    /// What it is, for whoever reads a failure.
    pub(super) what: &'static str,
    /// What somebody gives.
    pub(super) given: Given,
    /// What must become of it.
    pub(super) verdict: Verdict,
}

/// What somebody gives.
pub(super) enum Given {
    /// Raw JSON as part of a payload.
    Json(String),
    /// A float as part of a payload.
    Float(f64),
    /// The text of an error.
    Error(String),
    /// An idempotency key.
    Key(String),
    /// Who decides.
    Actor(String),
    /// What an operator looks for in errors, and as the name of a signal or receiver.
    Search(String),
    /// What a build calls itself, and what is shown of that.
    Build { said: String, shown: String },
    /// What the application's telemetry says that the sender's trace context is.
    Trace(String),
    /// The name of a signal or receiver, whichever of those that it may have.
    Name(String),
    /// A delay.
    Delay(Duration),
}

/// What must become of it, on every backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is stored, and comes back as it was given.
    Kept,
    /// A float that JSON cannot say.
    NotFinite,
    /// It nests deeper than a receiver reads.
    TooDeep,
    /// It is larger than the application's limit.
    TooLarge,
    /// It could not be read back.
    NotReadable,
    /// No key.
    KeyInvalid,
    /// Nobody's name.
    ActorInvalid,
    /// Neither a signal nor a receiver can be called so.
    NameInvalid,
    /// More than ten years.
    DelayTooLong,
    /// It is stored and shown without what could not be.
    Cleaned,
    /// All else is stored as if nobody had given it.
    LeftOut,
}

/// More than any text of a program's or an operator's is long.
const MEGABYTE: usize = 1 << 20;

/// What SQL, JSON, terminals and file systems have stumbled over.
const WORDS: [&str; 8] = [
    "'; DROP TABLE signals_delivery; --",
    "\" OR 1=1 --",
    "%_\\",
    "$1 ?1 :name {0} %s",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "\u{202e}txt.exe \u{200b}\u{feff}",
    "e\u{301} \u{1f980} \u{10ffff} \u{fffe}",
];

/// Every vector.
pub(super) fn vectors() -> Vec<Vector> {
    let mut table = Vec::new();
    let mut add = |what, given, verdict| table.push(Vector { what, given, verdict });
    payloads(&mut add);
    floats(&mut add);
    errors(&mut add);
    words(&mut add);
    headers(&mut add);
    names(&mut add);
    delays(&mut add);
    table
}

fn payloads(add: &mut impl FnMut(&'static str, Given, Verdict)) {
    let mut json = |what, json: &str, verdict| add(what, Given::Json(json.to_owned()), verdict);
    json("an escaped NUL", r#""a\u0000b""#, Verdict::Kept);
    json("a key with an escaped NUL", r#"{"\u0000":1}"#, Verdict::Kept);
    json("a surrogate pair", r#""\ud83e\udd80""#, Verdict::Kept);
    json("a lone high surrogate", r#""\ud800""#, Verdict::NotReadable);
    json("a lone low surrogate", r#""\udfff""#, Verdict::NotReadable);
    json("a lone surrogate in a key", r#"{"\ud800":1}"#, Verdict::NotReadable);
    json("surrogates the wrong way round", r#""\udd80\ud83e""#, Verdict::NotReadable);
    json("a key twice", r#"{"a":1,"a":2}"#, Verdict::Kept);
    json("keys in an order of their own, and spaces", "{ \"b\" :1,\t\"a\" : [ ] }", Verdict::Kept);
    json("a number with zeros behind it", "1.10", Verdict::Kept);
    json("a number with an exponent", "1E+2", Verdict::Kept);
    json("minus zero", "-0", Verdict::Kept);
    json("above i64", "9223372036854775808", Verdict::Kept);
    json("above u64", "18446744073709551616", Verdict::Kept);
    json("the largest u128", "340282366920938463463374607431768211455", Verdict::Kept);
    json("a number that no float is", "1e400", Verdict::NotReadable);
    json("a key that serde_json knows", r#"{"$serde_json::private::Number":"1"}"#, Verdict::Kept);
    json("the name of a prototype", r#"{"__proto__":{"a":1},"constructor":null}"#, Verdict::Kept);
    json("U+2028 and a byte order mark", "\"\u{2028}\u{feff}\"", Verdict::Kept);
    for word in WORDS {
        let text = serde_json::to_string(word).expect("a text is JSON");
        json("a hostile text", &text, Verdict::Kept);
    }
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    json("as deep as can be read", &nested(126), Verdict::Kept);
    json("deeper", &nested(127), Verdict::TooDeep);
    json("much deeper", &nested(10_000), Verdict::TooDeep);
    let sized = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - r#"{"json":""}"#.len()));
    json("as large as the limit", &sized(DEFAULT_LIMIT), Verdict::Kept);
    json("larger", &sized(DEFAULT_LIMIT + 1), Verdict::TooLarge);
}

fn floats(add: &mut impl FnMut(&'static str, Given, Verdict)) {
    add("NaN", Given::Float(f64::NAN), Verdict::NotFinite);
    add("infinity", Given::Float(f64::INFINITY), Verdict::NotFinite);
    add("minus infinity", Given::Float(f64::NEG_INFINITY), Verdict::NotFinite);
    add("minus zero", Given::Float(-0.0), Verdict::Kept);
    add("a third that is none", Given::Float(0.1 + 0.2), Verdict::Kept);
}

fn errors(add: &mut impl FnMut(&'static str, Given, Verdict)) {
    let mut error = |what, text: &str| add(what, Given::Error(text.to_owned()), Verdict::Kept);
    error("nothing", "");
    error("a NUL", "a\0b");
    error("colours", "\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}");
    error("a line that looks like a log's", "boom\r\n2026-01-01T00:00:00Z ERROR root: owned");
    error("half a character where it is cut", &"é".repeat(1_000_000));
    error("megabytes", &"x".repeat(4_000_000));
    for word in WORDS {
        error("a hostile text", word);
    }
}

fn words(add: &mut impl FnMut(&'static str, Given, Verdict)) {
    let mut key = |what, key: &str, verdict| add(what, Given::Key(key.to_owned()), verdict);
    key("an empty key", "", Verdict::KeyInvalid);
    key("a key with a NUL", "a\0b", Verdict::KeyInvalid);
    key("the longest key", &"k".repeat(200), Verdict::Kept);
    key("a longer key", &"k".repeat(201), Verdict::KeyInvalid);
    key("a key of 200 bytes and 100 characters", &"é".repeat(100), Verdict::Kept);
    key("a key of 201 bytes", &format!("{}x", "é".repeat(100)), Verdict::KeyInvalid);
    key("a space", " ", Verdict::Kept);
    for word in WORDS {
        key("a hostile key", word, Verdict::Kept);
    }
    key("a key of a megabyte", &"k".repeat(MEGABYTE), Verdict::KeyInvalid);
    let mut actor = |what, actor: &str, verdict| add(what, Given::Actor(actor.to_owned()), verdict);
    actor("nobody", "", Verdict::ActorInvalid);
    actor("spaces", " \t\n", Verdict::ActorInvalid);
    actor("an actor with a NUL", "a\0b", Verdict::ActorInvalid);
    actor("the longest actor", &"a".repeat(200), Verdict::Kept);
    actor("a longer actor", &"a".repeat(201), Verdict::ActorInvalid);
    actor("an actor of a megabyte", &"a".repeat(MEGABYTE), Verdict::ActorInvalid);
    for word in WORDS {
        actor("a hostile actor", word, Verdict::Kept);
    }
    let mut search = |what, text: &str| add(what, Given::Search(text.to_owned()), Verdict::Kept);
    search("a search with a NUL", "a\0b");
    search("a search of a megabyte", &"x".repeat(MEGABYTE));
    for word in WORDS {
        search("a hostile search", word);
    }
}

fn headers(add: &mut impl FnMut(&'static str, Given, Verdict)) {
    let mut build = |what, said: &str, shown: &str| {
        let verdict = if said == shown { Verdict::Kept } else { Verdict::Cleaned };
        add(what, Given::Build { said: said.to_owned(), shown: shown.to_owned() }, verdict);
    };
    build("a build without a name", "", "");
    build("a build with a NUL", "shop\0 1.2.3", "shop\u{fffd} 1.2.3");
    build("a build that breaks lines and terminals", "a\r\nb\u{1b}[31m", "a\u{fffd}\u{fffd}b\u{fffd}[31m");
    build("the longest build", &"x".repeat(200), &"x".repeat(200));
    build("a build of a megabyte", &"é".repeat(MEGABYTE / 2), &"é".repeat(100));
    for word in WORDS {
        build("a hostile build", word, word);
    }

    let mut trace = |what, text: &str, verdict| add(what, Given::Trace(text.to_owned()), verdict);
    trace("a traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Verdict::Kept);
    trace("one of a later version", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", Verdict::Kept);
    trace("no traceparent", "", Verdict::LeftOut);
    trace("one with a NUL", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\0", Verdict::LeftOut);
    trace("one of nobody", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", Verdict::LeftOut);
    let long = format!("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-{}", "x".repeat(MEGABYTE));
    trace("one of a megabyte", &long, Verdict::LeftOut);
    for word in WORDS {
        trace("a hostile traceparent", word, Verdict::LeftOut);
    }
}

fn names(add: &mut impl FnMut(&'static str, Given, Verdict)) {
    let mut name = |what, name: &str, verdict| add(what, Given::Name(name.to_owned()), verdict);
    name("every character that there is", "Hostile-1.a_B.-", Verdict::Kept);
    name("a word of SQL", "select", Verdict::Kept);
    name("the name of a prototype", "__proto__.constructor", Verdict::Kept);
    name("the longest name", &"n".repeat(200), Verdict::Kept);
    name("a longer name", &"n".repeat(201), Verdict::NameInvalid);
    name("a name of a megabyte", &"n".repeat(MEGABYTE), Verdict::NameInvalid);
    name("no name", "", Verdict::NameInvalid);
    name("a name with a NUL", "a\0b", Verdict::NameInvalid);
    name("a name with an empty part", "a..b", Verdict::NameInvalid);
    name("a space", " ", Verdict::NameInvalid);
    name("another alphabet", "é", Verdict::NameInvalid);
    for word in WORDS {
        name("a hostile name", word, Verdict::NameInvalid);
    }
}

fn delays(add: &mut impl FnMut(&'static str, Given, Verdict)) {
    let mut delay = |what, delay, verdict| add(what, Given::Delay(delay), verdict);
    delay("none", Duration::ZERO, Verdict::Kept);
    delay("a microsecond", Duration::from_micros(1), Verdict::Kept);
    delay("ten years", MAX_DELAY, Verdict::Kept);
    delay("more than ten years", MAX_DELAY + Duration::from_micros(1), Verdict::DelayTooLong);
    delay("as many seconds as there are", Duration::from_secs(u64::MAX), Verdict::DelayTooLong);
    delay("for ever", FOR_EVER, Verdict::DelayTooLong);
}
