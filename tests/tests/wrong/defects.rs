//! The table: what can be wrong with a backend, and the cases that must find out.

macro_rules! defects {
    ($($(#[$doc:meta])* $defect:ident: $($case:literal)*;)*) => {
        /// One thing that is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Defect { $($(#[$doc])* $defect,)* }

        /// Every defect with the cases that must fail because of it. Others may fail as well.
        pub(super) const DEFECTS: &[(Defect, &[&str])] = &[$((Defect::$defect, &[$($case),*]),)*];
    };
}

defects! {
    // Claims.

    /// A claim also takes what others run, as one that selects first and updates later.
    ClaimsTwice: "claim::t2_a_claim_skips_deliveries_leased_by_others"
        "claim::i7_workers_that_claim_at_once_share_nothing"
        "claim::t2_a_claim_takes_thousands_at_once";
    /// The order of a claim is the wrong way round.
    TakesTheNewestFirst: "claim::t2_a_claim_takes_the_oldest_first" "model::i2_every_history_ends_as_in_the_model";
    /// One lane may take everything.
    IgnoresTheLimitsOfLanes: "claim::t2_a_claim_takes_at_most_its_limit_and_each_lanes";
    /// One lane is looked at after the other, and the next when nothing is left in the one before.
    EmptiesOneLaneFirst: "storm::w18_a_storm_of_retries_does_not_keep_a_healthy_receiver_waiting"
        "endless::e13_a_receiver_that_sends_its_own_signal_starves_nobody_and_is_seen";
    /// No statement is bounded.
    IgnoresLimits: "claim::t2_a_claim_takes_at_most_its_limit_and_each_lanes"
        "claim::i9_a_promotion_moves_what_is_due_and_tells_what_comes_next"
        "retention::t12_a_prune_forgets_at_most_its_limit" "retention::t13_a_forgetting_is_bounded";
    /// Nothing is ever stolen.
    LeasesForEver: "claim::t2_a_claim_sets_token_lease_and_attempt"
        "steal::t9_a_lease_is_stolen_when_it_expired_and_not_before"
        "steal::t9_everything_that_one_crash_interrupted_is_stolen_at_once";
    /// A pause stops nobody.
    ClaimsThePaused: "claim::t2_a_paused_receiver_is_not_claimed_until_it_is_resumed"
        "registry::i15_a_merge_keeps_the_pause_of_either_receiver" "worker::t2_a_worker_runs_nothing_of_a_paused_receiver"
        "steal::l1_an_expired_lease_of_a_paused_receiver_waits_until_it_is_resumed";
    /// A worker gets what it cannot run.
    ClaimsUnknownLanes: "claim::i12_a_receiver_that_the_worker_does_not_know_waits_uncharged"
        "claim::i12_a_version_that_the_worker_does_not_know_waits_uncharged"
        "claim::i12_a_lane_that_does_not_exist_holds_nothing"
        "send::e5_an_old_sender_and_a_new_one_fill_two_lanes_of_one_receiver"
        "claim::t2_a_claim_of_nothing_takes_nothing"
        "worker::i12_a_worker_of_some_receivers_leaves_the_others_alone";
    /// A worker that has just connected steals.
    StealsWithoutLeave: "steal::t9_a_claim_that_may_not_steal_leaves_expired_leases_alone";
    /// A lease that lasts is stolen.
    StealsEarly: "claim::t2_a_claim_skips_deliveries_leased_by_others"
        "steal::t9_a_lease_is_stolen_when_it_expired_and_not_before" "claim::t3_a_renewal_extends_the_lease_from_now";
    /// A lost lease leaves no trace.
    HidesLostLeases: "steal::t9_an_expired_lease_is_stolen_under_a_new_token"
        "steal::t9_the_fifth_lost_lease_is_a_dead_letter"
        "steal::t9_of_those_that_lost_two_leases_one_runs_at_a_time";
    /// A crash of the worker is charged to the delivery.
    ChargesStolenAttempts: "steal::t9_an_expired_lease_is_stolen_under_a_new_token";
    /// What kills workers is run for ever.
    NeverBuries: "steal::t9_the_fifth_lost_lease_is_a_dead_letter"
        "steal::i8_lost_leases_add_up_over_the_attempts_of_a_life";
    /// What kills workers takes its neighbours along.
    TakesSuspectsTogether: "steal::t9_of_those_that_lost_two_leases_one_runs_at_a_time"
        "steal::t9_a_suspect_that_is_ready_again_is_still_taken_alone"
        "worker::t9_a_worker_runs_one_suspect_at_a_time";
    /// A promotion does not look at the time.
    PromotesEarly: "send::i9_a_delayed_send_is_claimed_when_it_is_due_and_not_before"
        "claim::i9_a_retry_is_not_claimed_before_it_is_due"
        "finish::t6_a_snoozed_delivery_comes_back_with_its_attempt_refunded"
        "claim::w15_a_clock_that_was_put_back_starts_nothing_early";
    /// Nobody learns when to look again.
    HidesWhatIsDueNext: "claim::i9_a_promotion_moves_what_is_due_and_tells_what_comes_next";
    /// A lost lease is kept.
    ResurrectsLostLeases: "steal::w5_nothing_that_a_zombie_writes_matches"
        "settle::t10_a_running_delivery_can_be_cancelled_and_its_runner_is_told"
        "claim::t3_renewals_are_answered_one_by_one_in_order";
    /// A renewal does not extend the lease.
    RenewsNothing: "claim::t3_a_renewal_extends_the_lease_from_now"
        "claim::t3_an_expired_lease_that_nobody_stole_can_be_renewed"
        "inspect::l1_a_dedicated_store_sees_and_changes_the_same_deliveries";
    /// A row that is locked is given up for lost.
    LosesWhatIsLocked: "claim::t3_a_row_that_a_transaction_is_acknowledging_is_unknown";

    // Ends of attempts.

    /// No statement checks who asks.
    IgnoresTokens: "finish::i6_the_token_of_an_earlier_attempt_matches_nothing"
        "finish::i6_a_holder_of_anything_else_than_the_claim_is_told_so"
        "steal::w5_nothing_that_a_zombie_writes_matches"
        "finish::i6_a_batch_tells_what_stands_at_one_position_of_two_lanes_apart"
        "model::i6_t9_histories_of_dying_workers_end_as_in_the_model";
    /// Nobody learns that it was too late.
    TellsNobodyThatHeIsStale: "finish::i4_a_delivery_is_settled_once_per_life"
        "steal::w5_nothing_that_a_zombie_writes_matches" "settle::i6_the_holder_of_an_earlier_life_is_told_so"
        "settle::w20_of_a_cancel_and_a_completion_one_wins"
        "finish::i4_a_dead_letter_is_finished_by_nobody"
        "operate::w20_of_a_cancel_of_all_and_completions_one_wins_each";
    /// Answers come in the order of rows, not of questions.
    AnswersInAnyOrder: "finish::t4_acknowledgements_are_answered_one_by_one_in_order"
        "claim::t3_renewals_are_answered_one_by_one_in_order"
        "finish::t5_failures_of_one_batch_go_where_each_ones_fate_says"
        "registry::i14_registering_again_changes_nothing";
    /// An acknowledgement says yes and does nothing.
    LosesAcknowledgements: "steal::w4_a_crash_after_the_acknowledgement_repeats_nothing"
        "steal::w6_an_expired_lease_that_nobody_stole_can_be_acknowledged"
        "finish::t4_an_acknowledged_delivery_is_done"
        "worker::i3_a_delivery_is_done_when_its_receiver_returned_ok"
        "finish::t4_a_batch_of_thousands_is_acknowledged";
    /// History is off whatever the worker says.
    KeepsNoHistory: "finish::t4_an_acknowledged_delivery_is_done";
    /// And on.
    KeepsAllHistory: "finish::t4_without_history_an_acknowledged_delivery_is_gone";
    /// Why an attempt failed is not recorded.
    RecordsNoAttempts: "finish::t5_a_failed_attempt_is_recorded_and_comes_back_later"
        "steal::t9_a_lost_lease_is_recorded_with_its_worker"
        "worker::i13_an_attempt_is_recorded_whatever_its_receiver_says"
        "worker::w7_a_panic_is_a_failed_attempt"
        "worker::w9_a_receiver_that_never_returns_is_failed_at_its_timeout";
    /// A column is too short for errors.
    CutsErrors: "finish::i13_a_failure_is_recorded_whatever_its_error_says"
        "hostile::i13_every_error_of_the_table_is_recorded";
    /// What has no attempt left gets another.
    RetriesTheDead: "finish::t5_a_delivery_without_attempts_left_is_a_dead_letter"
        "finish::t7_a_discarded_delivery_is_a_dead_letter_at_once"
        "finish::w17_an_undecodable_delivery_keeps_its_payload_and_can_be_retried"
        "worker::t7_a_receiver_can_discard";
    /// A failure ends the signal's other deliveries too.
    FailsTheWholeSignal: "finish::i10_the_failure_of_one_receiver_leaves_the_others_alone"
        "worker::i10_a_failing_receiver_does_not_keep_another_from_its_delivery";
    /// Each attempt passes for another life, with another idempotency key.
    CountsAttemptsAsLives: "claim::i11_a_delivery_keeps_its_id_and_life_from_attempt_to_attempt"
        "worker::i11_the_idempotency_key_is_the_same_in_every_attempt_of_a_life";
    /// One failure is the end.
    BuriesTheFailed: "finish::t5_a_failed_attempt_is_recorded_and_comes_back_later"
        "worker::t5_a_failed_attempt_is_retried_when_its_backoff_is_over"
        "worker::e14_drain_fails_when_a_receiver_fails";
    /// There is no backoff.
    RetriesAtOnce: "claim::i9_a_retry_is_not_claimed_before_it_is_due"
        "worker::t5_a_receiver_can_say_when_to_be_tried_again";
    /// Times are kept by the hour.
    RetriesByTheHour: "storm::w18_what_failed_together_comes_back_spread_over_its_backoff";
    /// A snooze is an attempt.
    ChargesSnoozes: "finish::t6_a_snoozed_delivery_comes_back_with_its_attempt_refunded"
        "finish::i8_a_life_has_a_hundred_refunds_and_then_each_costs_an_attempt" "worker::t6_a_receiver_can_snooze"
        "model::i8_t5_histories_of_failures_end_as_in_the_model";
    /// A shutdown is an attempt.
    ChargesReleases: "finish::t8_a_released_delivery_is_ready_at_once_with_its_attempt_refunded"
        "worker::l2_a_stopped_worker_gives_back_what_runs_after_its_grace";
    /// What was given back waits.
    ReleasesLate: "finish::t8_a_released_delivery_is_ready_at_once_with_its_attempt_refunded";
    /// A receiver may snooze for ever.
    RefundsWithoutLimit: "finish::i8_a_life_has_a_hundred_refunds_and_then_each_costs_an_attempt";

    // Transactions and sends.

    /// A commit says yes and stores nothing.
    CommitsNothing: "send::i1_a_business_write_and_its_deliveries_commit_together"
        "tx::i5_effects_and_acknowledgement_commit_together"
        "transactional::i5_the_effects_of_a_done_delivery_are_committed"
        "tx::e13_what_a_receiver_sends_commits_with_its_acknowledgement";
    /// A rollback keeps everything.
    CommitsRollbacks: "send::i1_a_rolled_back_transaction_stores_nothing"
        "tx::i5_neither_effects_nor_acknowledgement_survive_a_rollback"
        "transactional::i5_the_effects_of_a_failed_attempt_are_rolled_back"
        "keys::s16_a_key_in_a_transaction_in_progress_is_free_when_that_rolls_back"
        "transactional::i5_the_effects_of_a_panic_are_rolled_back"
        "transactional::i5_a_discarded_attempt_sends_nothing"
        "transactional::i5_the_effects_of_an_attempt_that_timed_out_are_rolled_back"
        "transactional::s4_a_receiver_that_ignores_a_refused_send_has_failed"
        "sender::s4_a_transaction_with_a_failed_send_refuses_to_commit";
    /// What was done in a savepoint stays when that is rolled back.
    KeepsUndoneSavepoints: "send::i1_a_savepoint_rolled_back_takes_its_sends_with_it"
        "sender::s5_a_savepoint_rolled_back_takes_its_failed_send_with_it"
        "keys::e12_a_key_in_a_savepoint_rolled_back_is_free"
        "send::s5_a_rollback_undoes_the_innermost_savepoint_alone"
        "tx::s5_a_receiver_that_rolled_a_savepoint_back_can_be_acknowledged";
    /// And goes when it is released.
    UndoesReleasedSavepoints: "send::i1_a_savepoint_released_keeps_its_sends";
    /// A savepoint that was dropped stays open.
    ForgetsDroppedSavepoints: "send::s5_a_dropped_savepoint_is_undone_before_the_next_statement"
        "sender::s5_a_dropped_savepoint_is_rolled_back";
    /// An acknowledgement does not wait for the receiver's commit.
    AcksBesideTheTransaction: "tx::i5_an_acknowledgement_is_not_seen_before_its_commit"
        "tx::i5_neither_effects_nor_acknowledgement_survive_a_rollback";
    /// An acknowledgement locks nothing: it happens behind the commit.
    AcksBehindTheCommit: "tx::t9_a_delivery_that_a_transaction_is_acknowledging_is_not_stolen"
        "tx::i4_one_transaction_acknowledges_a_delivery_once";
    /// A receiver may end the transaction that it was lent.
    AcksInAnyTransaction: "tx::w21_an_ended_transaction_acknowledges_nothing"
        "transactional::w21_a_receiver_that_ends_its_transaction_has_failed";
    /// A receiver that lost its delivery commits its effects.
    CommitsUnderOldTokens: "tx::i6_a_transaction_under_an_old_token_cannot_acknowledge"
        "tx::i5_a_delivery_cancelled_while_it_runs_cannot_be_acknowledged"
        "tx::i4_one_transaction_acknowledges_a_delivery_once";
    /// A send reaches what its own binary links.
    ReachesLinkedReceiversAlone: "send::i14_receivers_that_the_sender_does_not_link_get_their_delivery"
        "send::e3_a_receiver_registered_since_gets_the_signals_of_old_binaries"
        "send::s14_a_sender_without_receivers_reaches_those_of_the_signals_old_name"
        "deploys::w16_e3_an_added_receiver_gets_every_signal_sent_since_it_was_registered";
    /// Of many receivers one gets a delivery.
    DeliversToOneReceiverAlone: "send::t1_a_send_stores_one_ready_delivery_for_each_receiver";
    /// A linked receiver that nobody registered is passed over in silence.
    SendsPastTheUnregistered: "send::i14_a_linked_receiver_that_is_not_registered_fails_the_send_and_is_named"
        "send::i14_a_refused_send_leaves_nothing_behind_even_if_its_transaction_commits"
        "sender::i14_a_program_that_forgot_to_register_cannot_send";
    /// A linked receiver that has nothing to do with the signal is asked for.
    AsksForEveryLinkedReceiver: "send::i14_a_receiver_of_another_signal_may_be_unregistered";
    /// A fact that nobody hears of is no fact.
    RefusesWhatNobodyHears: "send::t1_a_signal_that_nobody_receives_is_stored_without_deliveries";
    /// A batch is stored as far as it goes.
    StoresBatchesPiecemeal: "keys::i1_a_batch_with_one_used_key_stores_none";
    /// Receipts come in any order.
    MixesReceiptsUp: "send::t1_a_batch_is_stored_in_its_order";
    /// What travels beside a payload is lost.
    DropsHeaders: "send::e13_headers_travel_beside_the_payload" "hostile::e13_every_header_of_the_table_has_its_verdict"
        "worker::e13_what_a_receiver_sends_is_run_and_names_its_cause"
        "endless::e13_a_receiver_that_sends_its_own_signal_starves_nobody_and_is_seen";
    /// Delays are lost.
    SendsAtOnce: "send::i9_a_delayed_send_is_claimed_when_it_is_due_and_not_before"
        "send::d9_a_delay_of_ten_years_is_kept"
        "registry::i15_a_merge_moves_scheduled_deliveries_too"
        "hostile::d9_every_delay_of_the_table_has_its_verdict";
    /// Payloads go through a JSON type that tidies them up.
    TidiesPayloads: "payload::d8_payload_bytes_come_back_as_they_were_sent"
        "hostile::s12_every_payload_of_the_table_has_its_verdict";
    /// What is sent twice is stored twice.
    IgnoresKeys: "keys::e12_the_same_send_repeated_adds_nothing_and_gets_the_firsts_receipt"
        "keys::s16_the_same_key_with_another_payload_is_a_typed_error"
        "keys::s16_of_two_concurrent_sends_with_one_key_one_stores"
        "keys::s16_the_same_key_with_the_same_bytes_in_another_version_is_a_repetition"
        "keys::s16_a_key_repeated_under_the_signals_new_name_is_a_repetition"
        "keys::s16_the_same_key_for_another_signal_is_a_typed_error"
        "keys::e12_a_repetition_within_one_transaction_adds_nothing"
        "keys::e12_a_repetition_after_completion_adds_nothing"
        "hostile::i13_every_word_of_the_table_has_its_verdict";
    /// Keys are compared by a collation.
    LowercasesKeys: "keys::e12_other_keys_are_other_sends";

    // Names.

    /// A renamed receiver is another one.
    IgnoresAliases: "registry::i15_a_renamed_receiver_gets_what_was_sent_under_its_old_name"
        "hostile::i15_every_name_of_the_table_has_its_verdict"
        "registry::i15_an_old_binary_that_comes_later_finds_the_new_ones_id"
        "registry::i15_a_rollback_finds_the_same_receiver"
        "deploys::w16_e2_a_receiver_renamed_with_its_alias_is_one_receiver_in_every_order"
        "deploys::w16_e2_a_receiver_renamed_twice_is_one_receiver_in_every_order"
        "deploys::w16_e5_a_receiver_may_be_renamed_while_its_payloads_version_is_raised"
        "registry::i15_a_receiver_is_shown_with_its_last_name_and_all_others"
        "registry::i15_a_delivery_is_found_under_its_id_from_before_a_merge"
        "registry::i15_a_paused_receiver_stays_paused_under_its_new_name"
        "registry::i15_a_merge_keeps_either_receiver_retired";
    /// A renamed signal is another one.
    IgnoresAliasesOfSignals: "registry::i15_a_renamed_signal_reaches_receivers_under_either_name"
        "registry::i15_an_old_binary_of_a_renamed_signal_may_come_later"
        "deploys::w16_i15_a_renamed_signal_reaches_everybody_in_every_order"
        "registry::i15_receivers_of_a_renamed_signal_are_resolved_before_they_register";
    /// A merge of two receivers loses what waits.
    LosesWhatItMerges: "registry::i15_a_merge_moves_the_aliass_pending_deliveries"
        "registry::i15_a_receiver_that_is_listed_under_two_names_is_merged_once"
        "registry::i15_of_two_pending_deliveries_of_one_signal_a_merge_cancels_the_aliass";
    /// A binary is registered as far as it goes.
    RegistersOneByOne: "registry::i15_a_kept_name_for_another_signal_is_refused_and_nothing_is_stored";
    /// A name may move to another signal.
    MovesNamesToOtherSignals: "registry::i15_a_kept_name_for_another_signal_is_refused_and_nothing_is_stored"
        "deploys::i15_e2_a_receiver_moved_to_another_signal_is_refused_in_both_orders";
    /// Looking stores.
    StoresWhatItResolves: "registry::i14_resolving_stores_nothing";
    /// What was retired is addressed.
    IgnoresRetirement: "registry::i14_sends_pass_a_retired_receiver_by"
        "registry::i14_a_retired_receiver_stays_retired_and_is_reported"
        "deploys::i14_w16_a_retired_receiver_gets_nothing_more_and_what_waited_is_kept";
    /// What never was is stored to be retired.
    StoresWhatItRetires: "registry::i14_retiring_a_name_that_is_not_stored_does_nothing";
    /// Who links a retired receiver is not told.
    HidesTheRetired: "registry::i14_a_retired_receiver_stays_retired_and_is_reported";
    /// A pause or a retirement is not seen.
    HidesSwitches: "operate::i14_a_receiver_shows_whether_it_is_paused_or_retired"
        "look::i12_a_parked_lane_says_what_it_waits_for";
    /// A renamed receiver is known by its new name alone.
    HidesOldNames: "operate::i15_a_filter_by_an_old_name_means_the_receiver_that_took_over";
    /// Nobody sees which receivers there are.
    HidesReceivers: "operate::t10_an_unknown_receiver_is_answered_with_near_names";
    /// Each binary's receivers have ids of their own.
    NumbersReceiversAnew: "registry::i14_binaries_that_register_at_once_find_the_same_ids"
        "registry::i14_registering_again_changes_nothing";
    /// Two workers have one name.
    SharesIncarnations: "inspect::i6_no_two_workers_share_an_incarnation";
    /// A worker of another database is welcome.
    BeatsForNobody: "inspect::i6_a_worker_that_is_not_stored_is_told_so";
    /// Messages name another backend.
    GoesByAnotherName: "inspect::d7_the_store_names_itself_like_its_backend";
    /// The keeper's connection is to something else.
    DedicatesAnotherDatabase: "inspect::l1_a_dedicated_store_sees_and_changes_the_same_deliveries";

    // By hand, and by age.

    /// A cancellation waits until the receiver is done.
    SparesWhatRuns: "settle::t10_a_running_delivery_can_be_cancelled_and_its_runner_is_told"
        "tx::i5_a_delivery_cancelled_while_it_runs_cannot_be_acknowledged"
        "settle::w20_of_a_cancel_and_a_completion_one_wins"
        "operate::t10_a_cancel_of_all_that_match_takes_what_runs_and_what_waits";
    /// A discard leaves no dead letter.
    CancelsInsteadOfDiscarding: "settle::t10_a_discard_by_hand_makes_a_dead_letter"
        "settle::t10_a_scheduled_delivery_can_be_discarded";
    /// Whoever decides too late is not told.
    TellsNobodyWhoWasLate: "settle::w20_of_two_retries_by_hand_one_wins"
        "settle::t10_what_is_settled_can_be_neither_cancelled_nor_discarded"
        "settle::t11_only_the_dead_and_the_cancelled_can_be_retried_by_hand"
        "settle::w20_of_a_retry_by_hand_and_a_last_failure_the_failure_is_first"
        "operate::w20_what_completes_between_a_look_and_its_cancel_is_passed_over"
        "registry::i15_what_a_merge_cancelled_is_run_by_no_retry";
    /// What a merge left behind passes for done, whatever became of the other delivery.
    TellsTheMergedAsDone: "registry::i15_what_a_merge_cancelled_is_run_by_no_retry";
    /// What a look of a bulk found first is all that there is.
    FindsOnePage: "operate::t10_a_dry_run_counts_and_changes_nothing"
        "operate::t11_a_retry_of_all_that_match_takes_several_batches"
        "operate::i14_what_is_pending_when_a_receiver_retires_can_be_cancelled";
    /// Each look of a bulk begins again.
    FindsFromTheStart: "operate::w20_a_retry_of_all_beside_completions_retries_each_once";
    /// A bulk takes what a list with the same filter does not show.
    FindsWhateverFailed: "operate::t11_a_retry_of_all_is_narrowed_by_the_text_of_an_error";
    /// What was forgotten cannot be retried.
    NeverRemembers: "operate::t11_a_retry_of_all_puts_forgotten_signals_back"
        "settle::t11_a_retry_by_hand_puts_a_forgotten_signal_back_under_its_id";
    /// A retirement drops what waits.
    DropsWhatRetires: "operate::i14_what_is_pending_when_a_receiver_retires_is_kept_and_run";
    /// What did not happen has lines in the log.
    LogsWhatChangesNothing: "operate::t10_what_changes_nothing_leaves_no_line"
        "operate::i14_a_receiver_shows_whether_it_is_paused_or_retired";
    /// The log takes quotes and signs out of what it is told.
    TidiesTheLog: "operate::t10_the_log_tells_hostile_words_as_they_were"
        "hostile::i13_every_word_of_the_table_has_its_verdict";
    /// Nor whoever means something else.
    FindsWhatIsNot: "settle::t10_what_does_not_exist_is_not_found";
    /// A retry by hand does not begin from zero.
    KeepsCountersInTheNextLife: "settle::t11_a_dead_letter_retried_by_hand_begins_another_life"
        "settle::i8_another_life_begins_with_all_its_attempts_leases_and_refunds"
        "model::i4_t10_histories_of_decisions_end_as_in_the_model";
    /// And forgets what was.
    ForgetsEarlierLives: "settle::t11_a_dead_letter_retried_by_hand_begins_another_life"
        "settle::t11_attempts_are_told_apart_by_their_lives";
    /// Nobody knows who cancelled.
    ForgetsWhoDecided: "settle::t10_a_ready_delivery_can_be_cancelled_and_is_never_run"
        "settle::t11_a_cancelled_delivery_can_be_retried_by_hand"
        "hostile::i13_every_word_of_the_table_has_its_verdict";
    /// The log names nobody.
    HidesWhoActed: "operate::t10_every_deed_is_told_in_the_log_with_its_actor";
    /// The log has a line for each batch of one deed.
    LogsEachBatch: "operate::t10_a_cancel_of_all_that_match_takes_several_batches"
        "operate::t12_a_prune_by_hand_takes_several_batches_and_leaves_one_line";
    /// Answers end early though nothing is in the way.
    AnswersForHalf: "operate::t10_a_batch_is_answered_one_by_one_and_leaves_one_line";
    /// There is no way back from a retirement.
    NeverRestores: "operate::i14_a_retired_receiver_can_be_restored";
    /// A dead letter has no letter.
    BuriesWithoutPayload: "finish::t5_a_delivery_without_attempts_left_is_a_dead_letter"
        "worker::w17_a_payload_that_does_not_decode_is_a_dead_letter_at_once"
        "retention::t13_dead_letters_and_cancellations_pin_nothing_and_keep_their_payload"
        "settle::t11_a_forgotten_signal_comes_back_as_it_was_sent";
    /// Dead letters go with the rest.
    PrunesTheDead: "retention::t12_dead_letters_are_forgotten_by_explicit_retention_alone";
    /// Retention is not waited for.
    PrunesTheYoung: "retention::t12_what_is_settled_is_forgotten_after_its_retention"
        "keys::e12_a_key_is_free_again_after_its_retention"
        "hostile::d9_no_number_of_a_statement_overflows";
    /// Keys are never free again.
    KeepsKeysForEver: "keys::e12_a_key_is_free_again_after_its_retention";
    /// A signal is forgotten while a delivery waits for it.
    ForgetsWhatIsNeeded: "retention::t13_a_signal_is_kept_while_one_delivery_needs_it"
        "retention::t13_a_signal_is_kept_for_a_delivery_that_is_due_in_years"
        "retention::t12_what_is_not_settled_is_never_forgotten";
    /// Or before its time.
    ForgetsTheYoung: "retention::t13_a_signal_is_forgotten_when_it_is_old_and_nothing_refers_to_it";

    // What operators see.

    /// The last of a page is the first of the next.
    PagesOverlap: "inspect::i2_pages_of_a_list_continue_each_other";
    /// A list begins at the wrong end.
    ListsTheOldestFirst: "inspect::i2_a_list_shows_the_newest_signal_first";
    /// A list shows what nobody asked for.
    IgnoresFilters: "inspect::i2_a_list_is_narrowed_by_state" "inspect::i2_a_list_is_narrowed_by_receiver_and_signal"
        "look::i2_a_list_is_narrowed_by_everything_at_once"
        "operate::t10_states_that_a_verb_cannot_change_are_left_out"
        "operate::i14_what_is_pending_when_a_receiver_retires_can_be_cancelled";
    /// Nor at errors.
    ListsWhateverFailed: "look::i2_a_list_is_narrowed_by_the_text_of_an_error"
        "look::i2_a_list_is_narrowed_by_everything_at_once" "look::i13_a_list_finds_hostile_text_literally";
    /// Behind the first page there is none.
    ListsOnePage: "look::i2_pages_tell_each_delivery_once_while_everything_moves"
        "look::i2_pages_go_on_past_what_does_not_match" "inspect::i2_pages_of_a_list_continue_each_other";
    /// Nor does it look at ages.
    IgnoresAges: "look::i2_a_list_is_narrowed_by_age";
    /// Text is a pattern.
    MatchesTextAsAPattern: "look::i13_a_list_finds_hostile_text_literally";
    /// What happened first is told last.
    TellsOldNewsAsNew: "look::i2_trends_tell_failures_and_completions_bucket_by_bucket";
    /// Each version of a payload has trends of its own.
    TellsVersionsApart: "look::i2_trends_add_up_the_versions_of_a_receiver";
    /// Only what went well is told.
    TellsNoFailures: "look::i2_trends_tell_failures_and_completions_bucket_by_bucket";
    /// A retry is late from the moment when its signal was sent.
    CountsWaitingAsDue: "look::i2_counts_tell_since_when_the_oldest_due_delivery_is_due";
    /// A delivery is counted twice.
    CountsTheScheduledAsReady: "inspect::i2_every_delivery_is_counted_in_one_state";
    /// A receiver that holds nothing does not exist.
    CountsTheBusyAlone: "inspect::i2_counts_name_every_receiver_even_one_that_holds_nothing";
    /// A count does not tell versions apart.
    CountsVersionsAsOne: "inspect::i12_a_lane_that_no_worker_knows_is_counted"
        "deploys::w16_e5_each_version_of_a_payload_waits_for_a_build_that_knows_it"
        "look::i12_a_parked_lane_says_what_it_waits_for";
    /// Nobody sees how far behind a lane is.
    ForgetsTheOldest: "inspect::i2_counts_tell_when_the_oldest_ready_delivery_was_sent";
    /// Nobody sees who runs what.
    ForgetsWhoRuns: "claim::t2_a_claim_sets_token_lease_and_attempt";
    /// The dead are alive.
    ShowsDeadWorkers: "inspect::l1_workers_are_shown_while_they_are_seen"
        "worker::i12_deliveries_that_nobody_runs_are_shown_as_parked";
    /// And who stopped goes on.
    NeverResigns: "inspect::l1_workers_are_shown_while_they_are_seen"
        "deploys::w16_e4_a_removed_receiver_waits_for_a_build_that_knows_it"
        "deploys::i15_e2_what_waits_for_a_name_that_was_given_up_is_parked_and_not_lost";

    // What is told.

    /// A refusal quotes what was refused, as a derived `Debug` prints it.
    QuotesPayloads: "secrets::w17_a_secret_in_a_payload_is_told_nowhere";
    /// What is claimed is logged with all that it is.
    LogsPayloads: "secrets::w17_a_secret_in_a_payload_is_told_nowhere";
    /// What failed is logged with its error.
    LogsErrors: "secrets::i13_a_secret_in_an_error_is_told_in_its_record_alone"
        "secrets::i13_a_worker_that_logs_errors_tells_them_in_two_events_alone";
}
