//! What operators decide while others write.

use std::time::{Duration, Instant};

use signals_core::Outgoing;
use signals_core::clock::Clock as _;
use signals_core::delivery::ReceiverId;
use signals_core::store::{Acting, Filter, Snoozed, Switch};
use sqlx::{ConnectOptions as _, SqliteConnection};

use super::{Fixture, Paid, entry};

const ACTING: Acting<'static> = Acting { actor: "ada", subject: "all", continues: None };

/// A connection of somebody else's.
async fn other(fixture: &Fixture) -> SqliteConnection {
    let options = fixture.backend.pool().connect_options().as_ref().clone();
    options.busy_timeout(Duration::from_secs(30)).connect().await.expect("connects")
}

async fn execute(conn: &mut SqliteConnection, statements: &[&'static str]) {
    for sql in statements {
        sqlx::query(*sql).execute(&mut *conn).await.expect("executes");
    }
}

/// Waits until the store has looked at what it needs no lock for, and stands before the lock that somebody else holds.
async fn until_the_store_waits(fixture: &Fixture) {
    let began = Instant::now();
    while !fixture.backend.store.connections.is_taken() {
        assert!(began.elapsed() < Duration::from_secs(10), "nobody asks for the lock");
        // tidy: not a wait: the pause between two looks at a condition that has a deadline
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// T2: the look at the lanes is not the claim.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t2_a_claim_that_waited_for_the_lock_heeds_a_pause_that_came_first() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..1).await;
    let mut pausing = other(&fixture).await;
    execute(&mut pausing, &["BEGIN IMMEDIATE", "UPDATE signals_receiver SET paused = 1"]).await;
    let claim = fixture.claim(&[1]);
    let pausing = async {
        until_the_store_waits(&fixture).await;
        execute(&mut pausing, &["COMMIT"]).await;
    };
    let (claims, ()) = tokio::join!(fixture.store.claim(&claim), pausing);
    let claims = claims.expect("claims");
    assert!(claims.claimed.is_empty(), "{:?}", claims.claimed);
}

/// T10: what is copied in one transaction is bounded, or everybody else waits for the lock; when a later one fails, the
/// answer ends before it, and the log has one line for all.
#[tokio::test]
async fn t10_what_one_transaction_ends_is_bounded_and_an_answer_ends_before_the_one_that_fails() {
    let fixture = Fixture::new(&["a"]).await;
    let signals = (0..40).map(|id| Outgoing::new(&Paid { id, note: "x".repeat(250_000) })).collect();
    fixture.send(signals).await.expect("sends");
    let ids = fixture.store.find(&Filter::default(), 100).await.expect("finds").ids;
    // Stops what is changed after the first transaction: an answer that ends early shows where that ended.
    let trap = "CREATE TRIGGER trap BEFORE UPDATE ON signals_action BEGIN SELECT RAISE(ABORT, 'a second batch'); END";
    execute(&mut other(&fixture).await, &[trap]).await;
    let decided = fixture.store.cancel(&ids, &ACTING).await.expect("cancels");
    assert!((10..30).contains(&decided.changed()), "4 MiB of 250 kB each: {}", decided.changed());
    let actions = fixture.store.actions(None, 10).await.expect("tells");
    assert_eq!(actions[0].count, decided.changed() as u64);
    execute(&mut other(&fixture).await, &["DROP TRIGGER trap"]).await;
    let acting = Acting { continues: decided.action, ..ACTING };
    let rest = fixture.store.cancel(&ids[decided.verdicts.len()..], &acting).await.expect("cancels");
    assert_eq!(decided.changed() + rest.changed(), 40);
    let actions = fixture.store.actions(None, 10).await.expect("tells");
    assert_eq!((actions.len(), actions[0].count), (1, 40));
}

/// T10: names go to another receiver between a look and a deed.
#[tokio::test]
async fn i15_a_switch_of_a_receiver_that_was_merged_meanwhile_is_its_heirs() {
    let fixture = Fixture::new(&["a", "b"]).await;
    fixture.register(&[entry("b", &["a"])]).await.expect("merges");
    assert!(fixture.store.switch(ReceiverId(1), Switch::Pause, "ada").await.expect("switches"));
    let receivers = fixture.store.receivers().await.expect("lists");
    assert_eq!(receivers.iter().map(|receiver| (&*receiver.name, receiver.paused)).collect::<Vec<_>>(), [("b", true)]);
}

#[tokio::test]
async fn i2_what_came_back_at_once_is_due_since_then() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..1).await;
    fixture.clock.advance(Duration::from_secs(3_600));
    let held = fixture.claimed(&[1]).await.claimed[0].held;
    fixture.store.snooze(&[Snoozed { held, delay: Duration::ZERO }]).await.expect("snoozes");
    let counts = fixture.store.counts().await.expect("counts");
    assert_eq!(counts.lanes[0].due_since, Some(fixture.clock.now()));
}
