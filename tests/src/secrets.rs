//! What is told, and to whom: no log, no span, no `Debug` output and no listing holds what payloads or errors say. Errors are
//! in the record of their attempt, and in the log of a worker that was asked for them.
//!
//! A canary is put into both, everything happens to its delivery that can, and everything that anybody could print is
//! printed; it is looked for as text, as a list of bytes, in hexadecimal and in base64. Listings are what `inspect()` answers for
//! many: lists, counts, trends, the log of actions.

mod canary;
mod refused;

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use signals_core::store::{AttemptOutcome, DeliverySummary, Failed, Filter, Span};
use signals_core::{Location, Receiver as _, Signal, SignalDef, outcome};
use signals_runtime::WorkerBuilder;
use signals_runtime::worker::DrainError;

use crate::fixtures::{Paid, paid};
use crate::harness::{Ears, failed, retry_in};
use crate::stage::{Act, Plain, Theatre, Transactional};
use crate::{Db, Harness};

use canary::Canary;

/// Everything that was printed, one value at a time.
type Told = Vec<String>;

/// What payloads and errors of one case say, and nothing else does. Each case has its own: one process may run several, with
/// one log.
#[derive(Clone, Copy)]
struct Secrets {
    /// The order in payloads; the next one is in the payload of another send.
    payload: i64,
    /// What errors say.
    error: &'static str,
}

impl Secrets {
    fn draw() -> Self {
        static DRAWN: AtomicI64 = AtomicI64::new(0);
        let drawn = DRAWN.fetch_add(1, Ordering::Relaxed);
        Self { payload: 7_340_815_162_342 + 2 * drawn, error: format!("canary-{drawn:06}-in-the-error").leak() }
    }

    fn in_payloads(self) -> [Canary; 2] {
        [self.payload, self.payload + 1].map(|order| Canary::new(&order.to_string()))
    }

    fn in_errors(self) -> Canary {
        Canary::new(self.error)
    }

    /// Neither was printed, nor told in an event or a span.
    fn are_untold(self, printed: &[String], ears: &Ears) {
        let [payload, other] = self.in_payloads();
        is_untold(&payload, printed, ears);
        is_untold(&other, printed, ears);
        is_untold(&self.in_errors(), printed, ears);
    }
}

fn is_untold(canary: &Canary, printed: &[String], ears: &Ears) {
    for told in printed.iter().chain(&ears.all()) {
        assert!(canary.told_by(told).is_none(), "told {}: {told}", canary.told_by(told).unwrap_or_default());
    }
}

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
    let (ears, secrets) = (Ears::open(), Secrets::draw());
    let printed = everything(&db, secrets, |worker| worker).await;
    secrets.in_payloads().iter().for_each(|canary| is_untold(canary, &printed, ears));
    assert!(!ears.heard(tracing::Level::ERROR, &["delivery is dead", "undecodable"]).is_empty(), "nobody listened");
}

/// I13: nor what an error says, be it returned or panicked with. Its record has it.
pub async fn i13_a_secret_in_an_error_is_told_in_its_record_alone<H: Harness>(db: Db<H>) {
    let (ears, secrets) = (Ears::open(), Secrets::draw());
    let printed = everything(&db, secrets, |worker| worker).await;
    is_untold(&secrets.in_errors(), &printed, ears);
    let mut recorded = 0;
    for delivery in db.all().await {
        let attempts = db.get(delivery.id).await.attempts;
        recorded += attempts.iter().filter(|attempt| attempt.error.contains(secrets.error)).count();
    }
    assert!(recorded > 2, "who looks an error up finds it: {recorded}");
}

/// I13: a worker that was asked to log errors does so in the two events that are about them, and nowhere else.
pub async fn i13_a_worker_that_logs_errors_tells_them_in_two_events_alone<H: Harness>(db: Db<H>) {
    let (ears, secrets) = (Ears::open(), Secrets::draw());
    let printed = everything(&db, secrets, |worker| worker.log_errors(true)).await;
    let (canary, error) = (secrets.in_errors(), secrets.error);
    let (told, other): (Vec<_>, Vec<_>) = ears.all().into_iter().partition(|line| {
        line.contains(error) && (line.contains("attempt failed") || line.contains("delivery is dead"))
    });
    assert!(!told.is_empty(), "an operator who wants to reads in the log why an attempt failed");
    for line in printed.iter().chain(&other) {
        assert!(canary.told_by(line).is_none(), "{line}");
    }
    for line in told {
        let fields = line.replace(&format!("error=\"{error}\""), "");
        let fields = fields.replace(&format!("error=\"panicked: {error}\""), "");
        assert!(canary.told_by(&fields).is_none(), "{line}");
    }
}

