//! T1, idempotency keys, and the fence of transactional receivers.

use std::collections::HashSet;
use std::time::Duration;

use signals_core::store::{Acked, Registration};
use signals_core::{Backend as _, Due, Error};
use sqlx::Connection as _;

use super::{Fixture, Paid, keyed, paid};
use crate::backend::sqlite::SqliteBackend;

#[tokio::test]
async fn d8_payloads_come_back_byte_for_byte() {
    let mut fixture = Fixture::new(&["a", "b"]).await;
    let sent = paid(u64::MAX);
    let bytes = sent.payload.clone();
    let receipts = fixture.send(vec![sent]).await.expect("sends");
    assert_eq!(receipts[0].deliveries, 2);
    let claims = fixture.claimed(&[1, 2]).await;
    assert_eq!(claims.claimed.len(), 2);
    assert!(std::sync::Arc::ptr_eq(&claims.claimed[0].signal, &claims.claimed[1].signal), "one signal, shared");
    assert_eq!(claims.claimed[0].signal.payload, bytes);
    let read: Paid = serde_json::from_slice(&bytes).expect("decodes");
    assert_eq!((read.id, read.note.chars().next()), (u64::MAX, Some('\0')));
}

#[tokio::test]
async fn s15_100_000_sends_in_one_call() {
    let fixture = Fixture::new(&["a", "b"]).await;
    let receipts = fixture.send_ids(0..100_000).await;
    let ids: HashSet<_> = receipts.iter().map(|receipt| receipt.signal_id).collect();
    assert_eq!(ids.len(), 100_000);
    assert!(receipts.is_sorted_by_key(|receipt| receipt.signal_id));
    assert_eq!(fixture.number("SELECT count(*) FROM signals_signal").await, 100_000);
    assert_eq!(fixture.number("SELECT count(DISTINCT id) FROM signals_delivery").await, 200_000);
}

#[tokio::test]
async fn i1_ordinary_sends_draw_ids_once_and_address_whoever_is_registered() {
    let fixture = Fixture::new(&["a", "b", "c"]).await;
    let retire = Registration { retired: vec!["b"], ..Registration::default() };
    fixture.store.register(&retire).await.expect("retires");
    for ids in [0..1, 1..4, 4..5] {
        let receipts = fixture.send_ids(ids.clone()).await;
        let signals: Vec<_> = receipts.iter().map(|receipt| receipt.signal_id.0).collect();
        assert_eq!(signals, (ids.start as i64 + 1..=ids.end as i64).collect::<Vec<_>>());
        assert!(receipts.iter().all(|receipt| receipt.deliveries == 2 && !receipt.repeated), "{receipts:?}");
    }
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as("SELECT id, signal, receiver FROM signals_delivery ORDER BY id")
        .fetch_all(fixture.backend.pool())
        .await
        .expect("rows");
    let expected: Vec<_> = (0..10).map(|n| (n + 1, n / 2 + 1, if n % 2 == 0 { 1 } else { 3 })).collect();
    assert_eq!(rows, expected);
    assert_eq!(fixture.number("SELECT count(*) FROM signals_signal WHERE fanout = '[1,3]'").await, 5);
}

/// Another version of [`Paid`].
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct PaidV2 {
    id: u64,
}

impl signals_core::Signal for PaidV2 {
    const DEF: &'static signals_core::SignalDef =
        &signals_core::SignalDef { version: 2, ..signals_core::SignalDef::new("paid", super::HERE) };
}

#[tokio::test]
async fn e5_two_versions_of_one_batch_go_into_two_lanes() {
    let fixture = Fixture::new(&["a"]).await;
    fixture.send(vec![paid(1), signals_core::Outgoing::new(&PaidV2 { id: 2 })]).await.expect("sends");
    assert_eq!(fixture.number("SELECT count(DISTINCT version) FROM signals_delivery").await, 2);
    assert_eq!(fixture.number("SELECT max(version) FROM signals_signal").await, 2);
}

