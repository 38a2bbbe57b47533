//! S4, S6: transactions of sqlx's own, and futures that are dropped.

use std::future::{Future, IntoFuture as _};
use std::mem;
use std::time::Duration;

use signals_conformance::fixtures::{SHIP, paid};
use signals_conformance::stage::until;
use signals_conformance::{Db, Harness as _};
use signals_core::store::Acting;
use signals_core::{Error, Signal as _};
use signals_runtime::{Registry, Signals};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Acquire as _, PgConnection};

use crate::harness::Postgres;

type Case = Db<Postgres>;

async fn count(case: &Case) -> (i64, i64) {
    let business = case.harness.number("SELECT count(*) FROM public.business").await;
    (business, case.harness.number("SELECT count(*) FROM signals.delivery").await)
}

/// I1: what the application began itself takes sends; a connection inside it, too.
#[tokio::test]
async fn i1_a_transaction_of_sqlxs_own_takes_sends() {
    let case = Case::open().await;
    case.app(&[&SHIP]).await;
    #[expect(clippy::disallowed_methods, reason = "the application's own transaction")]
    let mut tx = case.harness.backend.pool().begin().await.expect("begins");
    Postgres::write(&mut tx, "order 7", "paid").await.expect("writes");
    paid(7).send(&mut tx).await.expect("sends");
    paid(8).send(&mut *tx).await.expect("sends");
    assert_eq!(count(&case).await, (0, 0), "nothing is seen before the commit");
    tx.commit().await.expect("commits");
    assert_eq!(count(&case).await, (1, 2));
}

/// S4: a failed send aborts it on the server, so that whoever ignores the error commits nothing.
#[tokio::test]
async fn s4_a_failed_send_through_a_transaction_of_sqlxs_own_aborts_it() {
    let case = Case::open().await;
    case.app(&[&SHIP]).await;
    #[expect(clippy::disallowed_methods, reason = "the application's own transaction")]
    let mut tx = case.harness.backend.pool().begin().await.expect("begins");
    Postgres::write(&mut tx, "order 7", "paid").await.expect("writes");
    let error = paid(7).send(&mut tx).after(Duration::MAX).await.expect_err("a delay of forever");
    assert!(matches!(error, Error::DelayTooLong), "{error:?}");
    Postgres::write(&mut tx, "order 8", "paid").await.expect_err("the transaction is aborted");
    let _ = tx.commit().await; // Postgres reports success, and rolls back
    assert_eq!(count(&case).await, (0, 0));
}

/// S4, S5: a savepoint that is rolled back takes the failure with it.
#[tokio::test]
async fn s5_a_savepoint_of_sqlxs_own_takes_its_failed_send_with_it() {
    let case = Case::open().await;
    case.app(&[&SHIP]).await;
    #[expect(clippy::disallowed_methods, reason = "the application's own transaction")]
    let mut tx = case.harness.backend.pool().begin().await.expect("begins");
    #[expect(clippy::disallowed_methods, reason = "a savepoint of sqlx's own")]
    let mut savepoint = tx.begin().await.expect("opens a savepoint");
    paid(7).send(&mut savepoint).after(Duration::MAX).await.expect_err("a delay of forever");
    savepoint.rollback().await.expect("rolls back");
    paid(8).send(&mut tx).await.expect("sends");
    tx.commit().await.expect("commits");
    assert_eq!(count(&case).await, (0, 1));
}

/// E8: outside of a transaction that sqlx knows, nothing is written.
#[tokio::test]
async fn e8_a_connection_in_no_transaction_of_sqlxs_is_refused_before_anything_is_written() {
    let case = Case::open().await;
    case.app(&[&SHIP]).await;
    let mut conn = case.harness.backend.pool().acquire().await.expect("a connection");
    for by_hand in [false, true] {
        if by_hand {
            sqlx::raw_sql("BEGIN").execute(&mut *conn).await.expect("begins behind sqlx's back");
        }
        let conn: &mut PgConnection = &mut conn;
        let error = paid(7).send(conn).await.expect_err("no transaction that can be seen");
        assert!(matches!(error, Error::NotInTransaction), "{error:?}");
    }
    sqlx::raw_sql("COMMIT").execute(&mut *conn).await.expect("commits");
    assert_eq!(count(&case).await, (0, 0));
}

/// S4: an error of the application's own that it ignored: Postgres would report a commit, and roll back.
#[tokio::test]
async fn s4_a_transaction_that_the_server_aborted_does_not_seem_to_commit() {
    let case = Case::open().await;
    let app = case.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    case.write(&mut tx, "order 7", "paid").await;
    sqlx::raw_sql("SELECT 1 / 0").execute(tx.conn()).await.expect_err("divides by zero");
    tx.commit().await.expect_err("the transaction was aborted");
    assert_eq!(count(&case).await, (0, 0));
    app.send(&paid(8)).await;
    assert_eq!(count(&case).await, (0, 1), "the connection is in order");
}

