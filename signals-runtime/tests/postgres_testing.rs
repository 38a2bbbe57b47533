//! The testing kit on Postgres: a database of the server in `DATABASE_URL` for each test.

#[allow(dead_code, reason = "the tests in memory use all of it")]
#[path = "testing/shop.rs"]
mod shop;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use shop::{Mailer, OrderCompleted, PaymentCompleted, mail_receipt, paid, refuse};
use signals_runtime::delivery::MAX_COUNTED_ATTEMPTS;
use signals_runtime::testing::{Ended, Point, TestBackend, TestSignals, TestSignalsBuilder};
use signals_runtime::{Delivery, PgBackend, PgTx, State, receiver};
use sqlx::{Connection as _, PgConnection};

#[receiver(signal = PaymentCompleted, name = "orders.complete_on_server")]
async fn complete_on_server(payment: &PaymentCompleted, tx: &mut PgTx) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO completed VALUES ($1)").bind(payment.payment_id).execute(&mut **tx).await?;
    Ok(())
}

/// Writes down which attempt it is, however many there were.
#[receiver(signal = PaymentCompleted, name = "counts.note", max_attempts = 2147483647)]
async fn note(_: PaymentCompleted, State(noted): State<Noted>, delivery: Delivery) {
    noted.0.lock().expect("nobody panics in between").push(delivery.attempt);
}

#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<u32>>>);

async fn shop(mailer: &Mailer) -> TestSignals<PgBackend> {
    let builder = TestSignals::builder().receiver::<complete_on_server>().receiver::<mail_receipt>();
    let signals = builder.state(mailer.clone()).on::<PgBackend>().build().await;
    let table = "CREATE TABLE completed (payment_id bigint NOT NULL)";
    sqlx::raw_sql(table).execute(signals.backend().pool()).await.expect("a new database takes a table");
    signals
}

async fn completed(signals: &TestSignals<PgBackend>) -> Vec<i64> {
    let read = sqlx::query_scalar("SELECT payment_id FROM completed ORDER BY payment_id");
    read.fetch_all(signals.backend().pool()).await.expect("it can be read")
}

/// Failures, retries, a crash, and a death, with receivers that do not mind where they run.
async fn story<B: TestBackend>(builder: TestSignalsBuilder<B>) -> String {
    let mailer = Mailer::down();
    let signals = builder.receiver::<mail_receipt>().receiver::<refuse>().state(mailer.clone()).build().await;
    signals.send(paid(7)).await;
    signals.expect_failure::<mail_receipt>();
    signals.expect_failure::<refuse>();
    signals.drain().await;
    mailer.is_down.store(false, Ordering::SeqCst);
    signals.crash_at::<mail_receipt>(Point::AfterEffects);
    signals.advance("1m").await;
    signals.advance("1m").await;
    signals.run::<mail_receipt>(paid(8)).await;
    signals.cascade().await
}

#[tokio::test]
async fn the_same_story_is_told_in_memory_and_on_postgres() {
    let in_memory = story(TestSignals::builder()).await;
    assert_eq!(in_memory, story(TestSignals::builder().on::<PgBackend>()).await);
}

#[tokio::test]
async fn w3_i5_a_crash_on_postgres_rolls_back() {
    let signals = shop(&Mailer::default()).await;
    for point in [Point::AfterClaim, Point::AfterEffects, Point::BeforeAck] {
        signals.send(paid(7)).await;
        signals.crash_at::<complete_on_server>(point);
        let before = completed(&signals).await;
        signals.drain().await;
        assert_eq!(completed(&signals).await, before, "{point:?}");
        assert_eq!(signals.advance("20s").await.done, 1, "{point:?}");
        assert_eq!(completed(&signals).await.len(), before.len() + 1);
    }
}

#[tokio::test]
async fn i5_i6_a_receiver_runs_twice_and_without_its_lease_on_postgres() {
    let signals = shop(&Mailer::default()).await;
    signals.run_twice::<complete_on_server>(paid(7), || async { completed(&signals).await }).await;
    assert_eq!(completed(&signals).await, [7]);
    let ran = signals.run_with_stale_token::<complete_on_server>(paid(8)).await;
    assert_eq!((ran.ended, completed(&signals).await), (Ended::Refused(None), vec![7]));
    assert_eq!(signals.drain().await.done, 1);
    assert_eq!(completed(&signals).await, [7, 8]);
}

/// D9, T9: by the statement that takes one delivery from whoever has it, the largest attempt is not left, up or down.
#[tokio::test]
async fn d9_t9_the_largest_attempt_can_be_run_and_taken_from_its_holder_on_postgres() {
    let noted = Noted::default();
    let signals = TestSignals::builder().receiver::<note>().state(noted.clone()).on::<PgBackend>().build().await;
    // A receiver that is run alone is sent to and claimed in one step, so the number is planted as the delivery comes.
    let plant = "CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN NEW.attempt := 2147483647; RETURN NEW; END'; \
                 CREATE TRIGGER planted BEFORE INSERT ON signals.delivery FOR EACH ROW EXECUTE FUNCTION planted()";
    sqlx::raw_sql(plant).execute(signals.backend().pool()).await.expect("a foreign hand's trigger");
    signals.run_with_stale_token::<note>(paid(7)).await;
    assert_eq!(signals.drain().await.done, 1);
    let noted = noted.0.lock().expect("nobody panics in between");
    assert_eq!(*noted, [MAX_COUNTED_ATTEMPTS; 2], "the holder's own, and the one after it was taken and given back");
}

#[tokio::test]
async fn a_signal_that_nobody_receives_is_seen_on_postgres() {
    let signals = TestSignals::builder().receiver::<refuse>().on::<PgBackend>().build().await;
    signals.assert_not_sent::<OrderCompleted>(|_| true).await;
    signals.send(OrderCompleted { order_id: 7 }).await;
    signals.assert_sent_times::<OrderCompleted>(1, |sent| sent.order_id == 7).await;
}

#[tokio::test]
async fn a_database_is_gone_with_its_kit() {
    let signals = shop(&Mailer::default()).await;
    let options = signals.backend().pool().connect_options();
    let name = options.get_database().expect("it has a name").to_owned();
    let url = std::env::var("DATABASE_URL").expect("the kit has used it");
    let mut server = PgConnection::connect(&url).await.expect("it takes connections");
    let mut is_there = async || {
        let there = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)").bind(&name);
        there.fetch_one(&mut server).await.expect("the server answers")
    };
    let before: bool = is_there().await;
    drop(signals);
    assert_eq!((before, is_there().await), (true, false));
}
