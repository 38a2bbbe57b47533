//! Which rig must notice which break, by which of its tests and in whose words; and which cannot, and why.
//!
//! A rig is added by one entry of [`RIGS`], a break by one variant of [`Break`](super::matrix::Break) and a cell for each rig.

use crate::postgres::Need;

use super::matrix::Cell::{self, Blind, Says, Sees};
use super::matrix::{Rig, Run};

/// The cases of the suite that notice, on every backend alike.
const STALE: Cell = Sees(&[
    ("i6_the_token_of_an_earlier_attempt_matches_nothing", "right: Stale"),
    ("i6_a_transaction_under_an_old_token_cannot_acknowledge", "it is another's"),
    ("w5_nothing_that_a_zombie_writes_matches", "right: Lost"),
]);
const BY_ITSELF: Cell = Sees(&[
    ("i1_nothing_is_seen_before_the_commit", "not committed yet"),
    ("i1_a_rolled_back_transaction_stores_nothing", "right: (0, None)"),
]);
const TOO_EARLY: Cell = Sees(&[("w7_a_panic_is_a_failed_attempt", "right: (1, 2)")]);
const TOO_FEW: Cell = Sees(&[
    ("i14_receivers_that_the_sender_does_not_link_get_their_delivery", "right: (2, 2)"),
    ("w16_e3_an_added_receiver_gets_every_signal_sent_since_it_was_registered", "added"),
]);
/// How the story of faults ends, at the first order that is undone.
const UNDONE: &str = "I1: rows and signals of what was rolled back";

const ONE_WRITER: Cell =
    Blind("its backend has one writer and no floors: nothing commits late, and every claim looks everywhere");
const LINKS_ALL: Cell = Blind("whoever sends in it links every receiver");
const NO_SENDER_DIES: Cell = Blind("no sender of it is killed or rolls back");
const NO_WORKER_DIES: Cell = Blind("no worker of it is killed, and no receiver fails");
const NO_ZOMBIE: Cell = Blind("no worker of it wakes up after its lease");
const ENDED_SAVEPOINT: Cell =
    Blind("it sends inside savepoints, which a commit ends: that is an error before it is a difference");
const NO_WORKERS: Cell = Blind("it has no workers, and runs no receivers");
const NO_LOSS: Cell = Blind("its worker lives, and says again what was cut: an early end is not seen");
const NOTHING_BELOW: Cell = Blind("whether something stands below the floors in it is chance");

