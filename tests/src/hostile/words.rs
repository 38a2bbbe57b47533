//! I13, E12, E13, I15: what is told by word, each judged through what its teller calls.

use std::sync::Arc;
use std::time::Duration;

use signals_core::store::Filter;
use signals_core::{
    Backend as _, Body, Headers, Location, Outgoing, Receipt, Receiver as _, ReceiverDef, Registry, Result, SendBatch,
    Signal as _, SignalDef,
};
use signals_runtime::Signals;

use super::vectors::{Given, Vector, Verdict, vectors};
use super::{end, judge};
use crate::fixtures::{Paid, SHIP, paid};
use crate::harness::retry_in;
use crate::stage::{Plain, Theatre, until};
use crate::{App, Db, Harness};

const HERE: Location = Location { module: module_path!(), file: file!(), line: line!() };

/// A receiver that is claimed and never called.
const IDLE: Body = Body::Blocking(|_, _| Ok(()));

/// Keys, actors, searches.
pub(super) async fn every_word_has_its_verdict<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    // What a search would find if it were a pattern.
    app.send(&paid(1)).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    puppet.fail(&claimed, retry_in(1)).await;
    for Vector { what, given, verdict } in vectors() {
        match given {
            Given::Key(key) => keyed(&app, what, &key, verdict).await,
            Given::Actor(actor) => acted(&app, what, &actor, verdict).await,
            Given::Search(text) => searched(&db, what, &text, verdict).await,
            Given::Build { .. }
            | Given::Trace(_)
            | Given::Name(_)
            | Given::Json(_)
            | Given::Float(_)
            | Given::Error(_)
            | Given::Delay(_) => {}
        }
    }
}

async fn keyed<H: Harness>(app: &App<H>, what: &str, key: &str, verdict: Verdict) {
    let first = send_keyed(app, key).await;
    judge(what, verdict, first.as_ref().map(drop));
    if let Ok(first) = first {
        let again = send_keyed(app, key).await.expect("a repetition is no error");
        assert_eq!((again.signal_id, again.repeated), (first.signal_id, true), "{what}");
    }
}

async fn send_keyed<H: Harness>(app: &App<H>, key: &str) -> Result<Receipt> {
    let mut tx = app.begin().await;
    let sent = paid(7).send(&mut tx).idempotency_key(key).await;
    end(tx, &sent).await;
    sent
}

/// Whoever decides does so through `operate`; who has no name changes nothing, and leaves no line in the log.
async fn acted<H: Harness>(app: &App<H>, what: &str, actor: &str, verdict: Verdict) {
    let db = &app.db;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let signals = Signals::new(db.harness.backend().clone());
    let operate = signals.operate(actor);
    let (before, lines) = (db.state(id).await, db.log().await.len());
    judge(what, verdict, operate.pause(SHIP.name).await.as_ref().map(drop));
    judge(what, verdict, operate.resume(SHIP.name).await.as_ref().map(drop));
    judge(what, verdict, operate.cancel(id).await.as_ref().map(drop));
    let log = db.log().await;
    if verdict == Verdict::Kept {
        assert_eq!(db.get(id).await.summary.actor.as_deref(), Some(actor), "{what}");
        assert!(log.len() == lines + 3 && log[lines..].iter().all(|line| line.0 == actor), "{what}: in the log");
    } else {
        assert_eq!((db.state(id).await, log.len()), (before, lines), "{what}");
        db.cancel(id, "ops").await.expect("out of the way of the next");
    }
}

async fn searched<H: Harness>(db: &Db<H>, what: &str, text: &str, verdict: Verdict) {
    let by_error = Filter { error: Some(text.to_owned()), ..Filter::default() };
    let by_receiver = Filter { receiver: Some(text.to_owned()), ..Filter::default() };
    let by_signal = Filter { signal: Some(text.to_owned()), ..Filter::default() };
    for filter in [by_error, by_receiver, by_signal] {
        let found = db.store.list(&filter).await;
        judge(what, verdict, found.as_ref().map(drop));
        assert!(
            found.is_ok_and(|page| page.deliveries.is_empty()),
            "{what}: nothing is called so and nothing failed so, so nothing is found"
        );
    }
}

/// Builds and trace contexts, which fail no send: what is not kept as it was said is cleaned, or left out.
pub(super) async fn every_header_has_its_verdict<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF], []).await;
    let app = db.app(&[&SHIP]).await;
    let sender = || {
        let registry = Registry::builder().receiver::<Plain>().build().expect("one receiver contradicts nothing");
        Signals::new(db.harness.backend().clone()).with_registry(registry)
    };
    for Vector { what, given, verdict } in vectors() {
        match given {
            Given::Build { said, shown } => {
                let signals = sender().with_build(said.clone());
                assert_eq!(headers_of(&db, &signals, what).await.build.as_deref(), Some(&*shown), "{what}");
                let handed = Headers { build: Some(said.clone().into()), ..Headers::default() };
                assert_eq!(kept_of(&app, handed, what).await.build.as_deref(), Some(&*shown), "{what}: to the core");
                assert_eq!(verdict, if said == shown { Verdict::Kept } else { Verdict::Cleaned }, "{what}");
                let worker = signals.worker().state(theatre.stage.clone()).build().expect("the worker lacks nothing");
                let seen = until("the worker is seen under that name", async || is_seen(&db, &shown).await);
                worker.run_until(seen).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            }
            Given::Trace(text) => {
                let said: Arc<str> = text.into();
                let current = said.clone();
                let signals = sender().with_traceparent(move || Some(current.clone()));
                let kept = headers_of(&db, &signals, what).await.traceparent;
                let handed = Headers { traceparent: Some(said.clone()), ..Headers::default() };
                let from_the_core = kept_of(&app, handed, what).await.traceparent;
                let expected = (verdict == Verdict::Kept).then_some(said);
                assert_eq!([kept, from_the_core], [expected.clone(), expected], "{what}: {verdict:?}");
            }
            Given::Key(_)
            | Given::Actor(_)
            | Given::Search(_)
            | Given::Name(_)
            | Given::Json(_)
            | Given::Float(_)
            | Given::Error(_)
            | Given::Delay(_) => {}
        }
    }
}