#[tokio::test]
async fn a_delayed_send_waits_until_it_is_promoted() {
    let mut fixture = Fixture::new(&["a"]).await;
    let mut signal = paid(1);
    signal.due = Due::After(Duration::from_secs(60));
    fixture.send(vec![signal]).await.expect("sends");
    assert_eq!(fixture.store.promote(10).await.expect("promotes").moved, 0);
    assert!(fixture.claimed(&[1]).await.claimed.is_empty());
    fixture.clock.advance(Duration::from_secs(60));
    assert_eq!(fixture.store.promote(10).await.expect("promotes").moved, 1);
    assert_eq!(fixture.claimed(&[1]).await.claimed.len(), 1);
}

#[tokio::test]
async fn s16_a_key_stores_once_also_within_one_batch_and_refuses_another_payload() {
    let fixture = Fixture::new(&["a"]).await;
    let receipts = fixture.send(vec![keyed(1, "k"), keyed(1, "k"), paid(2)]).await.expect("sends");
    assert_eq!([receipts[0].repeated, receipts[1].repeated, receipts[2].repeated], [false, true, false]);
    assert_eq!(receipts[0].signal_id, receipts[1].signal_id);
    let again = fixture.send(vec![keyed(1, "k")]).await.expect("sends");
    assert_eq!((again[0].signal_id, again[0].repeated, again[0].deliveries), (receipts[0].signal_id, true, 1));
    for batch in [vec![keyed(2, "k")], vec![keyed(1, "new"), keyed(2, "new")]] {
        assert!(matches!(fixture.send(batch).await, Err(Error::KeyReused { .. })));
    }
    assert_eq!(fixture.number("SELECT count(*) FROM signals_signal").await, 2);
}

#[tokio::test]
async fn s4_a_send_that_fails_leaves_nothing_even_when_its_transaction_commits() {
    let fixture = Fixture::new(&["a"]).await;
    sqlx::query("CREATE TRIGGER full BEFORE INSERT ON signals_delivery BEGIN SELECT raise(ABORT, 'disk full'); END")
        .execute(fixture.backend.pool())
        .await
        .expect("a trigger");
    let mut tx = fixture.backend.begin().await.expect("begins");
    let failed = SqliteBackend::send(&mut tx, &fixture.batch(vec![paid(1)])).await;
    assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
    tx.commit().await.expect("commits");
    assert_eq!(fixture.number("SELECT count(*) FROM signals_signal").await, 0);
}

#[tokio::test]
async fn a_send_outside_a_transaction_is_refused() {
    let fixture = Fixture::new(&["a"]).await;
    let mut conn = fixture.backend.pool().acquire().await.expect("a connection");
    let refused = SqliteBackend::send(&mut conn, &fixture.batch(vec![paid(1)])).await;
    assert!(matches!(refused, Err(Error::NotInTransaction)), "{refused:?}");
    sqlx::query("BEGIN").execute(&mut *conn).await.expect("a hand-written BEGIN");
    let refused = SqliteBackend::send(&mut conn, &fixture.batch(vec![paid(1)])).await;
    assert!(matches!(refused, Err(Error::NotInTransaction)), "{refused:?}");
    drop(conn.detach());
}

#[tokio::test]
async fn w21_a_send_after_a_raw_commit_stores_nothing_by_itself() {
    let fixture = Fixture::new(&["a"]).await;
    for savepoint in [false, true] {
        for ended in ["COMMIT", "ROLLBACK"] {
            let mut tx = fixture.backend.begin().await.expect("begins");
            if savepoint {
                SqliteBackend::savepoint(&mut tx).await.expect("opens");
            }
            sqlx::query(ended).execute(&mut *tx).await.expect("runs");
            let refused = SqliteBackend::send(&mut tx, &fixture.batch(vec![paid(1)])).await;
            assert!(matches!(refused, Err(Error::NotInTransaction)), "{ended}: {refused:?}");
            // Nor does what the receiver does next commit by itself.
            sqlx::query("DELETE FROM signals_receiver").execute(&mut *tx).await.expect("runs");
            if savepoint {
                SqliteBackend::rollback_savepoint(&mut tx).await.expect("rolls back");
            }
            let committed = fixture.backend.commit(tx).await;
            assert!(matches!(committed, Err(Error::SendFailed)), "{ended}: {committed:?}");
            assert_eq!(fixture.number("SELECT count(*) FROM signals_signal").await, 0);
            assert_eq!(fixture.number("SELECT count(*) FROM signals_receiver").await, 1);
        }
    }
    every_connection_is_in_order(&fixture).await;
}