/// W21: a transaction that the application's own SQL ended does not seem to commit either.
#[tokio::test]
async fn w21_a_transaction_that_was_ended_by_hand_does_not_seem_to_commit() {
    let case = Case::open().await;
    let app = case.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    sqlx::raw_sql("COMMIT").execute(tx.conn()).await.expect("ends behind sqlx's back");
    tx.commit().await.expect_err("there is nothing to commit");
    app.send(&paid(8)).await;
    assert_eq!(count(&case).await, (0, 1), "the connection is in order");
}

/// W21: nor with a send after it, which the server stores and commits by itself.
#[tokio::test]
async fn w21_a_send_after_a_transaction_was_ended_by_hand_does_not_make_it_seem_to_commit() {
    let case = Case::open().await;
    let app = case.app(&[&SHIP]).await;
    let signals = Signals::new(case.harness.backend.clone()).with_registry((*app.registry).clone());
    for round in 0..4 {
        let mut tx = signals.begin().await.expect("begins");
        Postgres::write(&mut tx, &format!("order {round}"), "paid").await.expect("writes");
        sqlx::raw_sql("ROLLBACK").execute(&mut *tx).await.expect("ends behind sqlx's back");
        paid(7).send(&mut tx).await.expect("nothing tells it");
        tx.commit().await.expect_err("the order was rolled back");
    }
    assert_eq!(count(&case).await.0, 0);
}

/// P1, S4: a send behind a write shows that the transaction is open, and its commit is a plain one.
#[tokio::test]
async fn p1_a_commit_behind_a_send_behind_a_write_needs_no_check() {
    let case = Case::open().await;
    let app = case.app(&[&SHIP]).await;
    let signals = Signals::new(case.harness.backend.clone()).with_registry((*app.registry).clone());
    let last = "SELECT query FROM pg_stat_activity WHERE pid = $1 AND state = 'idle'";
    // A commit that checks leaves a transaction behind, which is rolled back.
    for (writes, sends, ends) in [(true, true, "COMMIT"), (true, false, "ROLLBACK"), (false, true, "ROLLBACK")] {
        let mut tx = signals.begin().await.expect("begins");
        let session: i32 =
            sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *tx).await.expect("a session has a number");
        if writes {
            Postgres::write(&mut tx, &format!("order {sends}"), "paid").await.expect("writes");
        }
        if sends {
            paid(7).send(&mut tx).await.expect("sends");
        }
        tx.commit().await.expect("commits");
        until(&format!("it ends with {ends}; writes: {writes}, sends: {sends}"), async || {
            let last = sqlx::query_scalar(last).bind(session).fetch_optional(&case.harness.reader).await;
            last.expect("the server answers").is_some_and(|said: String| said == ends)
        })
        .await;
    }
}

/// S4: a savepoint that sqlx counts and we do not, because it was leaked, keeps nothing from being committed: sqlx's commit would
/// release it, and report success.
#[tokio::test]
async fn s4_a_savepoint_that_was_leaked_keeps_nothing_from_being_committed() {
    let case = Case::open().await;
    let app = case.app(&[&SHIP]).await;
    let signals = Signals::new(case.harness.backend.clone()).with_registry((*app.registry).clone());
    let mut tx = signals.begin().await.expect("begins");
    Postgres::write(&mut tx, "order 7", "paid").await.expect("writes");
    #[expect(clippy::disallowed_methods, reason = "a savepoint of sqlx's own")]
    let savepoint = tx.as_sqlx().begin().await.expect("opens a savepoint");
    mem::forget(savepoint);
    paid(7).send(&mut tx).await.expect("sends");
    tx.commit().await.expect("commits");
    assert_eq!(count(&case).await, (1, 1));
}

/// S4: after a send that went well the commit is a plain one, but not when anything was said after it.
#[tokio::test]
async fn s4_what_an_application_breaks_or_ends_after_its_last_send_does_not_seem_to_commit() {
    let case = Case::open().await;
    let app = case.app(&[&SHIP]).await;
    let signals = Signals::new(case.harness.backend.clone()).with_registry((*app.registry).clone());
    let broken = "SELECT 1 / 0";
    // A savepoint that is broken is undone, and all is well.
    let cases =
        [(broken, "the connection"), (broken, "sqlx"), ("ROLLBACK", "the connection"), ("ROLLBACK", "a savepoint")];
    for (said, through) in cases {
        let mut tx = signals.begin().await.expect("begins");
        Postgres::write(&mut tx, "order 7", "paid").await.expect("writes");
        paid(7).send(&mut tx).await.expect("sends");
        let _ = match through {
            "the connection" => sqlx::raw_sql(said).execute(&mut *tx).await,
            "sqlx" => sqlx::raw_sql(said).execute(&mut **tx.as_sqlx()).await,
            _ => {
                let mut savepoint = tx.savepoint().await.expect("opens");
                let said = sqlx::raw_sql(said).execute(&mut **savepoint).await;
                let _ = savepoint.release().await;
                said
            }
        };
        tx.commit().await.expect_err("there is nothing to commit");
        assert_eq!(count(&case).await, (0, 0), "{said}, {through}");
    }
    app.send(&paid(8)).await;
    assert_eq!(count(&case).await, (0, 1), "the connections are in order");
}

