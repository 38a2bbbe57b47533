//! What is told when a foreign hand lets the database refuse a row. Databases quote such rows.

use signals_core::store::Failed;
use signals_core::{Error, Receiver as _, Signal as _, outcome};
use tracing::Level;

use super::{Secrets, Told, print};
use crate::fixtures::paid;
use crate::harness::{Ears, failed, retry_in};
use crate::stage::{Act, Plain, Theatre, until};
use crate::{Db, Harness};

/// No signal, attempt and settled delivery is taken once `refuse` has seen to it. Payload and error are told neither by the errors
/// that a program gets nor by a worker that has to give up.
pub(super) async fn are_told_without_what_they_say<H: Harness>(db: &Db<H>, refuse: impl Future<Output = ()> + Send) {
    let ears = Ears::open();
    let secrets = Secrets::draw();
    let theatre = Theatre::open(db, &[Plain::DEF], [Act::Fail(secrets.error)]).await;
    let app = db.app(&[Plain::DEF]).await;
    let mut told = Told::default();

    theatre.send(&paid(secrets.payload)).await;
    let mut puppet = app.puppet().await;
    let held = puppet.claim_one().await;
    let [waiting] = app.deliver(&paid(secrets.payload), [Plain::DEF]).await;
    refuse.await;

    for key in [None, Some("a key")] {
        let mut tx = theatre.signals.begin().await.expect("a transaction can begin");
        let sending = paid(secrets.payload).send(&mut tx);
        let sending = if let Some(key) = key { sending.idempotency_key(key) } else { sending };
        tell(&mut told, &sending.await.expect_err("the signal is refused"));
        print(&mut told, &tx);
        print(&mut told, &tx.commit().await);
    }
    let failure = Failed { error: secrets.error.to_owned(), ..failed(&held, retry_in(1)) };
    tell(&mut told, &db.store.fail(&[failure]).await.expect_err("the attempt is refused"));
    tell(&mut told, &db.cancel(waiting, "ops").await.expect_err("its end is refused"));

    let refused = || ears.heard(Level::ERROR, &["an outcome could not be stored", &waiting.to_string()]);
    let worker = theatre.worker().build().expect("the worker lacks nothing");
    let story = until("the worker is refused too", async || !refused().is_empty());
    worker.run_until(story).await.expect("runs");
    secrets.are_untold(&told, ears);
}

/// An error in every way in which programs print one.
fn tell(told: &mut Told, error: &Error) {
    assert!(matches!(error, Error::Database(_)), "refused for another reason: {error:?}");
    told.push(error.to_string());
    told.push(outcome::render(error));
    print(told, error);
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(link) = next {
        told.push(link.to_string());
        print(told, &link);
        next = link.source();
    }
}
