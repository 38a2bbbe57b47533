//! T1 and T2 in one statement: what a send claims for a worker of its own process, and what becomes of that.

use std::future::{Future, IntoFuture as _, poll_fn};
use std::task::Poll;
use std::time::{Duration, Instant};

use signals_conformance::Db;
use signals_conformance::fixtures::paid;
use signals_conformance::stage::{Act, Bystander, Plain, Theatre, Transactional, until};
use signals_core::{Receiver as _, Signal as _};
use signals_runtime::{PgTx, WorkerBuilder};

use crate::claims;
use crate::harness::Postgres;

type Case = Theatre<Postgres>;

/// A grace for workers with a receiver that never returns.
const SHORT: Duration = Duration::from_millis(10);

async fn open(script: impl IntoIterator<Item = Act>) -> Case {
    Theatre::open(&claims::open().await, &[Plain::DEF], script).await
}

/// Runs a worker of `case` until `story` is over.
async fn beside(
    case: &Case,
    worker: WorkerBuilder<signals_runtime::PgBackend>,
    story: impl Future<Output = ()> + Send,
) {
    let worker = worker.build().expect("the worker lacks nothing");
    let told = async {
        until("sends claim for the worker", async || would_claim(case).await).await;
        story.await;
    };
    worker.run_until(told).await.expect("runs");
}

/// Whether a send claims now; it is rolled back.
async fn would_claim(case: &Case) -> bool {
    let mut tx = case.signals.begin().await.expect("begins");
    paid(0).send(&mut tx).await.expect("sends");
    let claimed = claimed(&mut tx).await;
    tx.rollback().await.expect("rolls back");
    claimed == 1
}

/// How many deliveries are claimed, as this transaction sees them.
async fn claimed(tx: &mut PgTx) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM signals.delivery WHERE token IS NOT NULL");
    count.fetch_one(&mut **tx).await.expect("counts")
}

async fn held(db: &Db<Postgres>) -> i64 {
    db.harness.number("SELECT count(*) FROM signals.delivery WHERE token IS NOT NULL").await
}

/// A delivery that runs: its token, its refunds, and the leases it has lost.
type Running = (i64, i16, i16);

async fn running(case: &Case) -> Vec<Running> {
    let rows =
        sqlx::query_as("SELECT token, refunds, lost_leases FROM signals.delivery WHERE token IS NOT NULL ORDER BY id");
    rows.fetch_all(case.signals.backend().pool()).await.expect("lists")
}

/// The same, as this transaction sees them.
async fn stored(tx: &mut PgTx) -> Vec<Running> {
    let rows =
        sqlx::query_as("SELECT token, refunds, lost_leases FROM signals.delivery WHERE token IS NOT NULL ORDER BY id");
    rows.fetch_all(&mut **tx).await.expect("lists")
}

async fn called(case: &Case, calls: usize) {
    until("it runs", async || case.stage.calls().len() == calls).await;
}

async fn done(case: &Case, calls: usize) {
    let is_done = async || {
        let (stage, left) = (&case.stage, case.db.harness.number("SELECT count(*) FROM signals.delivery").await);
        stage.left() == calls && left == 0
    };
    until("everything has run and is acknowledged", is_done).await;
}

async fn raw(tx: &mut PgTx, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&mut **tx).await.expect("the server takes it");
}

