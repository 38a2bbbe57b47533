//! Which rig must notice which break, by which of its tests and in whose words; and which cannot, and why.
//!
//! A rig is added by one entry of [`RIGS`], a break by one variant of [`Break`](super::matrix::Break) and a cell for each rig.

use crate::postgres::Need;

use super::matrix::Cell::{self, Blind};
use super::matrix::{Rig, Run, sees};

/// The cases of the suite that notice, on every backend alike.
const STALE: Cell = sees(
    &[
        "i6_the_token_of_an_earlier_attempt_matches_nothing",
        "i6_a_transaction_under_an_old_token_cannot_acknowledge",
        "w5_nothing_that_a_zombie_writes_matches",
    ],
    "right: Stale",
);
const BY_ITSELF: Cell =
    sees(&["i1_nothing_is_seen_before_the_commit", "i1_a_rolled_back_transaction_stores_nothing"], "not committed yet");
const TOO_EARLY: Cell = sees(&["w7_a_panic_is_a_failed_attempt"], "right: (1, 2)");
const TOO_FEW: Cell = sees(
    &[
        "i14_receivers_that_the_sender_does_not_link_get_their_delivery",
        "w16_e3_an_added_receiver_gets_every_signal_sent_since_it_was_registered",
    ],
    "right: (2, 2)",
);

const ONE_WRITER: Cell =
    Blind("its backend has one writer and no floors: nothing commits late, and every claim looks everywhere");
const LINKS_ALL: Cell = Blind("whoever sends in it links every receiver");
const NO_SENDER_DIES: Cell = Blind("no sender of it is killed or rolls back");
const NO_WORKER_DIES: Cell = Blind("no worker of it is killed, and no receiver fails");
const NO_ZOMBIE: Cell = Blind("no worker of it wakes up after its lease");
const ENDED_SAVEPOINT: Cell =
    Blind("it sends inside savepoints, which a commit ends: that is an error before it is a difference");
const NO_WORKERS: Cell = Blind("it has no workers, and runs no receivers");
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
            sees(
                &[
                    "s13_a_straggler_below_the_floors_is_found_within_a_second",
                    "t9_an_expired_lease_below_the_floors_is_stolen_by_a_sweep",
                ],
                "the straggler was not found",
            ),
        ],
    )
    .needs(Need::Server)
    .quick(),
    Rig::tests_of(
        "histories-sqlite",
        "tests",
        "sqlite",
        [
            sees(&["i6_t9_histories_of_dying_workers_end_as_in_the_model"], "it answers"),
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
            sees(&["i6_t9_histories_of_dying_workers_end_as_in_the_model"], "it answers"),
            ENDED_SAVEPOINT,
            NO_WORKERS,
            LINKS_ALL,
            sees(&["i6_t9_histories_of_dying_workers_end_as_in_the_model"], "it answers"),
        ],
    )
    .needs(Need::Server)
    .beside_a_sound_model(),
    Rig::tests_of(
        "testing-kit",
        "signals-runtime",
        "testing",
        [
            sees(
                &[
                    "i6_what_a_worker_without_its_lease_acknowledges_is_refused",
                    "i5_i6_a_receiver_runs_twice_and_without_its_lease_in_a_file",
                ],
                "was not refused, though another holds its delivery",
            ),
            sees(
                &["i1_a_transaction_that_rolled_back_has_sent_nothing"],
                "expected: no `payments.PaymentCompleted` that the closure accepts",
            ),
            sees(&["e14_a_run_fails_when_its_receiver_fails"], "the step fails"),
            Blind("a test with it links every receiver, or names it"),
            ONE_WRITER,
        ],
    ),
    Rig {
        name: "chaos-sqlite",
        run: Run::Program {
            bin: "signals-chaos",
            args: &["campaign", "sqlite", "FOLDER", "seconds", "40", "1", "all"],
        },
        needs: None,
        env: &[],
        quick: false,
        cells: [sees(&[], "BROKEN I6"), sees(&[], "BROKEN I1"), sees(&[], "BROKEN I3"), LINKS_ALL, ONE_WRITER],
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
            sees(&[], "BROKEN I6"),
            sees(&[], "BROKEN I5"),
            sees(&[], "BROKEN I3"),
            LINKS_ALL,
            sees(&[], "left behind"),
        ],
    },
    Rig::tests_of(
        "workers-sqlite",
        "tests/rig",
        "processes",
        [
            sees(
                &["w5_i6_a_worker_that_slept_past_its_lease_changes_nothing_when_it_wakes"],
                "the heir's end did not happen",
            ),
            NO_SENDER_DIES,
            sees(
                &["w1_e15_l1_a_killed_workers_delivery_runs_again_within_its_lease_and_a_second"],
                "the second start did not happen",
            ),
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
            sees(&["s1_a_sender_killed_between_insert_and_commit_has_stored_nothing"], "right: ([], [])"),
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
            sees(
                &["w5_i6_a_worker_that_wakes_while_its_heir_works_changes_nothing_on_a_server"],
                "for both, the heir too, to finish",
            ),
            sees(&["s1_senders_killed_at_any_moment_store_all_or_nothing_on_a_server"], "S1, I1: a booking without"),
            sees(
                &["w1_l1_a_killed_workers_delivery_runs_again_within_its_lease_and_a_second_on_a_server"],
                "for the second start",
            ),
            LINKS_ALL,
            sees(
                &["w1_l1_a_killed_workers_delivery_runs_again_within_its_lease_and_a_second_on_a_server"],
                "for the second start",
            ),
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
            sees(
                &["s13_a_very_long_transaction_that_commits_after_younger_ones_is_found_soon"],
                "for the long one to be done",
            ),
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
            sees(&["w16_a_release_under_load_and_its_rollback_lose_burn_and_repeat_nothing"], "I14: "),
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
            sees(&["w16_a_release_on_postgres_under_load_and_its_rollback_lose_burn_and_repeat_nothing"], "I14: "),
            NOTHING_BELOW,
        ],
    )
    .needs(Need::Server),
];
