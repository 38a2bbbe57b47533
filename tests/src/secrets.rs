//! What is told, and to whom: no log, no span, no `Debug` output and no listing holds what payloads or errors say. Errors are
//! in the record of their attempt, and in the log of a worker that was asked for them.
//!
//! A canary is put into both, everything happens to its delivery that can, and everything that anybody could print is
//! printed. Listings are what `inspect()` answers for many: lists, counts, trends, the log of actions.

use std::fmt::{Debug, Write as _};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use signals_core::store::{AttemptOutcome, DeliverySummary, Failed, Filter, Span};
use signals_core::{Error, Location, Receiver as _, Signal, SignalDef};
use signals_runtime::WorkerBuilder;
use signals_runtime::worker::DrainError;

use crate::fixtures::{Paid, paid};
use crate::harness::{Ears, failed, retry_in};
use crate::stage::{Act, Plain, Theatre, Transactional};
use crate::{Db, Harness};

/// What a payload says, and nothing else does.
const IN_THE_PAYLOAD: i64 = 7_340_815_162_342;

/// What an error says, and nothing else does.
const IN_THE_ERROR: &str = "canary-in-the-error";

/// The same for workers that log errors: one process may run several cases, with one log.
const IN_A_LOGGED_ERROR: &str = "canary-that-may-be-logged";

/// [`Paid`] as another build sends it, which does not decode.
#[derive(Serialize, Deserialize)]
struct Garbled {
    order: String,
}

impl Signal for Garbled {
    const DEF: &'static SignalDef =
        &SignalDef::new(Paid::DEF.name, Location { module: module_path!(), file: file!(), line: line!() });
}

/// W17: not in a log, a span, `Debug` output or a listing, whatever becomes of its delivery.
pub async fn w17_a_secret_in_a_payload_is_told_nowhere<H: Harness>(db: Db<H>) {
    let ears = Ears::open();
    let canary = IN_THE_PAYLOAD.to_string();
    let printed = everything(&db, IN_THE_ERROR, |worker| worker).await;
    assert!(!printed.contains(&canary), "{}", around(&printed, &canary));
    assert_eq!(told(ears, &canary), [""; 0]);
    assert!(!ears.heard(tracing::Level::ERROR, &["delivery is dead", "undecodable"]).is_empty(), "nobody listened");
}

/// I13: nor what an error says, be it returned or panicked with. Its record has it.
pub async fn i13_a_secret_in_an_error_is_told_in_its_record_alone<H: Harness>(db: Db<H>) {
    let ears = Ears::open();
    let printed = everything(&db, IN_THE_ERROR, |worker| worker).await;
    assert!(!printed.contains(IN_THE_ERROR), "{}", around(&printed, IN_THE_ERROR));
    assert_eq!(told(ears, IN_THE_ERROR), [""; 0]);
    let mut recorded = 0;
    for delivery in db.all().await {
        let attempts = db.get(delivery.id).await.attempts;
        recorded += attempts.iter().filter(|attempt| attempt.error.contains(IN_THE_ERROR)).count();
    }
    assert!(recorded > 2, "who looks an error up finds it: {recorded}");
}

/// I13: a worker that was asked to log errors does so in the two events that are about them, and nowhere else.
pub async fn i13_a_worker_that_logs_errors_tells_them_in_two_events_alone<H: Harness>(db: Db<H>) {
    let ears = Ears::open();
    let printed = everything(&db, IN_A_LOGGED_ERROR, |worker| worker.log_errors(true)).await;
    assert!(!printed.contains(IN_A_LOGGED_ERROR), "{}", around(&printed, IN_A_LOGGED_ERROR));
    let told = told(ears, IN_A_LOGGED_ERROR);
    assert!(!told.is_empty(), "an operator who wants to reads in the log why an attempt failed");
    for line in told {
        let fields = line.replace(&format!("error=\"{IN_A_LOGGED_ERROR}\""), "");
        let fields = fields.replace(&format!("error=\"panicked: {IN_A_LOGGED_ERROR}\""), "");
        let failure = line.contains("attempt failed") || line.contains("delivery is dead");
        assert!(failure && !fields.contains(IN_A_LOGGED_ERROR), "{line}");
    }
}

/// What was told with `canary` in it.
fn told(ears: &Ears, canary: &str) -> Vec<String> {
    ears.all().into_iter().filter(|line| line.contains(canary)).collect()
}

