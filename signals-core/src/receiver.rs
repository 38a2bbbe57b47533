//! What a receiver is: a named function, its options, and how a worker calls it.

use std::fmt;
use std::time::Duration;

use crate::extract::ExtractError;
use crate::retry::{Backoff, RetryPolicy};
use crate::{BoxError, BoxFuture, Context, Location, Needs, Signal, SignalDef};

/// A receiver as a type: what `#[receiver]` makes beside the function, under the same name.
///
/// `Registry::builder().receiver::<complete_order>()` and tests name receivers by it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a receiver",
    label = "not a receiver: no function of this name has a `#[receiver]` attribute"
)]
pub trait Receiver: 'static {
    /// What it receives.
    type Signal: Signal;
    /// What the attribute said.
    const DEF: &'static ReceiverDef;
}

/// What `#[receiver]` says of a function.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverDef {
    /// Its stable dotted name.
    pub name: &'static str,
    /// Names that it had before: each *is* this receiver.
    pub aliases: &'static [&'static str],
    /// What it receives.
    pub signal: &'static SignalDef,
    /// How it is run.
    pub options: ReceiverOptions,
    /// Says what it needs.
    pub declare: fn(&mut Needs),
    /// Decodes, extracts, calls.
    pub body: Body,
    /// Where it was declared.
    pub location: Location,
}

impl ReceiverDef {
    /// The receiver `R`, with every option at its default and no needs.
    #[must_use]
    pub const fn new<R: Receiver>(name: &'static str, location: Location, body: Body) -> Self {
        Self {
            name,
            aliases: &[],
            signal: <R::Signal as Signal>::DEF,
            options: ReceiverOptions::DEFAULT,
            declare: |_| {},
            body,
            location,
        }
    }

    /// With the names that it had before.
    #[must_use]
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// With other options than the defaults.
    #[must_use]
    pub const fn options(self, options: ReceiverOptions) -> Self {
        Self { options, ..self }
    }

    /// With needs, as `declare` says them.
    #[must_use]
    pub const fn declare(self, declare: fn(&mut Needs)) -> Self {
        Self { declare, ..self }
    }

    /// What its parameters need of the worker that runs it.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let mut needs = Needs::default();
        (self.declare)(&mut needs);
        needs
    }

    /// Its name and its aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// The options of a receiver that are not names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReceiverOptions {
    /// How often and after which waits it is tried.
    pub retry: RetryPolicy,
    /// How long one attempt may take; `None`: the worker's default (5 min; 5 s for a transactional one on SQLite).
    pub timeout: Option<Duration>,
    /// How many attempts run at once in one worker process; `None`: as many as the worker has slots for its lane.
    pub concurrency: Option<u32>,
}

impl ReceiverOptions {
    /// Every option at its default.
    pub const DEFAULT: Self = Self { retry: RetryPolicy::DEFAULT, timeout: None, concurrency: None };

    /// With `attempts` attempts per life, the first included.
    #[must_use]
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.retry.max_attempts = attempts;
        self
    }

    /// With another backoff.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.retry.backoff = backoff;
        self
    }

    /// With a time-out of its own.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// With at most `concurrency` attempts at once in one worker process.
    #[must_use]
    pub const fn concurrency(mut self, concurrency: u32) -> Self {
        self.concurrency = Some(concurrency);
        self
    }
}

impl Default for ReceiverOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What an `async fn` becomes.
pub type AsyncBody = for<'a> fn(&'a [u8], &'a Context) -> BoxFuture<'a, Result<(), RunError>>;

/// How a worker calls a receiver: the payload straight from the row, and the context of the attempt.
#[derive(Clone, Copy)]
pub enum Body {
    /// An `async fn`, polled on the worker's runtime.
    Async(AsyncBody),
    /// A plain `fn`, called on one of the worker's own blocking threads.
    Blocking(fn(&[u8], &Context) -> Result<(), RunError>),
}

impl Body {
    /// Whether this is a plain `fn`.
    #[must_use]
    pub const fn is_blocking(&self) -> bool {
        matches!(self, Self::Blocking(_))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_blocking() { "Blocking" } else { "Async" })
    }
}

/// Why a call came back without `Ok`.
#[derive(Debug)]
pub enum RunError {
    /// The payload is not what the receiver's signal looks like: a dead letter at once (W17).
    Undecodable(BoxError),
    /// An extractor found nothing to extract.
    Extract(ExtractError),
    /// The receiver returned this error.
    Failed(BoxError),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undecodable(_) => f.write_str("the payload does not decode"),
            Self::Extract(_) => f.write_str("a parameter could not be extracted"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RunError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Undecodable(error) => Some(error.as_ref()),
            Self::Extract(error) => Some(error),
            Self::Failed(error) => error.source(),
        }
    }
}
