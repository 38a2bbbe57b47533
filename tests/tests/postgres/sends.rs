//! T1, S9, S10, S16: batches of several statements, and sends in transactions of every kind.

use std::sync::Arc;

use signals_conformance::Db;
use signals_conformance::fixtures::{ARCHIVE, SHIP, anything, paid};
use signals_core::{Backend as _, Error, Outgoing, SendBatch, SendContext, Signal as _, send_all};
use signals_runtime::PgBackend;
use sqlx::Connection as _;

use crate::harness::Postgres;

type Case = Db<Postgres>;

/// T1, D8: in whatever statements a batch travels, each signal is stored under the id of its receipt, byte for byte, and
/// delivered in the order of the batch.
#[tokio::test]
async fn t1_a_batch_of_several_statements_is_stored_in_its_order() {
    let case = Case::open().await;
    let app = case.app(&[&ARCHIVE]).await;
    // More than one statement takes by number, and then by bytes.
    let small = (0..9_000).map(|n| n.to_string());
    let large = (0..50).map(|n| format!("\"{}{n}\"", "\u{e9}".repeat(100_000)));
    let said: Vec<String> = small.chain(large).collect();
    let signals: Vec<_> = said.iter().cloned().map(anything).collect();
    let mut tx = app.begin().await;
    let receipts = send_all(&signals, &mut tx).await.expect("the batch is stored");
    tx.commit().await.expect("commits");
    let ids: Vec<i64> = receipts.iter().map(|receipt| receipt.signal_id.0).collect();
    let stored: Vec<(i64, String)> = sqlx::query_as("SELECT id, payload FROM signals.signal ORDER BY id")
        .fetch_all(&case.harness.reader)
        .await
        .expect("can be read");
    let sent = ids.iter().zip(&said).map(|(&id, said)| (id, format!("{{\"json\":{said}}}")));
    assert!(sent.eq(stored), "a payload is another's, or was changed");
    let delivered: Vec<i64> = sqlx::query_scalar("SELECT signal FROM signals.delivery ORDER BY receiver, version, id")
        .fetch_all(&case.harness.reader)
        .await
        .expect("can be read");
    assert!(delivered == ids, "deliveries are in another order than their signals");
}

/// S16: of two concurrent sends with one key one stores; the other gets its receipt, or is told to begin again.
#[tokio::test]
async fn s16_one_key_is_stored_once_under_every_isolation_level() {
    let case = Case::open().await;
    let app = case.app(&[&SHIP]).await;
    for level in ["read committed", "repeatable read", "serializable"] {
        let key = format!("key of {level}");
        let begin = async || {
            let begin = sqlx::AssertSqlSafe(format!("BEGIN ISOLATION LEVEL {level}"));
            let pool = case.harness.backend.pool();
            #[expect(clippy::disallowed_methods, reason = "the application's own transaction")]
            let mut tx = pool.begin_with(begin).await.expect("begins");
            // Its snapshot is older than what the other one stores.
            sqlx::query("SELECT count(*) FROM public.business").execute(&mut *tx).await.expect("reads");
            tx
        };
        let (mut one, mut other) = (begin().await, begin().await);
        let first = paid(7).send(&mut one).idempotency_key(&key).await.expect("nobody else has it");
        let sending = paid(7).send(&mut other).idempotency_key(&key);
        let (second, committed) = tokio::join!(sending, one.commit());
        committed.expect("commits");
        match second {
            Ok(second) => assert_eq!((second.signal_id, second.repeated), (first.signal_id, true), "{level}"),
            Err(error) => assert!(error.is_retryable() && level != "read committed", "{level}: {error:?}"),
        }
        drop(other);
        let again = {
            let mut tx = app.begin().await;
            let receipt = paid(7).send(&mut tx).idempotency_key(&key).await.expect("repeats");
            tx.commit().await.expect("commits");
            receipt
        };
        assert_eq!((again.signal_id, again.repeated), (first.signal_id, true), "{level}");
    }
}

