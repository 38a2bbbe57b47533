//! Every default, once. Durations are [`Duration`]s, sizes are bytes.
//!
//! | what | default | changed by |
//! |---|---|---|
//! | lease | 20 s, renewed at a third of it | [`WorkerBuilder::lease`](crate::WorkerBuilder::lease) |
//! | time-out of an attempt | 5 min | `timeout = "…"` of a receiver, [`WorkerBuilder::timeout`](crate::WorkerBuilder::timeout) |
//! | time-out of a transactional attempt on a database with one writer (SQLite) | 5 s | `timeout = "…"` of a receiver |
//! | attempts | 20 | `max_attempts` of a receiver |
//! | backoff | initial 1 s, factor 2, max 12 h, full jitter (about a day in all) | `backoff(…)` of a receiver |
//! | concurrency | 16 attempts per worker | [`WorkerBuilder::concurrency`](crate::WorkerBuilder::concurrency) |
//! | share of one lane | ¾ of the slots, rounded up; all when the worker knows one lane | [`WorkerBuilder::lane_share`](crate::WorkerBuilder::lane_share) |
//! | grace at shutdown | 25 s | [`WorkerBuilder::grace`](crate::WorkerBuilder::grace) |
//! | poll | every 10 ms while busy, 100 ms while idle | [`WorkerBuilder::poll`](crate::WorkerBuilder::poll) |
//! | promotion of what became due | every 100 ms, at most 10,000 at once | [`WorkerBuilder::poll`](crate::WorkerBuilder::poll), to be rarer |
//! | a worker counts as alive | for 60 s after it was last seen; it shows itself every 20 s, or every third of a shorter lease | – |
//! | payload | at most 256 KiB | [`Signals::with_payload_limit`](crate::Signals::with_payload_limit) |
//! | history: completions kept | 24 h | [`WorkerBuilder::history`](crate::WorkerBuilder::history) |
//! | cancelled deliveries kept | 7 days | [`WorkerBuilder::keep_cancelled`](crate::WorkerBuilder::keep_cancelled) |
//! | dead letters kept | until a retention is set | [`WorkerBuilder::keep_dead`](crate::WorkerBuilder::keep_dead) |
//! | signals kept after their last delivery | 7 days | [`WorkerBuilder::keep_signals`](crate::WorkerBuilder::keep_signals) |
//! | sends of the same process claim for a worker that has room (Postgres) | yes | [`WorkerBuilder::claim_in_sends`](crate::WorkerBuilder::claim_in_sends) |
//! | what receivers' errors say in the log | nothing | [`WorkerBuilder::log_errors`](crate::WorkerBuilder::log_errors) |
//! | idempotency keys kept | 7 days | – |

use std::time::Duration;