/// T2: and its attempt is the first, under a lease as long as any; it runs under the token of its send.
#[tokio::test]
async fn t2_a_send_claims_for_a_worker_of_its_process_that_has_room() {
    let case = open([Act::Hang]).await;
    beside(&case, case.worker().grace(SHORT), async {
        let mut tx = case.signals.begin().await.expect("begins");
        paid(7).send(&mut tx).await.expect("sends");
        let row: (i32, i64, bool, i64) = sqlx::query_as(
            "SELECT attempt, extract(epoch FROM lease_until - sent_at)::bigint, (token >> 32) & 4294967295 = w.incarnation, token
             FROM signals.delivery AS d JOIN signals.signal AS s ON s.id = d.signal, signals.worker AS w",
        )
        .fetch_one(&mut *tx)
        .await
        .expect("one delivery, one worker");
        assert_eq!((row.0, row.1, row.2), (1, 20, true), "the first attempt, for a lease, by the only worker");
        tx.rollback().await.expect("rolls back");
        case.send(&paid(7)).await;
        called(&case, 1).await;
        let [(token, refunds, lost)] = running(&case).await[..] else { panic!("one delivery runs") };
        assert_eq!((refunds, lost), (0, 0), "it was neither given back nor taken over");
        assert_eq!(token >> 32, row.3 >> 32);
    })
    .await;
    assert_eq!(case.stage.calls()[0].attempt, 1);
}

/// T2: nothing was said behind the send, or something was, or another send: it starts under the token that it was stored with.
#[tokio::test]
async fn t2_what_a_send_claimed_is_not_claimed_again_whatever_was_said_behind_it() {
    for behind in ["", "SELECT 1", "send", "savepoint"] {
        let case = open([Act::Hang, Act::Hang]).await;
        beside(&case, case.worker().grace(SHORT), async {
            let mut tx = case.signals.begin().await.expect("begins");
            paid(7).send(&mut tx).await.expect("sends");
            match behind {
                "" => {}
                "send" => drop(paid(8).send(&mut tx).await.expect("sends")),
                "savepoint" => {
                    let mut savepoint = tx.savepoint().await.expect("opens a savepoint");
                    paid(8).send(&mut *savepoint).await.expect("sends");
                    savepoint.release().await.expect("releases");
                }
                sql => raw(&mut tx, sql).await,
            }
            // Looked at in the transaction it would be another statement behind the send.
            let seen = if behind.is_empty() || behind == "send" { None } else { Some(stored(&mut tx).await) };
            tx.commit().await.expect("commits");
            let sends = if ["send", "savepoint"].contains(&behind) { 2 } else { 1 };
            called(&case, sends).await;
            let running = running(&case).await;
            assert!(running.iter().all(|(_, refunds, lost)| (*refunds, *lost) == (0, 0)), "{behind}: {running:?}");
            assert_eq!(running.len(), sends, "{behind}");
            assert!(seen.is_none_or(|seen| seen == running), "{behind}: {running:?}");
        })
        .await;
    }
}

/// I1: nothing that was rolled back runs, and its place is free again.
#[tokio::test]
async fn i1_what_was_claimed_by_a_send_that_was_rolled_back_never_runs() {
    let case = open([]).await;
    beside(&case, case.worker().concurrency(1), async {
        for end in ["rollback", "drop", "fail", "drop the send"].into_iter().cycle().take(20) {
            let mut tx = case.signals.begin().await.expect("begins");
            match end {
                "fail" => {
                    sqlx::raw_sql("SELECT 1 / 0").execute(&mut *tx).await.expect_err("divides by zero");
                    paid(1).send(&mut tx).await.expect_err("the transaction is aborted");
                }
                "drop the send" => {
                    let mut sent = paid(1).send(&mut tx).into_future();
                    // Most often it is under way then.
                    let _ = poll_fn(|cx| Poll::Ready(sent.as_mut().poll(cx).is_ready())).await;
                }
                _ => {
                    paid(1).send(&mut tx).await.expect("sends");
                    assert_eq!(claimed(&mut tx).await, 1, "the only place is free again");
                }
            }
            if end == "rollback" {
                tx.rollback().await.expect("rolls back");
            } else {
                drop(tx);
            }
        }
        case.send(&paid(7)).await;
        done(&case, 1).await;
    })
    .await;
    assert_eq!(case.stage.calls().len(), 1);
}