/// What is stored beside a signal that is sent, which must succeed.
async fn headers_of<H: Harness>(db: &Db<H>, signals: &Signals<H::Backend>, what: &str) -> Headers {
    let mut tx = signals.begin().await.expect("a transaction can begin");
    let receipt = paid(7).send(&mut tx).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    tx.commit().await.expect("the commit succeeds");
    stored_beside(db, &receipt).await
}

/// As [`headers_of`], of a transaction whose headers nobody has looked at before the core is handed them: `Signals` does.
async fn kept_of<H: Harness>(app: &App<H>, headers: Headers, what: &str) -> Headers {
    let mut tx = app.begin().await;
    tx.context.headers = headers;
    let receipt = paid(7).send(&mut tx).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    tx.commit().await.expect("the commit succeeds");
    stored_beside(&app.db, &receipt).await
}

async fn stored_beside<H: Harness>(db: &Db<H>, receipt: &Receipt) -> Headers {
    let all = db.all().await;
    let delivery = all.iter().find(|delivery| delivery.id.signal == receipt.signal_id).expect("it is stored");
    db.get(delivery.id).await.signal.expect("not forgotten").headers
}

async fn is_seen<H: Harness>(db: &Db<H>, build: &str) -> bool {
    let workers = db.store.workers(Duration::from_secs(60)).await.expect("they can be seen");
    workers.iter().any(|worker| worker.build == build)
}

/// Names, wherever a declaration may have one: of a signal, of a receiver, of what it was called before, and of what is retired.
/// Those that are kept are used, as aliases in a database of their own: a receiver of that name would become the one that lists it.
pub(super) async fn every_name_has_its_verdict<H: Harness>(db: Db<H>) {
    let aliases = Db::<H>::open().await;
    for Vector { what, given, verdict } in vectors() {
        let Given::Name(name) = given else { continue };
        let name: &'static str = name.leak();
        let signal: &'static SignalDef = leaked(SignalDef::new(name, HERE));
        let former: &'static SignalDef = leaked(SignalDef::new("hostile.signal", HERE).aliases(leaked([name])));
        let receiver = leaked(ReceiverDef { signal, ..ReceiverDef::new::<Plain>(name, HERE, IDLE) });
        let aliased = leaked(ReceiverDef::new::<Plain>("hostile.receiver", HERE, IDLE).aliases(leaked([name])));
        let of_that_name = ReceiverDef { signal: Paid::DEF, ..*receiver };
        for builder in [
            Registry::builder().signal_def(signal),
            Registry::builder().signal_def(former),
            Registry::builder().receiver_def(leaked(of_that_name)),
            Registry::builder().receiver_def(aliased),
            Registry::builder().retired(name),
        ] {
            judge(what, verdict, builder.build().as_ref().map(drop));
        }
        if verdict == Verdict::Kept {
            received(&db, what, receiver).await;
            retired(&db, what, receiver).await;
            aliases.app(&[aliased]).await;
            let receivers = aliases.store.receivers().await.expect("they can be listed");
            let is_alias = receivers.iter().any(|receiver| receiver.aliases.iter().any(|alias| alias == name));
            assert!(is_alias, "{what}: {receivers:?}");
        }
    }
}

/// A receiver under this name gets the signal under this name.
async fn received<H: Harness>(db: &Db<H>, what: &str, receiver: &'static ReceiverDef) {
    let app = db.app(&[receiver]).await;
    let mut tx = app.begin().await;
    let mut signal = Outgoing::new(&paid(7));
    signal.def = receiver.signal;
    let batch = SendBatch { signals: vec![signal], context: tx.context.clone() };
    let receipts = H::Backend::send(tx.conn(), &batch).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    tx.commit().await.expect("the commit succeeds");
    let claimed = app.puppet().await.claim_one().await;
    assert_eq!((claimed.held.delivery.signal, &*claimed.signal.name), (receipts[0].signal_id, receiver.name), "{what}");
    let summary = db.get(claimed.held.delivery).await.summary;
    assert_eq!((&*summary.receiver, &*summary.signal), (receiver.name, receiver.name), "{what}");
}

/// And can be retired.
async fn retired<H: Harness>(db: &Db<H>, what: &str, receiver: &'static ReceiverDef) {
    db.program_with(&[], &[], &[receiver.name]).register().await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let receivers = db.store.receivers().await.expect("they can be listed");
    let is_retired = receivers.iter().any(|stored| stored.name == receiver.name && stored.retired);
    assert!(is_retired, "{what}: {receivers:?}");
}

/// What is declared is declared for as long as the program runs.
fn leaked<T>(declared: T) -> &'static T {
    Box::leak(Box::new(declared))
}