/// Every rig.
pub(super) const RIGS: &[Rig] = &[
    Rig::tests_of("conformance-memory", "tests", "memory", [STALE, BY_ITSELF, TOO_EARLY, TOO_FEW, ONE_WRITER]).quick(),
    Rig::tests_of("conformance-sqlite", "tests", "sqlite", [STALE, BY_ITSELF, TOO_EARLY, TOO_FEW, ONE_WRITER]),
    Rig::tests_of(
        "conformance-postgres",
        "tests",
        "postgres",
        [
            STALE,
            BY_ITSELF,
            TOO_EARLY,
            TOO_FEW,
            Sees(&[
                ("s13_a_straggler_below_the_floors_is_found_by_the_next_sweep", "the straggler to be found"),
                ("t9_an_expired_lease_below_the_floors_is_stolen_by_a_sweep", "the lease is stolen"),
            ]),
        ],
    )
    .needs(Need::Server)
    .quick(),
    Rig::tests_of(
        "histories-sqlite",
        "tests",
        "sqlite",
        [
            Sees(&[("i6_t9_histories_of_dying_workers_end_as_in_the_model", "it answers")]),
            ENDED_SAVEPOINT,
            NO_WORKERS,
            LINKS_ALL,
            ONE_WRITER,
        ],
    )
    .beside_a_sound_model(),
    Rig::tests_of(
        "histories-postgres",
        "tests",
        "postgres",
        [
            Sees(&[("i6_t9_histories_of_dying_workers_end_as_in_the_model", "it answers")]),
            ENDED_SAVEPOINT,
            NO_WORKERS,
            LINKS_ALL,
            Sees(&[("i6_t9_histories_of_dying_workers_end_as_in_the_model", "it answers")]),
        ],
    )
    .needs(Need::Server)
    .beside_a_sound_model(),
    Rig::tests_of(
        "testing-kit",
        "signals-runtime",
        "testing",
        [
            Sees(&[
                (
                    "i6_what_a_worker_without_its_lease_acknowledges_is_refused",
                    "was not refused, though another holds its delivery",
                ),
                (
                    "i5_i6_a_receiver_runs_twice_and_without_its_lease_in_a_file",
                    "was not refused, though another holds its delivery",
                ),
            ]),
            Sees(&[(
                "i1_a_transaction_that_rolled_back_has_sent_nothing",
                "expected: no `payments.PaymentCompleted` that the closure accepts",
            )]),
            Sees(&[("e14_a_run_fails_when_its_receiver_fails", "the step fails")]),
            Blind("a test with it links every receiver, or names it"),
            ONE_WRITER,
        ],
    ),
    Rig::tests_of(
        "faults-sqlite",
        "tests",
        "sqlite_faults",
        [
            NO_ZOMBIE,
            Sees(&[("s1_s3_s6_i1_i5_a_call_left_before_any_statement_loses_and_doubles_nothing", UNDONE)]),
            NO_LOSS,
            LINKS_ALL,
            ONE_WRITER,
        ],
    ),
    Rig::tests_of(
        "faults-postgres",
        "tests/rig-postgres",
        "postgres_faults",
        [
            NO_ZOMBIE,
            Sees(&[("s1_s3_i1_i5_a_connection_cut_before_any_statement_loses_and_doubles_nothing", UNDONE)]),
            NO_LOSS,
            LINKS_ALL,
            NOTHING_BELOW,
        ],
    )
    .needs(Need::Server),
    Rig {
        name: "chaos-sqlite",
        run: Run::Program {
            bin: "signals-chaos",
            args: &["campaign", "sqlite", "FOLDER", "seconds", "40", "1", "all"],
        },
        needs: None,
        env: &[],
        quick: false,
        cells: [
            Says("a stale acknowledgement was accepted"),
            Says("BROKEN I1"),
            Says("BROKEN I3"),
            LINKS_ALL,
            ONE_WRITER,
        ],
    },
    Rig {
        name: "chaos-postgres",
        run: Run::Program {
            bin: "signals-chaos",
            args: &["campaign", "postgres", "FOLDER", "seconds", "40", "1", "all"],
        },
        needs: Some(Need::Programs),
        env: &[],
        quick: false,
        cells: [
            Says("a stale acknowledgement was accepted"),
            Says("BROKEN I5"),
            Says("BROKEN I3"),
            LINKS_ALL,
            Says("left behind"),
        ],
    },
    Rig::tests_of(
        "workers-sqlite",
        "tests/rig",
        "processes",
        [
            Sees(&[(
                "w5_i6_a_worker_that_slept_past_its_lease_changes_nothing_when_it_wakes",
                "the heir's end did not happen",
            )]),
            NO_SENDER_DIES,
            Sees(&[(
                "w1_e15_l1_a_killed_workers_delivery_runs_again_within_its_lease_and_a_second",
                "the second start did not happen",
            )]),
            LINKS_ALL,
            ONE_WRITER,
        ],
    ),
    Rig::tests_of(
        "senders-sqlite",
        "tests/chaos",
        "senders",
        [
            NO_ZOMBIE,
            Sees(&[("s1_a_sender_killed_between_insert_and_commit_has_stored_nothing", "right: ([], [])")]),
            NO_WORKERS,
            LINKS_ALL,
            ONE_WRITER,
        ],
    ),
    Rig::tests_of(
        "workers-postgres",
        "tests/rig-postgres",
        "postgres_workers",
        [
            Sees(&[(
                "w5_i6_a_worker_that_wakes_while_its_heir_works_changes_nothing_on_a_server",
                "for both, the heir too, to finish",
            )]),
            Sees(&[("s1_senders_killed_at_any_moment_store_all_or_nothing_on_a_server", "S1, I1: a booking without")]),
            Sees(&[(
                "w1_l1_a_killed_workers_delivery_runs_again_within_its_lease_and_a_second_on_a_server",
                "for the second start",
            )]),
            LINKS_ALL,
            Sees(&[(
                "w1_l1_a_killed_workers_delivery_runs_again_within_its_lease_and_a_second_on_a_server",
                "for the second start",
            )]),
        ],
    )
    .needs(Need::Programs),
    Rig::tests_of(
        "horizon-postgres",
        "tests/rig-postgres",
        "postgres_horizon",
        [
            NO_ZOMBIE,
            NO_SENDER_DIES,
            NO_WORKER_DIES,
            LINKS_ALL,
            Sees(&[(
                "s13_a_very_long_transaction_that_commits_after_younger_ones_is_found_soon",
                "for the long one to be done",
            )]),
        ],
    )
    .needs(Need::Programs),
    Rig::tests_of(
        "skew-sqlite",
        "tests/skew",
        "skew",
        [
            NO_ZOMBIE,
            NO_SENDER_DIES,
            NO_WORKER_DIES,
            Sees(&[("w16_a_release_under_load_and_its_rollback_lose_burn_and_repeat_nothing", "I14: ")]),
            ONE_WRITER,
        ],
    ),
    Rig::tests_of(
        "skew-postgres",
        "tests/skew",
        "postgres_skew",
        [
            NO_ZOMBIE,
            NO_SENDER_DIES,
            NO_WORKER_DIES,
            Sees(&[("w16_a_release_on_postgres_under_load_and_its_rollback_lose_burn_and_repeat_nothing", "I14: ")]),
            NOTHING_BELOW,
        ],
    )
    .needs(Need::Server),
];

