//! What a database does for workers and operators: the life of deliveries, one method per transition.
//!
//! The methods come in the order of a delivery's life. Each is one transaction of the backend's own whose first write is
//! guarded by what it expects (id, token, life); what the guard does not match *did not happen*, and the answer says so.
//! All times are the database's. Slices may hold thousands of entries: an implementation works through them in bounded
//! batches, and locks rows in key order.

mod filter;
mod inspect;
mod operate;
mod trends;
mod words;
mod work;

pub use filter::{Filter, Found, Page};
pub use inspect::{
    AttemptRecord, Count, Counts, DeliveryDetail, DeliverySummary, LaneCounts, ReceiverInfo, WorkerRecord,
};
pub use operate::{Acting, Action, ActionId, Decided, Switch, Verb, Verdict};
pub use trends::{Bucket, ReceiverTrend, Span, Trends};
pub use work::{
    Acked, AttemptOutcome, Bookkeeping, Capabilities, Claim, ClaimLane, Claimed, Claims, DeathReason, Failed, Fate,
    Finished, Forgotten, Held, LostLease, Migration, Promoted, Pruned, ReceiverEntry, Registered, Registration,
    Renewed, Retention, SendClaim, SignalEntry, Snoozed, StoredSignal, WorkerInfo,
};

use words::words;

use std::time::Duration;

use crate::delivery::{DeliveryId, ReceiverId};
use crate::token::Incarnation;
use crate::{BoxFuture, Result};