/// Lets everything happen that `workers` can meet, with errors that say `error`, and prints all that there is to print.
async fn everything<H: Harness>(
    db: &Db<H>,
    error: &'static str,
    workers: impl Fn(WorkerBuilder<H::Backend>) -> WorkerBuilder<H::Backend>,
) -> String {
    let script = [Act::Fail(error), Act::Fail(error), Act::Discard, Act::Snooze(1), Act::PanicWith(error)];
    let theatre = Theatre::open(db, &[Plain::DEF, Transactional::<H>::DEF], script).await;
    let mut printed = String::new();
    sending(&theatre, &mut printed).await;
    for _ in 0..6 {
        let worker = workers(theatre.worker());
        print(&mut printed, &worker);
        // Its report tells errors, as a test must see them (E14), and says so in its name.
        let (Ok(report) | Err(DrainError::Failed(report))) =
            worker.build().expect("the worker lacks nothing").drain().await
        else {
            panic!("the worker could not run")
        };
        assert!(report.failures.iter().all(|failure| !failure.error.contains(&IN_THE_PAYLOAD.to_string())));
        db.advance(3_600);
    }
    working(&theatre, error, &mut printed).await;
    listing(db, &theatre, &mut printed).await;
    printed
}

/// Sends that are stored, refused, dropped and repeated.
async fn sending<H: Harness>(theatre: &Theatre<H>, out: &mut String) {
    let mut tx = theatre.signals.begin().await.expect("a transaction can begin");
    let sending = paid(IN_THE_PAYLOAD).send(&mut tx).idempotency_key("a key");
    print(out, &sending);
    print(out, &sending.await);
    print(out, &tx);
    Garbled { order: IN_THE_PAYLOAD.to_string() }.send(&mut tx).await.expect("the send succeeds");
    tx.commit().await.expect("the commit succeeds");

    let mut tx = theatre.signals.begin().await.expect("a transaction can begin");
    let other = Paid { order: IN_THE_PAYLOAD + 1 }.send(&mut tx).idempotency_key("a key").await;
    let error: Error = other.expect_err("the key was used for another payload");
    let _ = write!(out, "{error} {error:?}");
    print(out, &tx.commit().await);
    let mut tx = theatre.signals.begin().await.expect("a transaction can begin");
    print(out, &paid(IN_THE_PAYLOAD).send(&mut tx).after(Duration::MAX).await);
    print(out, &tx.rollback().await);
}

/// What a worker holds, and what it says of it.
async fn working<H: Harness>(theatre: &Theatre<H>, error: &str, out: &mut String) {
    let app = theatre.db.app(&[Plain::DEF]).await;
    app.send(&paid(IN_THE_PAYLOAD)).await;
    let mut puppet = app.puppet().await;
    let claims = puppet.claim_with(10, |_| {}).await;
    print(out, &claims);
    let claimed = claims.claimed.first().expect("one was sent");
    let failure = Failed { outcome: AttemptOutcome::Error, error: error.to_owned(), ..failed(claimed, retry_in(1)) };
    print(out, &failure);
    print(out, &theatre.db.store.fail(&[failure]).await);
    print(out, &theatre.worker());
    print(out, &(&theatre.signals, theatre.stage.calls()));
}

/// What operators see of many deliveries, and the `Debug` output of what they see of one.
async fn listing<H: Harness>(db: &Db<H>, theatre: &Theatre<H>, out: &mut String) {
    let inspect = theatre.signals.inspect();
    let page = inspect.list(&Filter::default()).await.expect("deliveries can be listed");
    assert!(page.deliveries.len() > 3, "the story leaves something to see");
    print(out, &page);
    for DeliverySummary { id, .. } in &page.deliveries {
        let detail = db.get(*id).await;
        print(out, &detail);
        print(out, &detail.signal);
    }
    print(out, &inspect.parked().await);
    print(out, &db.store.counts().await);
    print(out, &db.store.trends(&Span::default()).await);
    print(out, &db.store.receivers().await);
    print(out, &db.store.workers(Duration::MAX).await);
    print(out, &db.cancel(page.deliveries[0].id, "ops").await);
    print(out, &db.log().await);
}

fn print<T: Debug>(out: &mut String, value: &T) {
    let _ = writeln!(out, "{value:?}\n{value:#?}");
}

/// The line with the canary, for a message.
fn around<'t>(printed: &'t str, canary: &str) -> &'t str {
    printed.lines().find(|line| line.contains(canary)).unwrap_or_default()
}