/// Tests of processes and servers that are about promises which no break takes away: folder, name, and what they are about.
#[cfg(test)]
pub(super) const OTHERS: &[(&str, &str, &str)] = &[
    ("tests/rig", "blocking", "time-outs, and receivers that block"),
    ("tests/rig", "crashes", "deliveries that kill their workers are buried"),
    ("tests/rig", "footprint", "the memory of a worker"),
    ("tests/rig", "full_disk", "a disk without room"),
    ("tests/rig", "locks", "SQLite's one lock in other hands"),
    ("tests/rig", "pool", "a pool without a free connection"),
    ("tests/rig", "readonly", "a file that is not writable"),
    ("tests/rig", "robust", "what a worker survives inside one process"),
    ("tests/rig-postgres", "postgres_bodies", "receivers that take their process down or block it"),
    ("tests/rig-postgres", "postgres_bouncer", "the suite once more, behind a pooler"),
    ("tests/rig-postgres", "postgres_clocks", "clocks that are wrong"),
    ("tests/rig-postgres", "postgres_contention", "deadlocks"),
    (
        "tests/rig-postgres",
        "postgres_crashes",
        "what a server that dies forgets: switches break the library, not the server",
    ),
    ("tests/rig-postgres", "postgres_full_disk", "a server without room"),
    ("tests/rig-postgres", "postgres_operations", "what operators are told to ask"),
    ("tests/rig-postgres", "postgres_pools", "poolers, and sessions that listen"),
    ("tests/rig-postgres", "postgres_refusals", "how a server's refusals are told"),
    ("tests/rig-postgres", "postgres_roles", "what each role may do"),
    ("tests/rig-postgres", "postgres_stores", "tokens after a crash, which are counted and not compared there"),
    ("tests/rig-postgres", "postgres_wires", "wires that are cut in single places"),
];
