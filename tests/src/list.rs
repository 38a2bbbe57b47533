//! The list of cases: what `conformance!` makes tests of, and what [`cases`](fn@cases) hands out to be run by hand. A case
//! that is not listed is found by a test below.

use crate::Harness;
use crate::case::{Case, cases};

cases! { ($)
    send {
        t1_a_send_stores_one_ready_delivery_for_each_receiver,
        t1_a_delivery_begins_in_life_zero_without_attempts,
        t1_a_delivery_is_in_the_lane_of_its_payloads_version,
        t1_a_signal_that_nobody_receives_is_stored_without_deliveries,
        t1_the_time_of_a_send_is_the_databases,
        t1_a_batch_is_stored_in_its_order,
        t1_an_empty_batch_stores_nothing,
        s15_a_hundred_thousand_signals_are_sent_in_one_call,
        i1_nothing_is_seen_before_the_commit,
        i1_a_rolled_back_transaction_stores_nothing,
        i1_a_dropped_transaction_stores_nothing,
        i1_a_business_write_and_its_deliveries_commit_together,
        i1_a_savepoint_rolled_back_takes_its_sends_with_it,
        i1_a_savepoint_released_keeps_its_sends,
        s5_a_rollback_undoes_the_innermost_savepoint_alone,
        s5_a_dropped_savepoint_is_undone_before_the_next_statement,
        s14_a_sender_without_receivers_reaches_those_of_the_signals_old_name,
        i14_receivers_that_the_sender_does_not_link_get_their_delivery,
        i14_a_linked_receiver_that_is_not_registered_fails_the_send_and_is_named,
        i14_a_refused_send_leaves_nothing_behind_even_if_its_transaction_commits,
        i14_a_receiver_of_another_signal_may_be_unregistered,
        i1_a_batch_with_one_refused_signal_stores_none,
        i9_a_delayed_send_is_claimed_when_it_is_due_and_not_before,
        i9_a_moment_that_is_over_is_now,
        d9_a_delay_beyond_ten_years_stores_nothing,
        d9_a_delay_of_ten_years_is_kept,
        e13_headers_travel_beside_the_payload,
        e3_a_receiver_registered_since_gets_the_signals_of_old_binaries,
        e5_an_old_sender_and_a_new_one_fill_two_lanes_of_one_receiver,
    }
    payload {
        s12_floats_that_json_cannot_say_are_refused,
        s12_a_payload_that_nests_too_deep_is_refused,
        s12_a_payload_over_the_limit_is_refused,
        s12_raw_json_with_a_lone_surrogate_is_refused,
        s12_values_that_lossy_encodings_lose_come_back_equal,
        e6_a_payload_may_name_its_fields_like_the_frameworks_own,
        d8_payload_bytes_come_back_as_they_were_sent,
        d8_an_operator_sees_the_payload_that_the_receiver_gets,
    }
    hostile {
        s12_every_payload_of_the_table_has_its_verdict,
        i13_every_error_of_the_table_is_recorded,
        i13_every_word_of_the_table_has_its_verdict,
        e13_every_header_of_the_table_has_its_verdict,
        i15_every_name_of_the_table_has_its_verdict,
        d9_every_delay_of_the_table_has_its_verdict,
        d9_no_number_of_a_statement_overflows,
        s12_what_a_send_accepts_decodes_to_an_equal_value,
    }
    keys {
        e12_the_same_send_repeated_adds_nothing_and_gets_the_firsts_receipt,
        e12_a_repetition_within_one_transaction_adds_nothing,
        e12_other_keys_are_other_sends,
        e12_a_repetition_after_completion_adds_nothing,
        s16_the_same_key_with_another_payload_is_a_typed_error,
        s16_the_same_key_with_the_same_bytes_in_another_version_is_a_repetition,
        s16_a_key_repeated_under_the_signals_new_name_is_a_repetition,
        s16_the_same_key_for_another_signal_is_a_typed_error,
        s16_of_two_concurrent_sends_with_one_key_one_stores,
        i1_a_batch_with_one_used_key_stores_none,
        s16_a_key_in_a_transaction_in_progress_is_free_when_that_rolls_back,
        e12_a_key_in_a_savepoint_rolled_back_is_free,
        e12_a_key_is_free_again_after_its_retention,
        e12_a_key_that_no_database_can_hold_is_a_typed_error,
    }
    claim {
        t2_a_claim_takes_the_oldest_first,
        t2_a_claim_sets_token_lease_and_attempt,
        t2_a_claim_gives_its_own_token_to_all_it_takes,
        t2_a_claim_skips_deliveries_leased_by_others,
        t2_a_claim_takes_at_most_its_limit_and_each_lanes,
        t2_a_claim_of_nothing_takes_nothing,
        t2_a_claim_takes_thousands_at_once,
        t2_a_paused_receiver_is_not_claimed_until_it_is_resumed,
        i7_workers_that_claim_at_once_share_nothing,
        i12_a_receiver_that_the_worker_does_not_know_waits_uncharged,
        i12_a_version_that_the_worker_does_not_know_waits_uncharged,
        i12_a_lane_that_does_not_exist_holds_nothing,
        i9_a_promotion_moves_what_is_due_and_tells_what_comes_next,
        i9_a_retry_is_not_claimed_before_it_is_due,
        w15_a_clock_that_was_put_back_starts_nothing_early,
        t3_a_renewal_extends_the_lease_from_now,
        t3_an_expired_lease_that_nobody_stole_can_be_renewed,
        t3_renewals_are_answered_one_by_one_in_order,
        i11_a_delivery_keeps_its_id_and_life_from_attempt_to_attempt,
    }
    steal {
        t9_an_expired_lease_is_stolen_under_a_new_token,
        t9_a_lost_lease_is_recorded_with_its_worker,
        t9_a_claim_that_may_not_steal_leaves_expired_leases_alone,
        t9_a_lease_is_stolen_when_it_expired_and_not_before,
        t9_the_fifth_lost_lease_is_a_dead_letter,
        i8_lost_leases_add_up_over_the_attempts_of_a_life,
        l1_an_expired_lease_of_a_paused_receiver_waits_until_it_is_resumed,
        t9_everything_that_one_crash_interrupted_is_stolen_at_once,
        t9_of_those_that_lost_two_leases_one_runs_at_a_time,
        t9_a_suspect_that_is_ready_again_is_still_taken_alone,
        w6_an_expired_lease_that_nobody_stole_can_be_acknowledged,
        w5_nothing_that_a_zombie_writes_matches,
        w4_a_crash_after_the_acknowledgement_repeats_nothing,
    }
    finish {
        t4_an_acknowledged_delivery_is_done,
        t4_without_history_an_acknowledged_delivery_is_gone,
        t4_acknowledgements_are_answered_one_by_one_in_order,
        t4_a_batch_of_thousands_is_acknowledged,
        i4_a_delivery_is_settled_once_per_life,
        i4_a_dead_letter_is_finished_by_nobody,
        i6_a_batch_tells_what_stands_at_one_position_of_two_lanes_apart,
        i6_a_holder_of_anything_else_than_the_claim_is_told_so,
        i6_the_token_of_an_earlier_attempt_matches_nothing,
        t5_a_failed_attempt_is_recorded_and_comes_back_later,
        t5_a_delivery_without_attempts_left_is_a_dead_letter,
        t5_failures_of_one_batch_go_where_each_ones_fate_says,
        t6_a_snoozed_delivery_comes_back_with_its_attempt_refunded,
        t7_a_discarded_delivery_is_a_dead_letter_at_once,
        w17_an_undecodable_delivery_keeps_its_payload_and_can_be_retried,
        t8_a_released_delivery_is_ready_at_once_with_its_attempt_refunded,
        i8_a_life_has_a_hundred_refunds_and_then_each_costs_an_attempt,
        i10_the_failure_of_one_receiver_leaves_the_others_alone,
        i13_a_failure_is_recorded_whatever_its_error_says,
        d9_extreme_durations_overflow_nothing,
        i9_a_retry_stands_behind_what_was_there_already,
    }
    tx {
        i5_effects_and_acknowledgement_commit_together,
        i5_neither_effects_nor_acknowledgement_survive_a_rollback,
        i5_an_acknowledgement_is_not_seen_before_its_commit,
        i6_a_transaction_under_an_old_token_cannot_acknowledge,
        i5_a_delivery_cancelled_while_it_runs_cannot_be_acknowledged,
        i4_one_transaction_acknowledges_a_delivery_once,
        s5_a_receiver_that_rolled_a_savepoint_back_can_be_acknowledged,
        e13_what_a_receiver_sends_commits_with_its_acknowledgement,
        w21_an_ended_transaction_acknowledges_nothing,
        w21_a_send_after_the_transaction_was_ended_rolls_back_with_the_rest,
        w20_a_cancel_that_meets_an_acknowledgement_in_progress_is_told,
    }
    settle {
        t10_a_ready_delivery_can_be_cancelled_and_is_never_run,
        t10_a_scheduled_delivery_can_be_cancelled,
        t10_a_scheduled_delivery_can_be_discarded,
        t10_a_running_delivery_can_be_cancelled_and_its_runner_is_told,
        t10_a_discard_by_hand_makes_a_dead_letter,
        t10_what_is_settled_can_be_neither_cancelled_nor_discarded,
        t10_what_does_not_exist_is_not_found,
        t11_a_dead_letter_retried_by_hand_begins_another_life,
        t11_a_cancelled_delivery_can_be_retried_by_hand,
        t11_only_the_dead_and_the_cancelled_can_be_retried_by_hand,
        t11_a_retry_by_hand_puts_a_forgotten_signal_back_under_its_id,
        t11_a_forgotten_signal_comes_back_as_it_was_sent,
        i8_another_life_begins_with_all_its_attempts_leases_and_refunds,
        i6_the_holder_of_an_earlier_life_is_told_so,
        t11_attempts_are_told_apart_by_their_lives,
        w20_of_two_retries_by_hand_one_wins,
        w20_of_a_cancel_and_a_completion_one_wins,
        w20_of_a_retry_by_hand_and_a_last_failure_the_failure_is_first,
    }
    registry {
        i14_registering_again_changes_nothing,
        i14_binaries_that_register_at_once_find_the_same_ids,
        i14_resolving_stores_nothing,
        i14_sends_pass_a_retired_receiver_by,
        i14_a_retired_receiver_stays_retired_and_is_reported,
        i14_retiring_a_name_that_is_not_stored_does_nothing,
        i15_a_renamed_receiver_gets_what_was_sent_under_its_old_name,
        i15_an_old_binary_that_comes_later_finds_the_new_ones_id,
        i15_a_rollback_finds_the_same_receiver,
        i15_two_receivers_that_are_one_by_now_claim_each_delivery_once,
        i15_a_receiver_is_shown_with_its_last_name_and_all_others,
        i15_a_merge_moves_the_aliass_pending_deliveries,
        i15_of_two_pending_deliveries_of_one_signal_a_merge_cancels_the_aliass,
        i15_what_a_merge_cancelled_is_run_by_no_retry,
        i15_a_receiver_that_is_listed_under_two_names_is_merged_once,
        i15_a_merge_moves_scheduled_deliveries_too,
        i15_a_delivery_is_found_under_its_id_from_before_a_merge,
        i15_a_delivery_that_runs_during_a_merge_is_settled_once,
        i15_a_kept_name_for_another_signal_is_refused_and_nothing_is_stored,
        i15_a_linked_receiver_stored_for_another_signal_fails_the_send,
        i15_a_receiver_stored_for_another_signal_is_not_resolved,
        i15_receivers_of_a_renamed_signal_are_resolved_before_they_register,
        i15_a_renamed_signal_reaches_receivers_under_either_name,
        i15_an_old_binary_of_a_renamed_signal_may_come_later,
        i15_a_paused_receiver_stays_paused_under_its_new_name,
        i15_a_merge_keeps_the_pause_of_either_receiver,
        i15_a_merge_keeps_either_receiver_retired,
    }
    inspect {
        i2_a_page_of_a_list_has_at_most_a_thousand,
        i2_every_delivery_is_counted_in_one_state,
        i2_counts_name_every_receiver_even_one_that_holds_nothing,
        i2_counts_tell_when_the_oldest_ready_delivery_was_sent,
        i12_a_lane_that_no_worker_knows_is_counted,
        i2_a_list_shows_the_newest_signal_first,
        i2_pages_of_a_list_continue_each_other,
        i2_a_list_is_narrowed_by_state,
        i2_a_list_is_narrowed_by_receiver_and_signal,
        i2_a_look_up_shows_what_the_list_shows,
        i6_no_two_workers_share_an_incarnation,
        i6_a_worker_that_is_not_stored_is_told_so,
        l1_workers_are_shown_while_they_are_seen,
        l1_a_dedicated_store_sees_and_changes_the_same_deliveries,
        d7_migrating_again_does_nothing,
        d7_the_store_names_itself_like_its_backend,
    }
    look {
        i2_a_list_is_narrowed_by_age,
        i2_a_list_is_narrowed_by_the_text_of_an_error,
        i13_a_list_finds_hostile_text_literally,
        i2_a_list_is_narrowed_by_everything_at_once,
        i2_pages_tell_each_delivery_once_while_everything_moves,
        i2_pages_go_on_past_what_does_not_match,
        i2_counts_tell_since_when_the_oldest_due_delivery_is_due,
        i2_trends_tell_failures_and_completions_bucket_by_bucket,
        i2_trends_add_up_the_versions_of_a_receiver,
        i12_a_parked_lane_says_what_it_waits_for,
    }
    operate {
        t10_a_batch_is_answered_one_by_one_and_leaves_one_line,
        t10_what_changes_nothing_leaves_no_line,
        i2_nobody_decides_without_a_name,
        t10_every_deed_is_told_in_the_log_with_its_actor,
        t10_a_cancel_of_all_that_match_takes_several_batches,
        t11_a_retry_of_all_that_match_takes_several_batches,
        t10_a_dry_run_counts_and_changes_nothing,
        t10_states_that_a_verb_cannot_change_are_left_out,
        t10_a_cancel_of_all_that_match_takes_what_runs_and_what_waits,
        w20_of_a_cancel_of_all_and_completions_one_wins_each,
        w20_what_completes_between_a_look_and_its_cancel_is_passed_over,
        w20_a_retry_of_all_beside_completions_retries_each_once,
        t11_a_retry_of_all_puts_forgotten_signals_back,
        t11_a_retry_of_all_is_narrowed_by_the_text_of_an_error,
        i15_a_filter_by_an_old_name_means_the_receiver_that_took_over,
        t10_an_unknown_receiver_is_answered_with_near_names,
        i14_what_is_pending_when_a_receiver_retires_is_kept_and_run,
        i14_what_is_pending_when_a_receiver_retires_can_be_cancelled,
        i14_a_retired_receiver_can_be_restored,
        i14_a_receiver_shows_whether_it_is_paused_or_retired,
        t12_a_prune_by_hand_takes_several_batches_and_leaves_one_line,
        t10_the_log_tells_hostile_words_as_they_were,
    }
    retention {
        t12_what_is_settled_is_forgotten_after_its_retention,
        t12_dead_letters_are_forgotten_by_explicit_retention_alone,
        t12_what_is_not_settled_is_never_forgotten,
        t12_a_prune_forgets_at_most_its_limit,
        t12_attempts_are_forgotten_with_their_delivery,
        t13_a_signal_is_forgotten_when_it_is_old_and_nothing_refers_to_it,
        t13_a_signal_is_kept_while_one_delivery_needs_it,
        t13_a_signal_is_kept_for_a_delivery_that_is_due_in_years,
        t13_dead_letters_and_cancellations_pin_nothing_and_keep_their_payload,
        t13_a_forgetting_is_bounded,
        i6_the_id_of_a_forgotten_signal_is_never_used_again,
    }
    sender {
        s4_a_transaction_with_a_failed_send_refuses_to_commit,
        s4_after_a_failed_send_the_transaction_sends_nothing_more,
        s5_a_savepoint_rolled_back_takes_its_failed_send_with_it,
        s5_a_savepoint_rolled_back_does_not_clear_a_failure_before_it,
        s5_a_savepoint_released_with_a_failed_send_spoils_the_transaction,
        s5_a_dropped_savepoint_is_rolled_back,
        s6_a_send_that_was_dropped_midway_spoils_the_transaction,
        s6_a_send_that_was_never_polled_spoils_nothing,
        s6_a_dropped_begin_leaves_no_transaction_open,
        s6_a_dropped_commit_runs_to_its_end,
        i1_a_tx_that_is_not_committed_stores_nothing,
        i14_a_program_that_forgot_to_register_cannot_send,
    }
    storm {
        w18_a_storm_of_retries_does_not_keep_a_healthy_receiver_waiting,
        w18_what_failed_together_comes_back_spread_over_its_backoff,
        w19_a_backlog_that_keeps_its_slots_leaves_some_to_the_others,
    }
    endless {
        e13_a_receiver_that_sends_its_own_signal_starves_nobody_and_is_seen,
    }
    worker {
        i3_a_delivery_is_done_when_its_receiver_returned_ok,
        t5_a_failed_attempt_is_retried_when_its_backoff_is_over,
        e14_drain_fails_when_a_receiver_fails,
        t5_a_receiver_that_always_fails_is_tried_as_often_as_it_says,
        w7_a_panic_is_a_failed_attempt,
        w9_a_receiver_that_never_returns_is_failed_at_its_timeout,
        w11_a_blocking_receiver_that_asks_ends_early_at_its_timeout,
        t7_a_receiver_can_discard,
        t5_a_receiver_can_say_when_to_be_tried_again,
        t6_a_receiver_can_snooze,
        w17_a_payload_that_does_not_decode_is_a_dead_letter_at_once,
        i11_the_idempotency_key_is_the_same_in_every_attempt_of_a_life,
        i12_a_worker_of_some_receivers_leaves_the_others_alone,
        i12_deliveries_that_nobody_runs_are_shown_as_parked,
        i13_an_attempt_is_recorded_whatever_its_receiver_says,
        t9_a_worker_runs_one_suspect_at_a_time,
        i10_a_failing_receiver_does_not_keep_another_from_its_delivery,
        t2_a_worker_runs_nothing_of_a_paused_receiver,
        e13_what_a_receiver_sends_is_run_and_names_its_cause,
        l2_a_stopped_worker_gives_back_what_runs_after_its_grace,
        l1_a_commit_wakes_the_workers_of_its_process,
        d2_a_worker_finds_what_nobody_told_it_of,
        l1_a_delayed_delivery_starts_when_it_is_due,
        t10_a_cancelled_delivery_stops_its_receiver,
        t10_a_discarded_delivery_stops_its_receiver_and_is_a_dead_letter,
        i7_two_workers_run_every_delivery_once,
    }
    transactional {
        i5_the_effects_of_a_done_delivery_are_committed,
        i5_the_effects_of_a_failed_attempt_are_rolled_back,
        i5_the_effects_of_a_panic_are_rolled_back,
        i5_the_effects_of_an_attempt_that_timed_out_are_rolled_back,
        s4_a_receiver_that_ignores_a_refused_send_has_failed,
        s5_a_receiver_that_undoes_a_refused_send_is_done,
        i5_a_discarded_attempt_sends_nothing,
        w21_a_receiver_that_ends_its_transaction_has_failed,
        i5_many_transactional_deliveries_are_each_done_once,
    }
    secrets {
        w17_a_secret_in_a_payload_is_told_nowhere,
        i13_a_secret_in_an_error_is_told_in_its_record_alone,
        i13_a_worker_that_logs_errors_tells_them_in_two_events_alone,
    }
    deploys {
        w16_e3_an_added_receiver_gets_every_signal_sent_since_it_was_registered,
        w16_e2_a_receiver_renamed_with_its_alias_is_one_receiver_in_every_order,
        w16_e2_a_receiver_renamed_twice_is_one_receiver_in_every_order,
        i15_e2_what_waits_for_a_name_that_was_given_up_is_parked_and_not_lost,
        w16_e4_a_removed_receiver_waits_for_a_build_that_knows_it,
        i14_w16_a_retired_receiver_gets_nothing_more_and_what_waited_is_kept,
        w16_e5_each_version_of_a_payload_waits_for_a_build_that_knows_it,
        w16_e5_a_receiver_may_be_renamed_while_its_payloads_version_is_raised,
        w16_i15_a_renamed_signal_reaches_everybody_in_every_order,
        i15_e2_a_receiver_moved_to_another_signal_is_refused_in_both_orders,
    }
    ; of two transactions that write at once:
    send {
        s13_a_long_transaction_that_commits_after_younger_ones_is_found,
    }
    claim {
        t2_a_claim_does_not_see_what_is_not_committed,
        t3_a_row_that_a_transaction_is_acknowledging_is_unknown,
    }
    tx {
        t9_a_delivery_that_a_transaction_is_acknowledging_is_not_stolen,
    }
    ; compared with the model:
    model {
        i2_every_history_ends_as_in_the_model,
        i6_t9_histories_of_dying_workers_end_as_in_the_model,
        i8_t5_histories_of_failures_end_as_in_the_model,
        i4_t10_histories_of_decisions_end_as_in_the_model,
        i15_histories_of_names_end_as_in_the_model,
    }
}

