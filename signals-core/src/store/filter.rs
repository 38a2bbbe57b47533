//! Which deliveries are meant, and how they are told page by page.

use std::fmt;
use std::time::Duration;

use crate::delivery::{DeliveryId, State};
use crate::store::DeliverySummary;

/// Which deliveries to list, or to act on. What is `None` or empty narrows nothing.
///
/// [`Display`](fmt::Display) says it in words: what the log of actions keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only these states; empty: all.
    pub states: Vec<State>,
    /// Only this receiver, by name or alias.
    pub receiver: Option<String>,
    /// Only this signal, by the name it was sent under.
    pub signal: Option<String>,
    /// Only what was sent at least this long ago.
    pub older_than: Option<Duration>,
    /// Only what was sent less than this long ago.
    pub younger_than: Option<Duration>,
    /// Only those whose reason of death, or the error of one of their attempts, contains this text: literally, in capital or
    /// small letters of ASCII.
    pub error: Option<String>,
    /// Continue behind this delivery: [`Page::next`] of the page before.
    pub after: Option<DeliveryId>,
    /// The most deliveries of the page; zero means 100, and more than [`Filter::MOST`] means that.
    pub limit: usize,
}

impl Filter {
    /// The most deliveries that one page has, whatever the filter says.
    pub const MOST: usize = 1_000;

    /// The most deliveries of this filter's page.
    #[must_use]
    pub fn page(&self) -> usize {
        if self.limit == 0 { 100 } else { self.limit.min(Self::MOST) }
    }

    /// The states that are meant.
    #[must_use]
    pub fn states(&self) -> &[State] {
        if self.states.is_empty() { &State::ALL } else { &self.states }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states: Vec<_> = self.states().iter().map(|state| state.as_str()).collect();
        f.write_str(&states.join(" or "))?;
        if let Some(receiver) = &self.receiver {
            write!(f, ", receiver {receiver}")?;
        }
        if let Some(signal) = &self.signal {
            write!(f, ", signal {signal}")?;
        }
        if let Some(age) = self.older_than {
            write!(f, ", older than {age:?}")?;
        }
        if let Some(age) = self.younger_than {
            write!(f, ", younger than {age:?}")?;
        }
        if let Some(error) = &self.error {
            write!(f, ", error {error:?}")?;
        }
        Ok(())
    }
}

/// One page of deliveries.
///
/// A page is bounded work as well as bounded length: where a filter leaves most deliveries out, a page may be shorter than
/// its limit, or empty, though there are more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The deliveries.
    pub deliveries: Vec<DeliverySummary>,
    /// Where the next page begins ([`Filter::after`]); `None`: there is none.
    pub next: Option<DeliveryId>,
}

/// The ids of deliveries that match: what is done to many goes by. Bounded work, as a [`Page`] is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The deliveries.
    pub ids: Vec<DeliveryId>,
    /// Where to go on ([`Filter::after`]); `None`: there are no more.
    pub next: Option<DeliveryId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_says_in_words_what_it_means() {
        let filter = Filter {
            states: vec![State::Dead, State::Cancelled],
            receiver: Some("mail".to_owned()),
            older_than: Some(Duration::from_secs(90)),
            error: Some("time \"out\"".to_owned()),
            ..Filter::default()
        };
        assert_eq!(filter.to_string(), "dead or cancelled, receiver mail, older than 90s, error \"time \\\"out\\\"\"");
        assert_eq!(Filter::default().to_string(), "ready or running or done or dead or cancelled");
    }
}
