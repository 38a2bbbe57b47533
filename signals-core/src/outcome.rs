//! What a receiver may say instead of "failed": discard me, call me again after a while, this was not an attempt.
//!
//! These values travel as errors, so that `?` carries them through any error type. Each hides a private marker in its
//! `source()`; the worker looks for the marker along the chain. Looking for the types themselves would miss
//! `anyhow::Error::new`, `#[error(transparent)]` and `io::Error::other`, and would retry in silence what should be
//! discarded. The marker survives every wrapping that keeps the source. `.context(Discard)` of anyhow cannot be found:
//! a context is not in the chain. Write [`Discard::because`].

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::BoxError;

/// Never retry this: the delivery becomes a dead letter at once (T7).
///
/// ```
/// # use signals_core::{BoxError, Discard};
/// # fn charge() -> Result<(), std::io::Error> { Ok(()) }
/// fn receiver() -> Result<(), BoxError> {
///     charge().map_err(Discard::because)?;
///     if /* the order is gone */ true {
///         return Err(Discard.into());
///     }
///     Ok(())
/// }
/// # let _ = receiver();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discard;

/// This attempt failed; try again after exactly this long, whatever the backoff says.
///
/// The attempt counts. More than ten years are ten years.
///
/// ```
/// # use std::time::Duration;
/// # use signals_core::{BoxError, RetryAfter};
/// # fn receiver() -> Result<(), BoxError> {
/// return Err(RetryAfter(Duration::from_secs(30)).into());
/// # }
/// # let _ = receiver();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter {
    delay: Duration,
    marker: Marker,
}

/// This was no attempt: call me again after this long (T6). At most 100 times per life; then each costs an attempt.
///
/// ```
/// # use std::time::Duration;
/// # use signals_core::{BoxError, Snooze};
/// # fn receiver() -> Result<(), BoxError> {
/// return Err(Snooze(Duration::from_secs(60)).into());
/// # }
/// # let _ = receiver();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snooze {
    delay: Duration,
    marker: Marker,
}

/// A [`struct@RetryAfter`] of `delay`.
#[expect(non_snake_case, reason = "reads as the tuple struct that it would be if a source could point into one")]
#[must_use]
pub const fn RetryAfter(delay: Duration) -> RetryAfter {
    RetryAfter { delay, marker: Marker(Verdict::RetryAfter(delay)) }
}

/// A [`struct@Snooze`] of `delay`.
#[expect(non_snake_case, reason = "reads as the tuple struct that it would be if a source could point into one")]
#[must_use]
pub const fn Snooze(delay: Duration) -> Snooze {
    Snooze { delay, marker: Marker(Verdict::Snooze(delay)) }
}

/// One of [`Discard`], [`struct@RetryAfter`], [`struct@Snooze`] together with the error that led to it.
///
/// Prints as that error, whose own chain of sources is kept.
#[derive(Debug)]
pub struct Because {
    link: Link,
}

impl Discard {
    /// Discards, and records `error` as the reason.
    pub fn because(error: impl Into<BoxError>) -> Because {
        Because::new(Verdict::Discard, error.into())
    }
}

impl RetryAfter {
    /// Tries again after the delay, and records `error` as the reason.
    pub fn because(self, error: impl Into<BoxError>) -> Because {
        Because::new(self.marker.0, error.into())
    }
}

impl Snooze {
    /// Snoozes, and records `error` as the reason.
    pub fn because(self, error: impl Into<BoxError>) -> Because {
        Because::new(self.marker.0, error.into())
    }
}

impl Because {
    fn new(verdict: Verdict, error: BoxError) -> Self {
        Self { link: Link { verdict, error } }
    }
}

/// What the worker shall do with a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Retry by the receiver's policy: no marker was found.
    Retry,
    /// Retry after exactly this long.
    RetryAfter(Duration),
    /// Call again after this long, the attempt refunded.
    Snooze(Duration),
    /// Never again.
    Discard,
}

impl Verdict {
    /// What `error` asks for: the outermost marker along its chain of sources.
    #[must_use]
    pub fn of(error: &(dyn StdError + 'static)) -> Self {
        chain(error).find_map(marked).unwrap_or(Self::Retry)
    }
}

/// The most bytes of an error that are kept.
pub const MAX_RENDERED: usize = 16 * 1024;

/// The chain of `error` as one text, `outer: inner: innermost`: without markers, without control characters other than
/// line breaks and tabs, at most [`MAX_RENDERED`] bytes (I13).
#[must_use]
pub fn render(error: &(dyn StdError + 'static)) -> String {
    let mut text = Clean::default();
    for link in chain(error).filter(|link| link.downcast_ref::<Marker>().is_none()) {
        if !text.last_link_repeats(link) {
            text.begin_link();
            // `Clean` stops by an error when it is full; an error that a foreign `Display` makes up is no reason to
            // lose the record of a failure.
            let _ = write!(text, "{link}");
        }
    }
    text.finish()
}

/// `text` as [`render`] would keep it.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut clean = Clean::default();
    let _ = clean.write_str(text);
    clean.finish()
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    // A chain is finite in practice; one that a foreign `source()` closes to a ring must not hang a worker.
    std::iter::successors(Some(error), |&link| link.source()).take(64)
}

fn marked(link: &(dyn StdError + 'static)) -> Option<Verdict> {
    let marker = link.downcast_ref::<Marker>().map(|marker| marker.0);
    marker.or_else(|| link.downcast_ref::<Link>().map(|link| link.verdict))
}

/// The private end of a chain that only this module can make and find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Marker(Verdict);

static DISCARD: Marker = Marker(Verdict::Discard);

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("marker of a receiver's verdict")
    }
}