/// Takes all the connections of the pool, those too that did not get a pleasant end.
async fn every_connection_is_in_order(fixture: &Fixture) {
    let mut all = Vec::new();
    for _ in 0..fixture.backend.pool().size() {
        let mut conn = fixture.backend.pool().acquire().await.expect("a connection");
        conn.ping().await.expect("answers");
        assert!(!conn.is_in_transaction());
        all.push(conn);
    }
}

#[tokio::test]
async fn s11_a_send_whose_transaction_sqlite_rolled_back_cannot_be_followed_by_a_commit() {
    let fixture = Fixture::new(&["a"]).await;
    // What SQLite does by itself when the disk is full or fails: the whole transaction goes.
    sqlx::raw_sql(
        "CREATE TABLE business (value TEXT NOT NULL);
         CREATE TRIGGER gone BEFORE INSERT ON signals_delivery BEGIN SELECT raise(ROLLBACK, 'gone'); END",
    )
    .execute(fixture.backend.pool())
    .await
    .expect("a trigger");
    let write = "INSERT INTO business (value) VALUES ('paid')";
    for (savepoint, commits) in [(false, true), (false, false), (true, true), (true, false)] {
        let mut tx = fixture.backend.begin().await.expect("begins");
        sqlx::query(write).execute(&mut *tx).await.expect("writes");
        if savepoint {
            SqliteBackend::savepoint(&mut tx).await.expect("opens");
        }
        let failed = SqliteBackend::send(&mut tx, &fixture.batch(vec![paid(1)])).await;
        assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
        if savepoint {
            SqliteBackend::rollback_savepoint(&mut tx).await.expect("rolls back");
        }
        sqlx::query(write).execute(&mut *tx).await.expect("writes");
        if commits {
            let committed = fixture.backend.commit(tx).await;
            assert!(matches!(committed, Err(Error::SendFailed)), "{committed:?}");
        } else {
            drop(tx);
        }
        assert_eq!(fixture.number("SELECT count(*) FROM business").await, 0, "all or nothing");
    }
    every_connection_is_in_order(&fixture).await;
}

#[tokio::test]
async fn s11_the_pool_survives_transactions_that_sqlite_rolled_back() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..1).await;
    let held = fixture.claimed(&[1]).await.claimed[0].held;
    let acked = Acked { held, ran: Duration::ZERO, keep: true };
    sqlx::raw_sql(
        "CREATE TABLE business (value TEXT NOT NULL);
         CREATE TRIGGER gone BEFORE INSERT ON business BEGIN SELECT raise(ROLLBACK, 'gone'); END;
         CREATE TRIGGER gone_too BEFORE INSERT ON signals_settled BEGIN SELECT raise(ROLLBACK, 'gone'); END",
    )
    .execute(fixture.backend.pool())
    .await
    .expect("triggers");
    for acknowledges in [false, true] {
        for commits in [false, true] {
            let mut tx = fixture.backend.begin().await.expect("begins");
            fixture.backend.fence(&mut tx).await.expect("fences");
            if acknowledges {
                fixture.backend.ack(&mut tx, &acked).await.expect_err("gone");
            } else {
                sqlx::query("INSERT INTO business VALUES ('paid')").execute(&mut *tx).await.expect_err("gone");
            }
            if commits {
                fixture.backend.commit(tx).await.expect_err("there is nothing to commit");
            } else {
                fixture.backend.rollback(tx).await.expect("it is rolled back");
            }
            every_connection_is_in_order(&fixture).await;
        }
    }
}

#[tokio::test]
async fn i5_a_transactional_acknowledgement_is_part_of_its_transaction() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..1).await;
    let held = fixture.claimed(&[1]).await.claimed[0].held;
    let acked = Acked { held, ran: Duration::ZERO, keep: true };
    for commits in [false, true] {
        let mut tx = fixture.backend.begin().await.expect("begins");
        fixture.backend.fence(&mut tx).await.expect("fences");
        fixture.backend.ack(&mut tx, &acked).await.expect("acknowledges");
        if commits {
            fixture.backend.commit(tx).await.expect("commits");
        } else {
            drop(tx);
        }
    }
    assert_eq!(fixture.number("SELECT count(*) FROM signals_settled WHERE outcome = 'done'").await, 1);
    let mut tx = fixture.backend.begin().await.expect("begins");
    fixture.backend.fence(&mut tx).await.expect("fences");
    assert!(matches!(fixture.backend.ack(&mut tx, &acked).await, Err(Error::Stale { .. })));
}