#[cfg(test)]
mod tests {
    use super::CASES;

    #[test]
    fn every_case_that_is_written_is_listed() {
        let modules = [
            ("send", include_str!("send.rs")),
            ("payload", include_str!("payload.rs")),
            ("hostile", include_str!("hostile.rs")),
            ("keys", include_str!("keys.rs")),
            ("claim", include_str!("claim.rs")),
            ("steal", include_str!("steal.rs")),
            ("finish", include_str!("finish.rs")),
            ("tx", include_str!("tx.rs")),
            ("settle", include_str!("settle.rs")),
            ("registry", include_str!("registry.rs")),
            ("inspect", include_str!("inspect.rs")),
            ("look", include_str!("look.rs")),
            ("operate", include_str!("operate.rs")),
            ("retention", include_str!("retention.rs")),
            ("sender", include_str!("sender.rs")),
            ("worker", include_str!("worker.rs")),
            ("storm", include_str!("storm.rs")),
            ("endless", include_str!("endless.rs")),
            ("transactional", include_str!("transactional.rs")),
            ("secrets", include_str!("secrets.rs")),
            ("deploys", include_str!("deploys.rs")),
            ("model", include_str!("model.rs")),
        ];
        let mut written = Vec::new();
        for (module, source) in modules {
            for line in source.lines() {
                let function = line.strip_prefix("pub async fn ").and_then(|rest| rest.split_once("<H: Harness>("));
                if let Some((name, _)) = function.filter(|(_, parameters)| parameters.contains(": Db<H>")) {
                    written.push(format!("{module}::{name}"));
                }
            }
        }
        let mut listed = CASES.to_vec();
        written.sort_unstable();
        listed.sort_unstable();
        assert_eq!(written, listed);
    }

    #[test]
    fn every_case_names_its_promise() {
        for case in CASES {
            let (_, name) = case.split_once("::").expect("a module and a name");
            let (promise, _) = name.split_once('_').expect("a promise and a sentence");
            let (letter, number) = promise.split_at(1);
            assert!("tislwde".contains(letter) && number.parse::<u32>().is_ok(), "{case}");
        }
    }
}
