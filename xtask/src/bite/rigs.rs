//! Which rig must notice which break, by which of its tests and in whose words; and which cannot, and why.
//!
//! A rig is added by one entry of [`RIGS`], a break by one variant of [`Break`](super::matrix::Break) and a cell for each rig.

use crate::postgres::Need;

use super::cells::*;
use super::matrix::Cell::{Blind, Says, Sees};
use super::matrix::{Rig, Run};

/// Every rig.
pub(super) const RIGS: &[Rig] = &[
    Rig::tests_of(
        "conformance-memory",
        "tests",
        "memory",
        [STALE, BY_ITSELF, TOO_EARLY, TOO_FEW, ONE_WRITER, NOBODY_LOOKS, NO_COMMIT_IS_LOST, NO_COMMIT_IS_LOST],
    )
    .quick(),
    Rig::tests_of(
        "conformance-sqlite",
        "tests",
        "sqlite",
        [STALE, BY_ITSELF, TOO_EARLY, TOO_FEW, ONE_WRITER, NOBODY_LOOKS, NO_COMMIT_IS_LOST, NO_COMMIT_IS_LOST],
    ),
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
                ("s13_a_straggler_below_the_floors_is_found_by_the_next_sweep", "a sweep that finds nothing is seen"),
                (
                    "s13_what_was_due_before_it_was_committed_is_promoted_by_the_next_sweep",
                    "a sweep, so that the next is",
                ),
                ("t9_an_expired_lease_below_the_floors_is_stolen_by_a_sweep", "the lease is stolen"),
            ]),
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
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
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
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
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
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
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
        ],
    ),
    Rig::tests_of(
        "faults-sqlite",
        "tests",
        "sqlite_faults",
        [
            NO_ZOMBIE,
            Sees(&[("s1_s3_s6_i1_i5_a_call_left_before_any_statement_loses_and_doubles_nothing", UNDONE)]),
            Sees(&[("s1_s3_s6_i1_i5_a_call_left_before_any_statement_loses_and_doubles_nothing", UNREFUSED)]),
            LINKS_ALL,
            ONE_WRITER,
            Sees(&[("s1_s3_s6_i1_i5_a_call_left_before_any_statement_loses_and_doubles_nothing", UNREST)]),
            Sees(&[("s1_s3_s6_i1_i5_a_call_left_before_any_statement_loses_and_doubles_nothing", LOST_SQLITE)]),
            Sees(&[("s2_s6_i1_i5_a_call_left_after_any_statement_loses_and_doubles_nothing", DOUBLED_SQLITE)]),
        ],
    )
    .quick(),
    Rig::tests_of(
        "faults-postgres",
        "tests/rig-postgres",
        "postgres_faults",
        [
            NO_ZOMBIE,
            Sees(&[("s1_s3_i1_i5_a_connection_cut_before_any_statement_loses_and_doubles_nothing", UNDONE)]),
            Sees(&[("s1_s3_i1_i5_a_connection_cut_before_any_statement_loses_and_doubles_nothing", UNREFUSED)]),
            LINKS_ALL,
            NOTHING_BELOW,
            Sees(&[("s1_s3_i1_i5_a_connection_cut_before_any_statement_loses_and_doubles_nothing", UNREST)]),
            Sees(&[("s1_s3_i1_i5_a_connection_cut_before_any_statement_loses_and_doubles_nothing", LOST_POSTGRES)]),
            Sees(&[("s2_i1_i5_a_connection_cut_after_any_statement_loses_and_doubles_nothing", DOUBLED_POSTGRES)]),
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
            Says("BROKEN I5"),
            Says("BROKEN I3"),
            LINKS_ALL,
            ONE_WRITER,
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
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
            Says("BROKEN I1"),
            Says("BROKEN I3"),
            LINKS_ALL,
            Says("left behind"),
            NOBODY_LOOKS,
            LOST_BY_CHANCE,
            LOST_BY_CHANCE,
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
            DIES_BY_CHANCE,
            Sees(&[(
                "w1_e15_l1_a_killed_workers_delivery_runs_again_within_its_lease_and_a_second",
                "the second start did not happen",
            )]),
            LINKS_ALL,
            ONE_WRITER,
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
        ],
    ),
    Rig::tests_of(
        "inside-sqlite",
        "tests/rig",
        "robust",
        [
            NO_ZOMBIE,
            NO_SENDER_DIES,
            Sees(&[("i13_w7_an_error_that_panics_when_it_is_printed_is_recorded", "the drain is a failure")]),
            LINKS_ALL,
            ONE_WRITER,
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
        ],
    ),
    Rig::tests_of(
        "blocking-sqlite",
        "tests/rig",
        "blocking",
        [
            NO_ZOMBIE,
            NO_SENDER_DIES,
            Sees(&[(
                "w10_t5_a_receiver_that_blocks_the_runtime_is_failed_and_costs_no_other_its_lease",
                "it was not failed, and is done",
            )]),
            LINKS_ALL,
            ONE_WRITER,
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
        ],
    ),
    Rig::tests_of(
        "pool-sqlite",
        "tests/rig",
        "pool",
        [
            NO_ZOMBIE,
            Sees(&[("i5_a_delivery_lost_before_its_transaction_began_leaves_no_effect", "right: ([Cancelled], [])")]),
            NO_WORKER_DIES,
            LINKS_ALL,
            ONE_WRITER,
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
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
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
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
            NOBODY_LOOKS,
            LOST_BY_CHANCE,
            LOST_BY_CHANCE,
        ],
    )
    .needs(Need::Programs),
    Rig::tests_of(
        "bodies-postgres",
        "tests/rig-postgres",
        "postgres_bodies",
        [
            NO_ZOMBIE,
            NO_SENDER_DIES,
            Sees(&[(
                "w10_receivers_that_block_the_runtime_cost_nobody_a_lease_on_a_server",
                "I3: a delivery is done after its receiver returned",
            )]),
            LINKS_ALL,
            NOTHING_BELOW,
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
        ],
    )
    .needs(Need::Programs),
    Rig::tests_of(
        "roles-postgres",
        "tests/rig-postgres",
        "postgres_roles",
        [
            NO_ZOMBIE,
            NO_SENDER_DIES,
            Sees(&[(
                "senders_workers_and_readers_run_under_roles_that_may_do_nothing_else",
                "I3: a delivery is done after its receiver returned",
            )]),
            LINKS_ALL,
            NOTHING_BELOW,
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
        ],
    )
    .needs(Need::Programs),
    Rig::tests_of(
        "stores-postgres",
        "tests/rig-postgres",
        "postgres_stores",
        [
            Sees(&[(
                "i6_a_claim_that_a_crash_of_the_database_forgot_is_acknowledged_by_one_holder",
                "right: (Stale, Done)",
            )]),
            NO_SENDER_DIES,
            NO_WORKERS,
            LINKS_ALL,
            NOTHING_BELOW,
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
        ],
    )
    .needs(Need::Programs),
    Rig::tests_of(
        "wires-postgres",
        "tests/rig-postgres",
        "postgres_wires",
        [
            Sees(&[(
                "w14_i6_a_worker_in_a_black_hole_loses_its_deliveries_and_works_on_later",
                "I6: what it says counts for nothing",
            )]),
            Sees(&[("s3_a_connection_cut_in_the_middle_of_a_send_leaves_nothing", "the second's alone")]),
            NO_WORKER_DIES,
            LINKS_ALL,
            NOTHING_BELOW,
            NOBODY_LOOKS,
            Sees(&[("s2_a_commit_whose_answer_is_lost_is_unknown_and_its_repetition_adds_nothing", "\nOk(())")]),
            Sees(&[(
                "s2_a_commit_whose_answer_is_lost_is_unknown_and_its_repetition_adds_nothing",
                "Err(Unavailable(",
            )]),
        ],
    )
    .needs(Need::Programs),
    Rig::tests_of(
        "crashes-postgres",
        "tests/rig-postgres",
        "postgres_crashes",
        [
            NO_ZOMBIE,
            Sees(&[
                ("w13_i2_i5_a_server_killed_under_load_loses_nothing_and_is_worked_on_again", ONE_EFFECT),
                ("w13_i1_a_stream_of_terminated_sessions_loses_nothing", ONE_EFFECT),
            ]),
            NO_WORKER_DIES,
            LINKS_ALL,
            NOTHING_BELOW,
            NOBODY_LOOKS,
            LOST_BY_CHANCE,
            LOST_BY_CHANCE,
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
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
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
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
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
            NOBODY_LOOKS,
            NO_COMMIT_IS_LOST,
            NO_COMMIT_IS_LOST,
        ],
    )
    .needs(Need::Server),
];
