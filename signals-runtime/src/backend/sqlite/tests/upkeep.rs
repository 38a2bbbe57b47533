//! T12 and T13 on a real file.

use std::time::Duration;

use signals_core::Backend as _;
use signals_core::store::{Acked, Finished, Retention, Snoozed, Verb};

use super::{Fixture, LEASE, delivery};
use crate::backend::sqlite::upkeep;

#[tokio::test]
async fn t12_prune_goes_by_age_and_keeps_the_dead_unless_told() {
    let mut fixture = Fixture::new(&["a", "b"]).await;
    fixture.send(vec![super::keyed(1, "k")]).await.expect("sends");
    let held = fixture.claimed(&[1]).await.claimed[0].held;
    fixture.store.ack(&[Acked { held, ran: Duration::ZERO, keep: true }]).await.expect("acknowledges");
    fixture.by_hand(Verb::Discard, delivery(1, 2)).await.expect("discards");
    let day = Duration::from_secs(86_400);
    let mut retention = Retention { done: day, cancelled: day, dead: None, keys: 7 * day };
    assert_eq!(fixture.store.prune(&retention, 10, None).await.expect("prunes").deliveries, 0);
    fixture.clock.advance(8 * day);
    let pruned = fixture.store.prune(&retention, 10, None).await.expect("prunes");
    assert_eq!((pruned.deliveries, pruned.keys), (1, 1));
    retention.dead = Some(day);
    assert_eq!(fixture.store.prune(&retention, 10, None).await.expect("prunes").deliveries, 1);
    assert_eq!(fixture.number("SELECT count(*) FROM signals_settled").await, 0);
}

#[tokio::test]
async fn t13_with_nothing_to_forget_the_lock_is_not_taken() {
    let fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..3).await;
    fixture.clock.advance(LEASE);
    let writer = fixture.backend.begin().await.expect("begins");
    let forgotten = tokio::time::timeout(Duration::from_secs(1), fixture.store.forget(Duration::ZERO, 10)).await;
    assert_eq!(forgotten.expect("does not wait").expect("looks").0, 0, "old, but all are pending");
    drop(writer);
}

/// T13, T11: what nothing referred to when it was looked for, and a retry has put back before the lock was there.
#[tokio::test]
async fn t13_a_signal_that_is_retried_between_the_look_and_the_lock_is_kept() {
    let mut fixture = Fixture::new(&["a", "b"]).await;
    fixture.send_ids(0..3).await;
    for (signal, receiver) in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)] {
        fixture.by_hand(Verb::Discard, delivery(signal, receiver)).await.expect("discards");
    }
    let store = std::sync::Arc::clone(&fixture.backend.store);
    let found = upkeep::forgettable(&store.connections, Duration::ZERO, 10).await.expect("looks");
    fixture.by_hand(Verb::Retry, delivery(2, 2)).await.expect("retries");
    fixture.by_hand(Verb::Retry, delivery(3, 1)).await.expect("retries");
    let held = fixture.claimed(&[1]).await.claimed[0].held;
    let later = Snoozed { held, delay: Duration::from_secs(60) };
    assert_eq!(fixture.store.snooze(&[later]).await.expect("snoozes"), [Finished::Done]);
    let forgotten = upkeep::forget_found(&store.connections, &found).await.expect("forgets");
    assert_eq!(forgotten.0, 1, "one is ready again, and one waits");
    let kept: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM signals_signal").fetch_all(fixture.backend.pool()).await.expect("reads");
    assert_eq!(kept, [2, 3]);
}