/// I1, S5: nobody has to tell that a part of the transaction was undone: what is there after the commit is looked at.
#[tokio::test]
async fn s5_what_was_claimed_in_a_part_that_was_undone_never_runs() {
    let case = open([]).await;
    beside(&case, case.worker(), async {
        for by_hand in [false, true] {
            let mut tx = case.signals.begin().await.expect("begins");
            if by_hand {
                raw(&mut tx, "SAVEPOINT a").await;
                paid(1).send(&mut tx).await.expect("sends");
                raw(&mut tx, "ROLLBACK TO a").await;
            } else {
                let mut savepoint = tx.savepoint().await.expect("opens a savepoint");
                paid(1).send(&mut *savepoint).await.expect("sends");
                savepoint.rollback().await.expect("rolls back");
            }
            tx.commit().await.expect("commits");
        }
        case.send(&paid(7)).await;
        done(&case, 1).await;
    })
    .await;
    let delivered = case.stage.calls().len();
    assert_eq!(delivered, 1, "only what was committed");
}

/// W21: what the application committed behind the back of its transaction is given back, and runs long before its lease is over.
#[tokio::test]
async fn w21_what_was_committed_by_hand_is_given_back() {
    let case = open([]).await;
    let began = Instant::now();
    beside(&case, case.worker(), async {
        let mut tx = case.signals.begin().await.expect("begins");
        paid(7).send(&mut tx).await.expect("sends");
        raw(&mut tx, "COMMIT").await;
        tx.commit().await.expect_err("there is nothing to commit");
        done(&case, 1).await;
    })
    .await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

/// I5: a receiver's own sends are claimed, too, when its transaction commits; when it fails, they never were.
#[tokio::test]
async fn i5_what_a_transactional_receiver_sends_starts_when_it_is_acknowledged() {
    let db = claims::open().await;
    let receivers = [Transactional::<Postgres>::DEF, Bystander::DEF];
    let case = Theatre::open(&db, &receivers, [Act::Send]).await;
    beside(&case, case.worker(), async {
        case.send(&paid(7)).await;
        done(&case, 2).await;
    })
    .await;
    let names: Vec<_> = case.stage.calls().iter().map(|call| call.receiver).collect();
    assert_eq!(names, ["stage.transactional", "other.bystander"]);
    let given_back = "SELECT count(*) FROM signals.settled WHERE refunds > 0 OR lost_leases > 0";
    assert_eq!(case.db.harness.number(given_back).await, 0);
}

/// T2: nothing is claimed for whoever is paused, has no room, or does not want it.
#[tokio::test]
async fn t2_a_send_claims_nothing_that_a_claim_would_not() {
    let case = open([Act::Hang]).await;
    beside(&case, case.worker().concurrency(1).grace(SHORT), async {
        case.signals.operate("alice").pause("stage.plain").await.expect("pauses");
        assert!(!would_claim(&case).await, "its receiver is paused");
        case.signals.operate("alice").resume("stage.plain").await.expect("resumes");
        case.send(&paid(7)).await;
        until("its only slot is taken", async || case.stage.calls().len() == 1).await;
        assert_eq!(held(&case.db).await, 1);
        let mut tx = case.signals.begin().await.expect("begins");
        paid(8).send(&mut tx).await.expect("sends");
        assert_eq!(claimed(&mut tx).await, 1, "only what hangs");
        tx.rollback().await.expect("rolls back");
    })
    .await;
    assert!(!would_claim(&case).await, "the worker has stopped");
}

/// T2: whoever has turned it off, or brings a transaction from elsewhere, sends as if no worker were there.
#[tokio::test]
async fn t2_a_send_claims_only_where_it_is_wanted_and_the_transaction_is_ours() {
    let case = open([]).await;
    beside(&case, case.worker(), async {
        #[expect(clippy::disallowed_methods, reason = "the application's own transaction")]
        let raw = case.signals.backend().pool().begin().await.expect("begins");
        let mut tx = case.signals.adopt(raw).expect("is adopted");
        paid(7).send(&mut tx).await.expect("sends");
        assert_eq!(claimed(&mut tx).await, 0, "it may be of another pool, with other rights");
        tx.commit().await.expect("commits");
        done(&case, 1).await;
    })
    .await;
    let worker = case.worker().claim_in_sends(false).build().expect("the worker lacks nothing");
    let told = async {
        case.send(&paid(8)).await;
        done(&case, 2).await;
        assert!(!would_claim(&case).await);
    };
    worker.run_until(told).await.expect("runs");
}

/// L2: a transaction that commits when the worker has gone leaves no lease behind.
#[tokio::test]
async fn l2_what_was_claimed_for_a_worker_that_has_stopped_is_given_back() {
    let case = open([]).await;
    let mut late = None;
    beside(&case, case.worker(), async {
        let mut tx = case.signals.begin().await.expect("begins");
        paid(7).send(&mut tx).await.expect("sends");
        assert_eq!(claimed(&mut tx).await, 1);
        late = Some(tx);
    })
    .await;
    late.expect("it was begun").commit().await.expect("commits");
    until("it is given back", async || held(&case.db).await == 0).await;
    assert_eq!(case.drain().await.done, 1, "and runs somewhere else");
    assert_eq!(case.stage.calls()[0].attempt, 1, "the attempt was refunded");
}

/// L2: what its receivers commit while a worker stops, and what others commit in that moment, holds no lease when it has stopped.
#[tokio::test]
async fn l2_a_worker_that_stops_leaves_no_lease_of_what_is_sent_meanwhile() {
    let db = claims::open().await;
    let receivers = [Transactional::<Postgres>::DEF, Bystander::DEF];
    let case = Theatre::open(&db, &receivers, [Act::Send; 200]).await;
    for round in 1..=20 {
        let before = case.stage.calls().len();
        beside(&case, case.worker(), async {
            case.send(&paid(round)).await;
            until("its receiver is called", async || case.stage.calls().len() > before).await;
        })
        .await;
        assert_eq!(held(&case.db).await, 0, "round {round}");
    }
}

/// S2: whoever does not hear what became of the commit looks. Here nothing became of it, and its place is free again.
#[tokio::test]
async fn s2_what_was_claimed_in_a_transaction_that_was_cut_off_never_runs() {
    let case = open([]).await;
    beside(&case, case.worker().concurrency(1), async {
        let mut tx = case.signals.begin().await.expect("begins");
        let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *tx).await.expect("a session");
        paid(1).send(&mut tx).await.expect("sends");
        let end = sqlx::query("SELECT pg_terminate_backend($1, 5000)").bind(pid);
        end.execute(case.signals.backend().pool()).await.expect("ends it");
        tx.commit().await.expect_err("its connection is gone");
        until("its place is free again", async || would_claim(&case).await).await;
        case.send(&paid(7)).await;
        done(&case, 1).await;
    })
    .await;
    assert_eq!(case.stage.calls().len(), 1);
}

/// L1: whoever has paused a receiver waits no longer for old transactions than for claims: what they claimed is given back.
#[tokio::test]
async fn l1_what_was_claimed_long_before_its_commit_is_given_back() {
    let case = open([Act::Hang]).await;
    beside(&case, case.worker().grace(SHORT), async {
        let mut tx = case.signals.begin().await.expect("begins");
        paid(7).send(&mut tx).await.expect("sends");
        let before = stored(&mut tx).await;
        // tidy: not a wait: how old the claim is when it is committed
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        tx.commit().await.expect("commits");
        called(&case, 1).await;
        let [(token, refunds, lost)] = running(&case).await[..] else { panic!("one delivery runs") };
        assert_eq!((refunds, lost, before.len()), (1, 0, 1), "its attempt was refunded");
        assert_ne!(token, before[0].0, "and it was claimed anew");
    })
    .await;
}