#[tokio::test]
async fn w21_a_receiver_that_ends_its_transaction_is_found_out_and_the_pool_survives() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.send_ids(0..1).await;
    let held = fixture.claimed(&[1]).await.claimed[0].held;
    let acked = Acked { held, ran: Duration::ZERO, keep: true };
    for ended in [&["COMMIT"][..], &["COMMIT", "BEGIN"], &["ROLLBACK"], &["ROLLBACK", "BEGIN IMMEDIATE"]] {
        for rolls_back in [true, false] {
            let mut tx = fixture.backend.begin().await.expect("begins");
            fixture.backend.fence(&mut tx).await.expect("fences");
            for statement in ended {
                sqlx::query(*statement).execute(&mut *tx).await.expect("runs");
            }
            let refused = fixture.backend.ack(&mut tx, &acked).await;
            assert!(matches!(refused, Err(Error::TransactionEnded)), "{ended:?}: {refused:?}");
            if rolls_back {
                fixture.backend.rollback(tx).await.expect("rolls back");
            }
        }
    }
    assert_eq!(fixture.number("SELECT count(*) FROM signals_delivery WHERE token IS NOT NULL").await, 1);
    for _ in 0..20 {
        let mut tx = fixture.backend.begin().await.expect("begins");
        sqlx::query("COMMIT").execute(&mut *tx).await.expect("runs");
        drop(tx);
    }
    let tx = fixture.backend.begin().await.expect("begins on a connection that is in order");
    fixture.backend.commit(tx).await.expect("commits");
}

#[tokio::test]
async fn s5_a_savepoint_takes_its_sends_with_it_also_when_its_futures_are_dropped() {
    let fixture = Fixture::new(&["a"]).await;
    let mut tx = fixture.backend.begin().await.expect("begins");
    SqliteBackend::savepoint(&mut tx).await.expect("opens");
    SqliteBackend::send(&mut tx, &fixture.batch(vec![paid(1)])).await.expect("sends");
    SqliteBackend::start_rollback_savepoint(&mut tx);
    SqliteBackend::send(&mut tx, &fixture.batch(vec![paid(2)])).await.expect("sends");

    // Polled once, dropped, at every step.
    for _ in 0..20 {
        let opening = tokio::time::timeout(Duration::ZERO, SqliteBackend::savepoint(&mut tx)).await;
        if opening.is_ok() {
            SqliteBackend::rollback_savepoint(&mut tx).await.expect("rolls back");
        }
        SqliteBackend::savepoint(&mut tx).await.expect("opens");
        let releasing = tokio::time::timeout(Duration::ZERO, SqliteBackend::release_savepoint(&mut tx)).await;
        if !matches!(releasing, Ok(Ok(()))) {
            SqliteBackend::start_rollback_savepoint(&mut tx);
        }
        for signal in [keyed(9, "dropped"), paid(10)] {
            let batch = fixture.batch(vec![signal]);
            let _ = tokio::time::timeout(Duration::from_micros(200), SqliteBackend::send(&mut tx, &batch)).await;
        }
    }
    assert!(tx.is_in_transaction());
    fixture.backend.commit(tx).await.expect("no savepoint is left open");
    let orphans = "SELECT count(*) FROM signals_signal WHERE id NOT IN (SELECT signal FROM signals_delivery)";
    assert_eq!(fixture.number(orphans).await, 0, "a send that was dropped half-way left half of itself");
    assert_eq!(fixture.number("SELECT count(*) FROM signals_signal WHERE payload LIKE '{\"id\":1,%'").await, 0);
    assert_eq!(fixture.number("SELECT count(*) FROM signals_signal WHERE payload LIKE '{\"id\":2,%'").await, 1);
}