pub use signals_core::payload::DEFAULT_LIMIT as PAYLOAD_LIMIT;
pub use signals_core::retry::RetryPolicy;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a lease lasts.
pub const LEASE: Duration = Duration::from_secs(20);
/// A lease is renewed after this part of it.
pub const RENEWALS_PER_LEASE: u32 = 3;
/// How long an attempt may take.
pub const TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How long an attempt may take that shuts out every other writer of its database.
pub const TIMEOUT_SINGLE_WRITER: Duration = Duration::from_secs(5);
/// Attempts and backoff.
pub const RETRY: RetryPolicy = RetryPolicy::DEFAULT;
/// How many attempts a worker runs at once.
pub const CONCURRENCY: usize = 16;
/// The part of a worker's slots that one lane may take.
pub const LANE_SHARE: f64 = 0.75;
/// How long a worker that shuts down waits for what runs.
pub const GRACE: Duration = Duration::from_secs(25);
/// How often a worker asks while it is busy: more than [`BUSY_CLAIMS`] in the last second.
pub const POLL_BUSY: Duration = Duration::from_millis(10);
/// How often a worker asks while it is idle.
pub const POLL_IDLE: Duration = Duration::from_millis(100);
/// How many deliveries claimed in a second make a worker busy.
pub const BUSY_CLAIMS: usize = 10;
/// How often what became due is moved to where it can be claimed.
pub const PROMOTE_EVERY: Duration = Duration::from_millis(100);
/// How many deliveries are promoted at once.
pub const PROMOTE_BATCH: usize = 10_000;
/// How often settled things are pruned and signals forgotten.
pub const PRUNE_EVERY: Duration = Duration::from_secs(30);
/// How many rows are pruned in one statement.
pub const PRUNE_BATCH: usize = 1_000;
/// How long after it was last seen a worker counts as alive.
pub const ALIVE: Duration = Duration::from_secs(60);
/// How long completions are kept.
pub const HISTORY: Duration = DAY;
/// How long cancelled deliveries are kept.
pub const KEEP_CANCELLED: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long signals are kept that nothing refers to.
pub const KEEP_SIGNALS: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long idempotency keys are kept.
pub const KEEP_KEYS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    /// The table above, the guarantees and the figures of the documentation rest on these.
    #[test]
    fn the_defaults_are_the_documented_ones() {
        let seconds = [LEASE, TIMEOUT, TIMEOUT_SINGLE_WRITER, GRACE, HISTORY, KEEP_CANCELLED, KEEP_SIGNALS, KEEP_KEYS];
        assert_eq!(seconds.map(|d| d.as_secs()), [20, 300, 5, 25, 86_400, 604_800, 604_800, 604_800]);
        assert_eq!([POLL_BUSY, POLL_IDLE, PROMOTE_EVERY].map(|d| d.as_millis()), [10, 100, 100]);
        assert_eq!((RENEWALS_PER_LEASE, CONCURRENCY, LANE_SHARE, BUSY_CLAIMS), (3, 16, 0.75, 10));
        assert_eq!((PAYLOAD_LIMIT, PROMOTE_BATCH), (262_144, 10_000));
        let backoff = RETRY.backoff;
        assert_eq!((RETRY.max_attempts, backoff.factor), (20, 2.0));
        assert_eq!((backoff.initial.as_secs(), backoff.max.as_secs()), (1, 43_200));
    }

    /// The table for operators, which has every constant of this file with its value.
    const PAGE: &str = include_str!("../../docs/operations.md");

    #[test]
    fn the_table_for_operators_has_every_default() {
        let RetryPolicy { max_attempts, backoff } = RETRY;
        let retry = format!(
            "{max_attempts} attempts, {}, × {}, max {}",
            words(backoff.initial),
            backoff.factor,
            words(backoff.max)
        );
        let table = [
            ("LEASE", words(LEASE)),
            ("RENEWALS_PER_LEASE", RENEWALS_PER_LEASE.to_string()),
            ("TIMEOUT", words(TIMEOUT)),
            ("TIMEOUT_SINGLE_WRITER", words(TIMEOUT_SINGLE_WRITER)),
            ("RETRY", retry),
            ("CONCURRENCY", CONCURRENCY.to_string()),
            ("LANE_SHARE", LANE_SHARE.to_string()),
            ("GRACE", words(GRACE)),
            ("POLL_BUSY", words(POLL_BUSY)),
            ("POLL_IDLE", words(POLL_IDLE)),
            ("BUSY_CLAIMS", BUSY_CLAIMS.to_string()),
            ("PROMOTE_EVERY", words(PROMOTE_EVERY)),
            ("PROMOTE_BATCH", PROMOTE_BATCH.to_string()),
            ("PRUNE_EVERY", words(PRUNE_EVERY)),
            ("PRUNE_BATCH", PRUNE_BATCH.to_string()),
            ("ALIVE", words(ALIVE)),
            ("HISTORY", words(HISTORY)),
            ("KEEP_CANCELLED", words(KEEP_CANCELLED)),
            ("KEEP_SIGNALS", words(KEEP_SIGNALS)),
            ("KEEP_KEYS", words(KEEP_KEYS)),
            ("PAYLOAD_LIMIT", format!("{PAYLOAD_LIMIT} bytes")),
        ];
        for (name, value) in &table {
            assert!(
                PAGE.contains(&format!("| `{name}` | {value} |")),
                "docs/operations.md must say `{name}` is {value}"
            );
        }
        let declared = include_str!("defaults.rs").lines().filter_map(|line| line.strip_prefix("pub const "));
        for name in declared.filter_map(|rest| rest.split(':').next()) {
            assert!(
                table.iter().any(|(listed, _)| *listed == name),
                "`{name}` is missing here and in docs/operations.md"
            );
        }
    }

    fn words(duration: Duration) -> String {
        let units = [(7 * 86_400_000, 86_400_000, "days"), (3_600_000, 3_600_000, "h"), (120_000, 60_000, "min")];
        let millis = duration.as_millis();
        for (from, unit, name) in units {
            if millis >= from && millis.is_multiple_of(unit) {
                return format!("{} {name}", millis / unit);
            }
        }
        if millis.is_multiple_of(1_000) { format!("{} s", millis / 1_000) } else { format!("{millis} ms") }
    }
}
