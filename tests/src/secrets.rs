//! What is told, and to whom: no log, no span, no `Debug` output and no listing holds what payloads say, and what errors
//! say is where errors are told.
//!
//! A canary is put into both, everything happens to its delivery that can, and everything that anybody could print is
//! printed. Listings are what `inspect()` answers for many: lists, counts, trends, the log of actions.

use std::fmt::{Debug, Write as _};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use signals_core::store::{AttemptOutcome, DeliverySummary, Failed, Filter, Span};
use signals_core::{Error, Location, Receiver as _, Signal, SignalDef};

use crate::fixtures::{Paid, paid};
use crate::harness::{Ears, failed, retry_in};
use crate::stage::{Act, Plain, Theatre, Transactional};
use crate::{Db, Harness};

/// What a payload says, and nothing else does.
const IN_THE_PAYLOAD: i64 = 7_340_815_162_342;

/// What an error says, and nothing else does.
const IN_THE_ERROR: &str = "canary-in-the-error";

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
    let printed = everything(&db).await;
    assert!(!printed.contains(&canary), "{}", around(&printed, &canary));
    let told: Vec<_> = ears.all().into_iter().filter(|line| line.contains(&canary)).collect();
    assert_eq!(told, [""; 0]);
    assert!(!ears.heard(tracing::Level::ERROR, &["delivery is dead", "undecodable"]).is_empty(), "nobody listened");
}

/// I13: in the events that say why an attempt failed, and in its record; not in `Debug` output, nor in a listing.
pub async fn i13_a_secret_in_an_error_is_told_where_errors_are_and_nowhere_else<H: Harness>(db: Db<H>) {
    let ears = Ears::open();
    let printed = everything(&db).await;
    assert!(!printed.contains(IN_THE_ERROR), "{}", around(&printed, IN_THE_ERROR));
    let told: Vec<_> = ears.all().into_iter().filter(|line| line.contains(IN_THE_ERROR)).collect();
    assert!(!told.is_empty(), "an operator reads in the log why an attempt failed");
    for line in told {
        let fields = line.replace(&format!("error=\"{IN_THE_ERROR}\""), "");
        let failure = line.contains("attempt failed") || line.contains("delivery is dead");
        assert!(failure && !fields.contains(IN_THE_ERROR), "{line}");
    }
}

/// Lets everything happen, and prints all that there is to print.
async fn everything<H: Harness>(db: &Db<H>) -> String {
    let script = [Act::Fail(IN_THE_ERROR), Act::Fail(IN_THE_ERROR), Act::Discard, Act::Snooze(1), Act::Panic];
    let theatre = Theatre::open(db, &[Plain::DEF, Transactional::<H>::DEF], script).await;
    let mut printed = String::new();
    sending(&theatre, &mut printed).await;
    for _ in 0..6 {
        // Its report tells errors, as a test must see them (E14), and says so in its name.
        let report = theatre.drain().await;
        assert!(report.failures.iter().all(|failure| !failure.error.contains(&IN_THE_PAYLOAD.to_string())));
        db.advance(3_600);
    }
    working(&theatre, &mut printed).await;
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
async fn working<H: Harness>(theatre: &Theatre<H>, out: &mut String) {
    let app = theatre.db.app(&[Plain::DEF]).await;
    app.send(&paid(IN_THE_PAYLOAD)).await;
    let mut puppet = app.puppet().await;
    let claims = puppet.claim_with(10, |_| {}).await;
    print(out, &claims);
    let claimed = claims.claimed.first().expect("one was sent");
    let failure =
        Failed { outcome: AttemptOutcome::Error, error: IN_THE_ERROR.to_owned(), ..failed(claimed, retry_in(1)) };
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
