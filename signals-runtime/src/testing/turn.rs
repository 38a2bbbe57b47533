//! Whose turn it is: one step at a time moves the worker.

use std::fmt;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use tokio::sync::MutexGuard;

use super::message::Message;
use crate::worker::ByHand;

/// A verb, and the line of the test that says it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) verb: &'static str,
    pub(super) at: &'static Location<'static>,
}

impl Call {
    /// `verb`, said by the caller of the function that asks.
    #[track_caller]
    pub(super) fn of(verb: &'static str) -> Self {
        Self { verb, at: Location::caller() }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` at {}", self.verb, self.at)
    }
}

/// The worker, and who moves it.
pub(super) struct Turns {
    worker: tokio::sync::Mutex<ByHand>,
    last: Mutex<Option<Call>>,
}

impl Turns {
    pub(super) fn new(worker: ByHand) -> Self {
        Self { worker: tokio::sync::Mutex::new(worker), last: Mutex::default() }
    }

    /// Takes the worker for this step. A step inside of another would wait for it for ever, so nobody waits.
    pub(super) fn take(&self, call: Call) -> Result<MutexGuard<'_, ByHand>, Message> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match (self.worker.try_lock(), *last) {
            (Ok(worker), _) => {
                *last = Some(call);
                Ok(worker)
            }
            (Err(_), other) => {
                let other = other.map_or_else(|| "another step".to_owned(), |other| other.to_string());
                Err(Message::new("another step has not ended")
                    .expected(format!("one step at a time: {call} after {other}"))
                    .instead(format!("{call} inside of {other}, or beside it")))
            }
        }
    }
}