/// The deliveries of one database, as workers and operators see them. Object-safe: used as `Arc<dyn Store>`.
///
/// # Errors
///
/// As for [`Backend`](crate::Backend). A worker repeats what failed with an error that waiting may cure, so an error must mean
/// that nothing happened, unless it is one of the connection ([`is_connection`](crate::Error::is_connection)): then nobody
/// knows, and the guard tells when it is repeated.
///
/// # Cancel safety
///
/// Each method is one transaction: dropped before it answers, it has happened or it has not, and the store is usable.
pub trait Store: Send + Sync + 'static {
    /// What this database can and cannot do; asked, not guessed.
    fn capabilities(&self) -> Capabilities;

    /// Every migration, oldest first, as SQL that a team may run with its own tool.
    fn migrations(&self) -> Vec<Migration>;

    /// Brings the tables up to date. Safe to call from many processes at once; does nothing when there is nothing to do,
    /// also when a newer release has applied additive migrations (D7).
    fn migrate(&self) -> BoxFuture<'_, Result<()>>;

    /// Stores the receivers of this binary, and finds their ids (I14, I15). Writes only what changed.
    ///
    /// A name that any receiver lists as alias is that receiver: one id. When both have ids already, the alias's name and
    /// its pending deliveries move to the receiver's id in one transaction; of two pending for one signal the alias's is
    /// cancelled with reason "merged". Whoever runs a delivery of the alias meanwhile loses it, because its id changes: what
    /// it says afterwards matches nothing, a transactional receiver rolls back, and the delivery counts one lost lease and
    /// runs again when its lease is over. A pause or a retirement of either holds for both. A kept name for a different signal is [`NameTaken`](crate::Error::NameTaken).
    /// Signals' names and aliases share one identity in the same way. A retired receiver stays retired and is reported.
    fn register<'a>(&'a self, registration: &'a Registration) -> BoxFuture<'a, Result<Registered>>;

    /// The ids under which `registration`'s receivers are stored already, without writing anything; receivers that are
    /// not stored are absent from the answer. Workers call it again and again to notice merges and pauses.
    fn resolve<'a>(&'a self, registration: &'a Registration) -> BoxFuture<'a, Result<Registered>>;

    /// Draws an incarnation and stores it *durably* before it answers; a conflict draws again. Rows of `worker` are never
    /// deleted: an implementation that lets one be drawn twice breaks the fence.
    fn enlist<'a>(&'a self, worker: &'a WorkerInfo) -> BoxFuture<'a, Result<Incarnation>>;

    /// Notes that the worker is alive, and which lanes it knows. Writes, so that its success proves that this connection
    /// can write.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::Error::Unavailable), too, when that incarnation is not stored: the database is another one
    /// by now, so the worker enlists anew, as after a lost connection.
    fn heartbeat<'a>(&'a self, incarnation: Incarnation, worker: &'a WorkerInfo) -> BoxFuture<'a, Result<()>>;

    /// Notes that the worker has stopped.
    ///
    /// # Errors
    ///
    /// As [`Store::heartbeat`].
    fn resign(&self, incarnation: Incarnation) -> BoxFuture<'_, Result<()>>;

    /// The same store over a connection of its own, opened on the calling runtime: what the keeper renews through while
    /// everything else is busy.
    fn dedicated(&self) -> BoxFuture<'_, Result<std::sync::Arc<dyn Store>>>;

    /// Hints that something may be ready, where the database can give them across processes. Only ever a hint: polling
    /// alone is complete.
    fn hints(&self) -> BoxFuture<'_, Result<Option<Box<dyn Hints>>>>;

    /// T2 and T9: takes what is due, lane by lane. At most `limit` in all, at most a lane's own limit from it, oldest first.
    ///
    /// Must be atomic: an implementation that selects first and updates later delivers twice.
    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Claims>>;

    /// T3: extends leases. The answer has one entry for each `held`, in order. A row that another statement holds locked
    /// is [`Renewed::Unknown`], not lost.
    fn renew<'a>(&'a self, held: &'a [Held], lease: Duration) -> BoxFuture<'a, Result<Vec<Renewed>>>;

    /// T4 for plain receivers: batched, durable. One answer for each, in order.
    fn ack<'a>(&'a self, acked: &'a [Acked]) -> BoxFuture<'a, Result<Vec<Finished>>>;

    /// T5 and T7: records the attempt, and moves the delivery to where its fate says. One answer for each, in order.
    fn fail<'a>(&'a self, failed: &'a [Failed]) -> BoxFuture<'a, Result<Vec<Finished>>>;

    /// T6: ready again after a delay, the attempt refunded within the limits of
    /// [`Counters::refunded`](crate::delivery::Counters::refunded).
    fn snooze<'a>(&'a self, snoozed: &'a [Snoozed]) -> BoxFuture<'a, Result<Vec<Finished>>>;

    /// T8: ready again at once, the attempt refunded likewise.
    fn release<'a>(&'a self, held: &'a [Held]) -> BoxFuture<'a, Result<Vec<Finished>>>;

    /// Moves what became due where it can be claimed, at most `limit`. Which of it, and what
    /// [`next_due`](Promoted::next_due) tells of, is up to the implementation, as long as whoever asks again and again gets
    /// everything within seconds: Postgres begins where it ended, and only now and then at the bottom.
    fn promote(&self, limit: usize) -> BoxFuture<'_, Result<Promoted>>;

    /// The next [`claim`](Store::claim) of each lane and the next [`promote`](Store::promote) through this store leave out
    /// nothing that was committed by now: for whoever wants to know that nothing is due. Nothing to do where they never do.
    ///
    /// An implementation that remembers where to begin, and does not forget it here, lets `drain` end with work undone.
    fn look_everywhere(&self) {}

    /// Sends have claimed these and committed: for implementations that remember where a lane's next claim begins. Speed
    /// alone may rest on it.
    fn passed(&self, held: &[Held]) {
        let _ = held;
    }

    /// T10: cancels, whoever runs them. One verdict for each, in order: what another transaction changed first is told so
    /// (W20). Of one named twice, under whatever id, the second finds it as the first left it.
    ///
    /// Each batch is one transaction together with its count in the log of actions: an implementation that writes the log
    /// apart from what it tells has lines that nothing did, or deeds that no line tells. When a later batch fails, the ones
    /// before it stay, and the answer ends with them: whoever asked asks again for the rest. An error means that nothing
    /// happened.
    ///
    /// # Errors
    ///
    /// Returns [`Contention`](crate::Error::Contention) when another transaction is in the way of one of them.
    fn cancel<'a>(&'a self, deliveries: &'a [DeliveryId], acting: &'a Acting<'a>) -> BoxFuture<'a, Result<Decided>>;

    /// T10: makes dead letters of them by hand, whoever runs them. As [`Store::cancel`].
    ///
    /// # Errors
    ///
    /// As [`Store::cancel`].
    fn discard<'a>(&'a self, deliveries: &'a [DeliveryId], acting: &'a Acting<'a>) -> BoxFuture<'a, Result<Decided>>;

    /// T11: ready at once in a new life, counters at zero, history kept; a signal's row is put back under its id when it
    /// was forgotten. As [`Store::cancel`].
    ///
    /// What a merge of two receivers left dead or cancelled under the old id is [`Merged`](Verdict::Merged), whatever became
    /// of the other delivery of its signal (I15): an implementation that begins a life for it, or moves it to who took over,
    /// runs a second time what may be done and, without history, in no table.
    ///
    /// # Errors
    ///
    /// As [`Store::cancel`].
    fn retry<'a>(&'a self, deliveries: &'a [DeliveryId], acting: &'a Acting<'a>) -> BoxFuture<'a, Result<Decided>>;

    /// Pauses, resumes, retires or restores a receiver. Answers whether that changed anything; only then the log has a
    /// line, with the receiver's name as its subject.
    fn switch<'a>(&'a self, receiver: ReceiverId, switch: Switch, actor: &'a str) -> BoxFuture<'a, Result<bool>>;

    /// Counts by lane and state, in one snapshot.
    fn counts(&self) -> BoxFuture<'_, Result<Counts>>;

    /// What happened within `span`, receiver by receiver, in one snapshot.
    fn trends<'a>(&'a self, span: &'a Span) -> BoxFuture<'a, Result<Trends>>;

    /// The log of actions, newest first: at most `limit` lines before `before`.
    fn actions(&self, before: Option<ActionId>, limit: usize) -> BoxFuture<'_, Result<Vec<Action>>>;

    /// The receivers of this database, by name.
    fn receivers(&self) -> BoxFuture<'_, Result<Vec<ReceiverInfo>>>;

    /// The workers that were seen within `within`.
    fn workers(&self, within: Duration) -> BoxFuture<'_, Result<Vec<WorkerRecord>>>;

    /// Deliveries that match, newest signal first, then by receiver; `filter.after` continues a page. Whatever changes
    /// between two pages, no delivery is told twice, and none is left out that was there and matched all the while.
    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Page>>;

    /// The ids alone of what [`list`](Store::list) would tell, at most `limit` of them whatever the filter's limit is.
    fn find<'a>(&'a self, filter: &'a Filter, limit: usize) -> BoxFuture<'a, Result<Found>>;

    /// One delivery with all its attempts and its payload, wherever it is; looked up in one snapshot.
    fn get(&self, delivery: DeliveryId) -> BoxFuture<'_, Result<Option<DeliveryDetail>>>;

    /// T12: forgets what is settled and older than its retention, and idempotency keys likewise; at most `limit` rows.
    /// `by` is who does it by hand; workers do it for nobody, and leave no line in the log.
    fn prune<'a>(
        &'a self,
        retention: &'a Retention,
        limit: usize,
        by: Option<&'a Acting<'a>>,
    ) -> BoxFuture<'a, Result<Pruned>>;

    /// T13: forgets signals that nothing refers to and that are older than `older_than`; at most `limit`.
    fn forget(&self, older_than: Duration, limit: usize) -> BoxFuture<'_, Result<Forgotten>>;
}

/// A source of hints.
pub trait Hints: Send {
    /// Resolves when something may have become ready.
    ///
    /// # Cancel safety
    ///
    /// Must lose no hint when it is dropped and called again.
    fn next(&mut self) -> BoxFuture<'_, Result<()>>;
}