/// Polls `work` while the runtime goes round `rounds` times, and drops it then.
async fn dropped_after<F: Future>(rounds: usize, work: F) -> Option<F::Output> {
    let rounds = async {
        for _ in 0..rounds {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        done = work => Some(done),
        () = rounds => None,
    }
}

/// S6: begins, sends and commits that are dropped at every point leave no connection in the pool inside a transaction, in
/// which what others write and are told is committed would be lost (launchbadge/sqlx#4394).
#[tokio::test]
async fn s6_what_is_dropped_midway_costs_nobody_else_a_committed_write() {
    let case = Case::open().await;
    case.app(&[&SHIP]).await;
    let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(case.harness.database.options());
    let backend = signals_runtime::PgBackend::new(pool.clone());
    let registry = Registry::builder().build().expect("nothing contradicts itself");
    let signals = Signals::new(backend).with_registry(registry);
    let mut dropped = [0; 3];
    let mut written = 0;
    // Where a call takes few turns of the runtime, most rounds let it finish: there are more rounds then.
    for round in 0..6_000_usize {
        if round >= 600 && dropped.iter().all(|&dropped| dropped > 20) {
            break;
        }
        let rounds = round / 3 % 40;
        let lost = match round % 3 {
            0 => dropped_after(rounds, signals.begin()).await.is_none(),
            1 => {
                let mut tx = signals.begin().await.expect("begins");
                dropped_after(rounds, paid(1).send(&mut tx).into_future()).await.is_none()
            }
            _ => {
                let mut tx = signals.begin().await.expect("begins");
                paid(2).send(&mut tx).await.expect("sends");
                dropped_after(rounds, tx.commit()).await.is_none()
            }
        };
        dropped[round % 3] += usize::from(lost);
        let write = sqlx::query("INSERT INTO public.business (key, value) VALUES ($1, 'written')");
        write.bind(format!("round {round}")).execute(&pool).await.expect("a write of somebody else's");
        written += 1;
    }
    assert!(dropped.iter().all(|&dropped| dropped > 20), "too few were dropped midway: {dropped:?}");
    pool.close().await;
    assert_eq!(
        case.harness.number("SELECT count(*) FROM public.business").await,
        written,
        "an acknowledged write was lost"
    );
}

/// S5, S6: a savepoint that is dropped while it is opened leaves the transaction around it as it is.
#[tokio::test]
async fn s6_a_savepoint_dropped_while_it_opens_leaves_its_transaction_alone() {
    let case = Case::open().await;
    let app = case.app(&[&SHIP]).await;
    let signals = Signals::new(case.harness.backend.clone()).with_registry((*app.registry).clone());
    for round in 0..20 {
        let mut tx = signals.begin().await.expect("begins");
        Postgres::write(&mut tx, &format!("{round} outside"), "kept").await.expect("writes");
        let opened = dropped_after(round % 4, tx.savepoint()).await.is_some();
        let mut savepoint = tx.savepoint().await.expect("opens");
        Postgres::write(&mut savepoint, &format!("{round} inside"), "undone").await.expect("writes");
        savepoint.rollback().await.expect("rolls back");
        paid(7).send(&mut tx).await.expect("sends");
        tx.commit().await.unwrap_or_else(|error| panic!("round {round}, opened: {opened}: {error:?}"));
    }
    assert_eq!(count(&case).await, (20, 20));
}

/// S6, D8: a call by hand or a look that is dropped midway leaves no transaction on the server, with its locks and its
/// snapshot, for whoever comes next to end.
#[tokio::test]
async fn s6_a_look_that_is_dropped_midway_leaves_nothing_open_on_the_server() {
    let case = Case::open().await;
    let app = case.app(&[&SHIP]).await;
    app.send(&paid(1)).await;
    let delivery = app.puppet().await.claim_one().await.held.delivery;
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let open = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()";
    let mut holder = case.harness.reader.acquire().await.expect("a connection");
    let acting = Acting { actor: "ops", subject: "a test", continues: None };
    for looks in [true, false] {
        sqlx::raw_sql("BEGIN; LOCK TABLE signals.delivery").execute(&mut *holder).await.expect("locks");
        tokio::select! {
            counts = case.store.counts(), if looks => panic!("did not wait: {counts:?}"),
            decided = case.store.cancel(std::slice::from_ref(&delivery), &acting), if !looks => panic!("did not wait: {decided:?}"),
            () = until("the call waits", async || case.harness.number(waiting).await == 1) => {}
        }
        sqlx::raw_sql("COMMIT").execute(&mut *holder).await.expect("lets go");
        until("nothing is open", async || case.harness.number(open).await == 0).await;
    }
}
