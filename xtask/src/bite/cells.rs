//! What several rigs make of a break: by which of their tests they notice, or why they cannot.

use super::matrix::Cell::{self, Blind, Sees};

/// The cases of the suite that notice, on every backend alike.
pub(super) const STALE: Cell = Sees(&[
    ("i6_the_token_of_an_earlier_attempt_matches_nothing", "right: Stale"),
    ("i6_a_transaction_under_an_old_token_cannot_acknowledge", "it is another's"),
    ("w5_nothing_that_a_zombie_writes_matches", "right: Lost"),
]);
pub(super) const BY_ITSELF: Cell = Sees(&[
    ("i1_nothing_is_seen_before_the_commit", "not committed yet"),
    ("i1_a_rolled_back_transaction_stores_nothing", "right: (0, None)"),
]);
pub(super) const TOO_EARLY: Cell = Sees(&[("w7_a_panic_is_a_failed_attempt", "right: (1, 2)")]);
pub(super) const TOO_FEW: Cell = Sees(&[
    ("i14_receivers_that_the_sender_does_not_link_get_their_delivery", "right: (2, 2)"),
    ("w16_e3_an_added_receiver_gets_every_signal_sent_since_it_was_registered", "added"),
]);
/// What is said of a booking that has none, or two.
pub(super) const ONE_EFFECT: &str = "I5: what was booked has one effect";
/// How the story of faults ends, at the first order that is undone.
pub(super) const UNDONE: &str = "I1: rows and signals of what was rolled back";
/// How it ends where nothing can be refused any more, because it is done already.
pub(super) const UNREFUSED: &str = "the audit to be refused";
/// How it ends where a connection is left inside a transaction.
pub(super) const UNREST: &str = "S6: not every connection is at rest";

/// What is said of a story in which a commit was cut, and of no other: that statement, and what was not as it must be.
pub(super) const LOST_SQLITE: &str = ",before, at `commit 1`: assertion `left == right` failed: I1: business rows";
pub(super) const LOST_POSTGRES: &str =
    ",before, at `SELECT; COMMIT AND CHAIN`: assertion `left == right` failed: I1: business rows";
pub(super) const DOUBLED_SQLITE: &str = ",after, at `commit 1`: assertion `left == right` failed: I1: business rows";
pub(super) const DOUBLED_POSTGRES: &str =
    ",after, at `SELECT; COMMIT AND CHAIN`: assertion `left == right` failed: I1: business rows";

pub(super) const ONE_WRITER: Cell =
    Blind("its backend has one writer and no floors: nothing commits late, and every claim looks everywhere");
pub(super) const LINKS_ALL: Cell = Blind("whoever sends in it links every receiver");
pub(super) const NO_SENDER_DIES: Cell = Blind("no sender of it is killed or rolls back");
pub(super) const DIES_BY_CHANCE: Cell =
    Blind("no sender of it dies, and whether a worker dies between an effect and its acknowledgement is chance");
pub(super) const NO_WORKER_DIES: Cell = Blind("no worker of it is killed, and no receiver fails");
pub(super) const NO_ZOMBIE: Cell = Blind("no worker of it wakes up after its lease");
pub(super) const ENDED_SAVEPOINT: Cell =
    Blind("it sends inside savepoints, which a commit ends: that is an error before it is a difference");
pub(super) const NO_WORKERS: Cell = Blind("it has no workers, and runs no receivers");
pub(super) const NOTHING_BELOW: Cell = Blind("whether something stands below the floors in it is chance");
pub(super) const NOBODY_LOOKS: Cell =
    Blind("nobody in it looks whether a connection of the pool is inside a transaction");
pub(super) const NO_COMMIT_IS_LOST: Cell = Blind("no connection of it is lost, or left, during a commit");
pub(super) const LOST_BY_CHANCE: Cell =
    Blind("whether a connection of it is lost between a commit and its answer is chance");