impl StdError for Marker {}

/// A marker in the middle of a chain.
#[derive(Debug)]
struct Link {
    verdict: Verdict,
    error: BoxError,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for Link {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}

impl fmt::Display for Discard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("discarded by the receiver")
    }
}

impl StdError for Discard {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&DISCARD)
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "to be retried after {:?}", self.delay)
    }
}

impl StdError for RetryAfter {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.marker)
    }
}

impl fmt::Display for Snooze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "snoozed for {:?}", self.delay)
    }
}

impl StdError for Snooze {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.marker)
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.link.fmt(f)
    }
}

impl StdError for Because {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.link)
    }
}

/// Collects what may be stored anywhere: no NUL, no escape sequences, no megabytes.
#[derive(Default)]
struct Clean {
    text: String,
    link: usize,
    full: bool,
}

impl Clean {
    fn begin_link(&mut self) {
        if !self.text.is_empty() {
            let _ = self.write_str(": ");
        }
        self.link = self.text.len();
    }

    /// Whether `link` prints what the link before it printed already, as [`Because`] and its link do.
    fn last_link_repeats(&self, link: &dyn StdError) -> bool {
        if self.text.is_empty() || self.full {
            return false;
        }
        let mut once_more = Self::default();
        let _ = write!(once_more, "{link}");
        once_more.text == self.text[self.link..]
    }

    fn finish(mut self) -> String {
        if self.full {
            self.text.push('…');
        }
        self.text
    }
}

impl fmt::Write for Clean {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.text.len() + character.len_utf8() > MAX_RENDERED {
                self.full = true;
                return Err(fmt::Error);
            }
            self.text.push(match character {
                '\n' | '\t' => character,
                other if other.is_control() => char::REPLACEMENT_CHARACTER,
                other => other,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum App {
        #[error(transparent)]
        Transparent(#[from] Discard),
        #[error(transparent)]
        Boxed(BoxError),
        #[error("outer")]
        Source(#[source] BoxError),
    }

    fn discarded(error: impl Into<BoxError>) -> bool {
        Verdict::of(error.into().as_ref()) == Verdict::Discard
    }

    #[test]
    fn a_verdict_is_found_through_every_wrapping_that_keeps_the_source() {
        assert!(discarded(Discard));
        assert!(discarded(Discard::because("gone")));
        assert!(discarded(anyhow::Error::new(Discard)));
        assert!(discarded(anyhow::Error::new(Discard).context("while mailing")));
        assert!(discarded(anyhow::Error::new(Discard::because("gone")).context("while mailing")));
        assert!(discarded(App::Transparent(Discard)));
        assert!(discarded(App::Boxed(Discard.into())));
        assert!(discarded(App::Source(Discard::because("gone").into())));
        assert!(discarded(io::Error::other(Discard)));
        assert_eq!(Verdict::of(&io::Error::other("plain")), Verdict::Retry);
    }

    #[test]
    fn delays_travel_with_their_verdict() {
        let delay = Duration::from_secs(7);
        assert_eq!(Verdict::of(&RetryAfter(delay)), Verdict::RetryAfter(delay));
        assert_eq!(Verdict::of(&io::Error::other(Snooze(delay))), Verdict::Snooze(delay));
        assert_eq!(Verdict::of(&Snooze(delay).because("not yet")), Verdict::Snooze(delay));
    }

    #[test]
    fn the_outermost_verdict_wins() {
        let inner = RetryAfter(Duration::from_secs(1)).because("busy");
        assert_eq!(Verdict::of(&Discard::because(inner)), Verdict::Discard);
    }

    #[test]
    fn rendering_shows_every_cause_once_and_no_marker() {
        let cause = App::Source(Discard::because(io::Error::other("mailbox full")).into());
        assert_eq!(render(&cause), "outer: mailbox full");
        assert_eq!(render(&Discard), "discarded by the receiver");
        assert_eq!(render(&Snooze(Duration::from_secs(60))), "snoozed for 60s");
    }

    #[test]
    fn i13_whatever_an_error_says_can_be_recorded() {
        let hostile = format!("a\0b\x1b[31mred\n{}", "é".repeat(1_000_000));
        let text = render(&io::Error::other(hostile));
        assert!(text.starts_with("a\u{fffd}b\u{fffd}[31mred\né"), "{}", &text[..32]);
        assert!(text.ends_with('…') && text.len() <= MAX_RENDERED + '…'.len_utf8());

        #[derive(Debug)]
        struct Ring;
        impl fmt::Display for Ring {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                Err(fmt::Error)
            }
        }
        impl StdError for Ring {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(self)
            }
        }
        assert_eq!(render(&Ring), "");
        assert_eq!(Verdict::of(&Ring), Verdict::Retry);
    }
}
