//! What a test says when it fails: what was expected, what came instead, what came near, and the whole cascade.

use std::fmt::{self, Display, Write as _};

use signals_core::Error;

/// Why a step failed, in the order in which a reader wants to know it.
#[derive(Debug)]
pub(super) struct Message {
    headline: String,
    expected: Option<String>,
    instead: Option<String>,
    nearest: Vec<String>,
    cascade: Option<String>,
}

impl Message {
    pub(super) fn new(headline: impl Into<String>) -> Self {
        Self { headline: headline.into(), expected: None, instead: None, nearest: Vec::new(), cascade: None }
    }

    pub(super) fn expected(self, expected: impl Into<String>) -> Self {
        Self { expected: Some(expected.into()), ..self }
    }

    pub(super) fn instead(self, instead: impl Into<String>) -> Self {
        Self { instead: Some(instead.into()), ..self }
    }

    /// What the test may have meant, nearest first.
    pub(super) fn nearest(self, nearest: Vec<String>) -> Self {
        Self { nearest, ..self }
    }

    /// As [`TestSignals::cascade`](super::TestSignals::cascade) shows it.
    pub(super) fn cascade(self, cascade: String) -> Self {
        Self { cascade: Some(cascade), ..self }
    }
}

impl From<Error> for Message {
    fn from(error: Error) -> Self {
        let hint = match &error {
            Error::Contention(_) => {
                "\n  is a transaction of this test still open? Commit it, or drop it, before this step"
            }
            _ => "",
        };
        Self::new(format!("{}{hint}", signals_core::outcome::render(&error)))
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline)?;
        for (word, text) in [("expected", &self.expected), ("instead", &self.instead)] {
            if let Some(text) = text {
                write!(f, "\n{word:>10}: {}", indented(text, 12))?;
            }
        }
        if !self.nearest.is_empty() {
            write!(f, "\n{:>10}: {}", "nearest", indented(&self.nearest.join("\n"), 12))?;
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
