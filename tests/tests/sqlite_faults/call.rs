//! Calls into the backend, which are left in the middle of a statement.
//!
//! SQLite has no wire that could be cut. What a lost connection is elsewhere is here a call that nobody waits for any more:
//! its future is dropped right before a statement goes to the connection's thread, or once it has gone there, when it is done
//! whatever becomes of its answer. The caller is told what a lost connection tells.
//!
//! sqlx asks for the current span of `tracing` with each command that it sends to a connection's thread, to enter it there. A
//! subscriber that is asked outside of a [`Call`] knows of none; inside of one it counts, and so every statement is counted
//! without a line in the product. A query that is a stream asks once more, when it is begun: that one is cut twice.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Once};
use std::task::{Context, Poll};

use signals_conformance::faults::{Cut, Meter};
use signals_core::{BoxFuture, Error, Result};
use tracing::{Event, Metadata, Subscriber, span};
use tracing_core::span::Current;

/// What a call may have done for good when its last answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// Nothing.
    Open,
    /// It may have committed.
    Committed,
}

/// One call into the backend.
pub(crate) struct Call<'a, T> {
    /// `None` once it was left.
    work: Option<BoxFuture<'a, Result<T>>>,
    ends: Ends,
    point: Point,
}

/// Where a call is.
#[derive(Clone)]
struct Point {
    meter: Arc<Meter>,
    name: &'static str,
    /// How many statements it has sent.
    sent: u32,
    /// The last one's answer is lost.
    is_lost: bool,
}

thread_local! {
    /// The call that this thread polls.
    static POLLED: RefCell<Option<Point>> = const { RefCell::new(None) };
}

/// Unwinds a call to where it was polled from.
struct Leave;

impl<'a, T> Call<'a, T> {
    /// Counts the statements of `work`. One that is cut ends it with the error of a lost connection.
    pub(crate) fn new(meter: &Arc<Meter>, name: &'static str, ends: Ends, work: BoxFuture<'a, Result<T>>) -> Self {
        static LISTEN: Once = Once::new();
        LISTEN.call_once(|| tracing::subscriber::set_global_default(Ear).expect("nobody else listens here"));
        let point = Point { meter: meter.clone(), name, sent: 0, is_lost: false };
        Self { work: Some(work), ends, point }
    }
}

impl<T> Future for Call<'_, T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let outer = POLLED.replace(Some(self.point.clone()));
        let work = self.work.as_mut().expect("a call is not polled after it has answered");
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
        self.point = POLLED.replace(outer).expect("it was put there");
        match polled {
            Err(panic) if !panic.is::<Leave>() => resume_unwind(panic),
            Ok(Poll::Pending) if !self.point.is_lost => return Poll::Pending,
            Ok(Poll::Ready(answer)) if !self.point.is_lost => {
                self.work = None;
                return Poll::Ready(answer);
            }
            Err(_) | Ok(_) => {}
        }
        self.work = None;
        let why = format!("`{}` was cut", self.point.name).into();
        // A COMMIT asks twice, too. Left at the second time, it is on its way: from out here nobody knows.
        let has_sent = self.point.is_lost || self.point.sent > 1;
        Poll::Ready(Err(match (self.ends, has_sent) {
            (Ends::Committed, true) => Error::CommitUnknown(why),
            (Ends::Committed, false) | (Ends::Open, _) => Error::Unavailable(why),
        }))
    }
}

/// Hears when sqlx sends a statement to a connection's thread.
struct Ear;

impl Subscriber for Ear {
    fn current_span(&self) -> Current {
        // What is undone on the way out is neither counted nor cut.
        if std::thread::panicking() {
            return Current::none();
        }
        let leave = POLLED.with_borrow_mut(|polled| {
            let Some(point) = polled else { return false };
            point.sent += 1;
            let cut = point.meter.next(|| format!("{} {}", point.name, point.sent));
            let was_lost = point.is_lost;
            point.is_lost |= cut == Some(Cut::After);
            // Whoever has the answer already, and goes on to the next statement, is left here.
            was_lost || cut == Some(Cut::Before)
        });
        if leave {
            resume_unwind(Box::new(Leave));
        }
        Current::none()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