/// S4: what a foreign trigger keeps out is told, and the transaction that lacks it cannot be committed.
#[tokio::test]
async fn s4_a_send_whose_rows_a_foreign_trigger_keeps_out_is_refused_with_its_transaction() {
    let case = Case::open().await;
    case.app(&[&SHIP]).await;
    let foreign = "CREATE FUNCTION public.keeps_out() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RETURN CASE WHEN NEW.payload LIKE '%7%' THEN NULL ELSE NEW END; END $$;
        CREATE TRIGGER foreign_hand BEFORE INSERT ON signals.signal FOR EACH ROW EXECUTE FUNCTION public.keeps_out()";
    sqlx::raw_sql(foreign).execute(&case.harness.reader).await.expect("a trigger of a foreign hand's");
    let mut keyed = Outgoing::new(&paid(7));
    keyed.key = Some("k".to_owned());
    let sends = [
        ("alone", vec![Outgoing::new(&paid(7))]),
        ("with a key", vec![keyed]),
        ("among others", [1, 7, 2].map(|order| Outgoing::new(&paid(order))).into()),
    ];
    for (how, signals) in sends {
        #[expect(clippy::disallowed_methods, reason = "the application's own transaction")]
        let mut tx = case.harness.backend.pool().begin().await.expect("begins");
        let batch = SendBatch { signals, context: SendContext::new(Arc::default()) };
        let error = PgBackend::send(&mut tx, &batch).await.expect_err(how);
        assert!(matches!(error, Error::Database(_)) && !error.is_retryable(), "{how}: {error:?}");
        assert!(format!("{error:?}").contains("is a trigger on `signals.signal`?"), "{how}: {error:?}");
        let _ = tx.commit().await; // Postgres reports success, and rolls back
        let left = "SELECT (SELECT count(*) FROM signals.signal) + (SELECT count(*) FROM signals.send_key)";
        assert_eq!(case.harness.number(left).await, 0, "{how}");
    }
}

/// S10: a database that takes no writes says so.
#[tokio::test]
async fn s10_a_send_to_a_read_only_database_is_a_typed_error() {
    let case = Case::open().await;
    let app = case.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    sqlx::raw_sql("SET TRANSACTION READ ONLY").execute(tx.conn()).await.expect("sets");
    let error = paid(7).send(&mut tx).await.expect_err("it takes no writes");
    assert!(matches!(error, Error::NotWritable(_)), "{error:?}");
}

/// S8: a time-out of the server's is told as what may be tried again.
#[tokio::test]
async fn s8_a_send_that_waits_too_long_for_a_lock_may_begin_again() {
    let case = Case::open().await;
    let app = case.app(&[&SHIP]).await;
    for limit in ["SET LOCAL lock_timeout TO '20ms'", "SET LOCAL statement_timeout TO '20ms'"] {
        let (mut holder, mut waiting) = (app.begin().await, app.begin().await);
        paid(7).send(&mut holder).idempotency_key("k").await.expect("sends");
        sqlx::raw_sql(limit).execute(waiting.conn()).await.expect("sets");
        let error = paid(7).send(&mut waiting).idempotency_key("k").await.expect_err("the other has the key");
        assert!(matches!(error, Error::Contention(_)) && error.is_retryable(), "{limit}: {error:?}");
    }
}

/// S7: when the server takes no more connections, that is told as what may be tried again.
#[tokio::test]
async fn s7_a_pool_that_is_empty_is_a_typed_error() {
    let case = Case::open().await;
    let options = sqlx::postgres::PgPoolOptions::new().max_connections(1);
    let pool =
        options.acquire_timeout(std::time::Duration::from_secs(1)).connect_lazy_with(case.harness.database.options());
    let signals = signals_runtime::Signals::new(signals_runtime::PgBackend::new(pool.clone()));
    let held = pool.acquire().await.expect("the only one");
    let error = signals.begin().await.expect_err("there is no other");
    assert!(matches!(error, Error::Unavailable(_)) && error.is_retryable(), "{error:?}");
    drop(held);
    let tx = signals.begin().await.expect("it is free again");
    assert!(tx.is_in_transaction());
    tx.rollback().await.expect("rolls back");
}