/// W17, I13: nor where a foreign hand, by a constraint or a trigger, lets the database refuse rows, which databases quote:
/// `refuse` is to see to it that no row of a signal, an attempt or a settled delivery is taken. For backends whose tables a
/// test can write to.
///
/// # Panics
///
/// Panics when something is told.
pub async fn w17_i13_what_is_refused_is_told_without_what_it_says<H: Harness>(
    db: &Db<H>,
    refuse: impl Future<Output = ()> + Send,
) {
    refused::are_told_without_what_they_say(db, refuse).await;
}

/// Lets everything happen that `workers` can meet, with payloads and errors that say the secrets, and prints all that there is
/// to print.
async fn everything<H: Harness>(
    db: &Db<H>,
    secrets: Secrets,
    workers: impl Fn(WorkerBuilder<H::Backend>) -> WorkerBuilder<H::Backend>,
) -> Told {
    let error = secrets.error;
    let script = [Act::Fail(error), Act::Fail(error), Act::Discard, Act::Snooze(1), Act::PanicWith(error)];
    let theatre = Theatre::open(db, &[Plain::DEF, Transactional::<H>::DEF], script).await;
    let mut printed = Told::new();
    sending(&theatre, secrets, &mut printed).await;
    for _ in 0..6 {
        let worker = workers(theatre.worker());
        print(&mut printed, &worker);
        // Its report tells errors, as a test must see them (E14), and says so in its name.
        let (Ok(report) | Err(DrainError::Failed(report))) =
            worker.build().expect("the worker lacks nothing").drain().await
        else {
            panic!("the worker could not run")
        };
        for failure in &report.failures {
            assert!(secrets.in_payloads().iter().all(|canary| canary.told_by(&failure.error).is_none()), "{failure:?}");
        }
        db.advance(3_600);
    }
    working(&theatre, secrets, &mut printed).await;
    listing(db, &theatre, &mut printed).await;
    printed
}

/// Sends that are stored, refused, dropped and repeated.
async fn sending<H: Harness>(theatre: &Theatre<H>, secrets: Secrets, out: &mut Told) {
    let order = secrets.payload;
    let mut tx = theatre.signals.begin().await.expect("a transaction can begin");
    let sending = paid(order).send(&mut tx).idempotency_key("a key");
    print(out, &sending);
    print(out, &sending.await);
    print(out, &tx);
    Garbled { order: order.to_string() }.send(&mut tx).await.expect("the send succeeds");
    tx.commit().await.expect("the commit succeeds");

    let mut tx = theatre.signals.begin().await.expect("a transaction can begin");
    let other = Paid { order: order + 1 }.send(&mut tx).idempotency_key("a key").await;
    let error = other.expect_err("the key was used for another payload");
    out.extend([error.to_string(), outcome::render(&error)]);
    print(out, &error);
    print(out, &tx.commit().await);
    let mut tx = theatre.signals.begin().await.expect("a transaction can begin");
    print(out, &paid(order).send(&mut tx).after(Duration::MAX).await);
    print(out, &tx.rollback().await);
}

/// What a worker holds, and what it says of it.
async fn working<H: Harness>(theatre: &Theatre<H>, secrets: Secrets, out: &mut Told) {
    let app = theatre.db.app(&[Plain::DEF]).await;
    app.send(&paid(secrets.payload)).await;
    let mut puppet = app.puppet().await;
    let claims = puppet.claim_with(10, |_| {}).await;
    print(out, &claims);
    let claimed = claims.claimed.first().expect("one was sent");
    let error = secrets.error.to_owned();
    let failure = Failed { outcome: AttemptOutcome::Error, error, ..failed(claimed, retry_in(1)) };
    print(out, &failure);
    print(out, &theatre.db.store.fail(&[failure]).await);
    print(out, &theatre.worker());
    print(out, &(&theatre.signals, theatre.stage.calls()));
}

/// What operators see of many deliveries, and the `Debug` output of what they see of one.
async fn listing<H: Harness>(db: &Db<H>, theatre: &Theatre<H>, out: &mut Told) {
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

fn print<T: Debug>(out: &mut Told, value: &T) {
    out.extend([format!("{value:?}"), format!("{value:#?}")]);
}
