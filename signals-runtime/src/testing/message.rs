//! What a test says when it fails: what was expected, what came instead, what came near, and the whole cascade.

use std::fmt::{self, Display, Write as _};

use signals_core::Error;

/// Why a step failed, in the order in which a reader wants to know it.
///
/// There is none without `expected` and `instead`; the cascade is added where the step fails.
#[derive(Debug)]
pub(super) struct Message {
    headline: String,
    expected: String,
    instead: String,
    nearest: Vec<String>,
    cascade: Option<String>,
}

/// A message that lacks what was expected.
pub(super) struct Headline(String);

/// A message that lacks what came instead.
pub(super) struct Expected(String, String);

impl Message {
    #[expect(
        clippy::new_ret_no_self,
        reason = "a message is whole when it says what was expected and what came instead"
    )]
    pub(super) fn new(headline: impl Into<String>) -> Headline {
        Headline(headline.into())
    }

    /// What the test may have meant, or what helps, nearest first.
    pub(super) fn nearest(self, nearest: Vec<String>) -> Self {
        Self { nearest, ..self }
    }

    /// And this helps, too, unless the message says so.
    pub(super) fn hint(mut self, hint: &str) -> Self {
        if self.expected != hint {
            self.nearest.push(hint.to_owned());
        }
        self
    }

    /// As [`TestSignals::cascade`](super::TestSignals::cascade) shows it.
    pub(super) fn cascade(self, cascade: String) -> Self {
        Self { cascade: Some(cascade), ..self }
    }
}

impl Headline {
    pub(super) fn expected(self, expected: impl Into<String>) -> Expected {
        Expected(self.0, expected.into())
    }
}

impl Expected {
    pub(super) fn instead(self, instead: impl Into<String>) -> Message {
        let Self(headline, expected) = self;
        Message { headline, expected, instead: instead.into(), nearest: Vec::new(), cascade: None }
    }
}

impl From<Error> for Message {
    fn from(error: Error) -> Self {
        let said = signals_core::outcome::render(&error);
        match &error {
            Error::Registry(_) => Self::new("what the receivers and signals declare contradicts itself")
                .expected("declarations that agree, or the receivers of this test named with `.receiver::<…>()`")
                .instead(said),
            Error::Contention(_) => Self::new("the database is held by another transaction")
                .expected("no transaction of this test open across this step: commit it, or drop it, before")
                .instead(said),
            _ => Self::new("the database refused").expected("a database that does what this step asks").instead(said),
        }
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline)?;
        let mut part = |word, text: &str| write!(f, "\n{word:>10}: {}", indented(text, 12));
        part("expected", &self.expected)?;
        part("instead", &self.instead)?;
        if !self.nearest.is_empty() {
            part("nearest", &self.nearest.join("\n"))?;
        }
        if let Some(cascade) = &self.cascade {
            write!(f, "\n\ncascade:\n{}", cascade.trim_end())?;
        }
        Ok(())
    }
}

/// `text` whose lines but the first begin behind `width` spaces.
fn indented(text: &str, width: usize) -> String {
    let mut out = String::new();
    for (at, line) in text.lines().enumerate() {
        if at > 0 {
            let _ = write!(out, "\n{:width$}", "");
        }
        out.push_str(line);
    }
    out
}
