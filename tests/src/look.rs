//! I2, I12, I13: what operators look for: filters, pages while everything moves, trends, how far behind a lane is.

use std::collections::BTreeSet;
use std::time::Duration;

use signals_core::delivery::{DeliveryId, State};
use signals_core::store::{AttemptOutcome, Bucket, Count, DeathReason, Failed, Fate, Filter, Span};
use signals_core::{Receiver as _, Signal as _, send_all};
use signals_runtime::operating::WaitsFor;

use crate::fixtures::{MAIL, PaidV2, SHIP, paid};
use crate::harness::{failed, retry_in};
use crate::stage::{Bystander, Plain, Theatre};
use crate::{App, Db, Harness};

async fn list<H: Harness>(db: &Db<H>, filter: Filter) -> Vec<DeliveryId> {
    let page = db.store.list(&filter).await.expect("lists");
    page.deliveries.iter().map(|delivery| delivery.id).collect()
}

/// Every page of `filter`, with what happens between two of them.
async fn pages<H: Harness>(db: &Db<H>, mut filter: Filter, mut between: impl AsyncFnMut()) -> Vec<DeliveryId> {
    let mut told = Vec::new();
    loop {
        let page = db.store.list(&filter).await.expect("lists");
        told.extend(page.deliveries.iter().map(|delivery| delivery.id));
        filter.after = page.next;
        if page.next.is_none() {
            return told;
        }
        between().await;
    }
}

/// One delivery of `SHIP` for each error, failed with it and dead, in this order.
async fn dead_with<H: Harness>(app: &App<H>, errors: &[&str]) -> Vec<DeliveryId> {
    let mut puppet = app.puppet().await;
    let mut ids = Vec::new();
    for error in errors {
        app.send(&paid(1)).await;
        let claimed = puppet.claim_one().await;
        let fate = Fate::Dead(DeathReason::Exhausted);
        let told = Failed { error: (*error).to_owned(), ..failed(&claimed, fate) };
        app.db.store.fail(&[told]).await.expect("fails");
        ids.push(claimed.held.delivery);
    }
    ids
}

/// I2: by age since it was sent, and both ends of it.
pub async fn i2_a_list_is_narrowed_by_age<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut ids = Vec::new();
    for order in 0..3 {
        let [id] = app.deliver(&paid(order), [&SHIP]).await;
        ids.push(id);
        db.advance(60);
    }
    db.cancel(ids[0], "ops").await.expect("cancels");
    // They are 180, 120 and 60 seconds old.
    let older = |seconds| Filter { older_than: Some(Duration::from_secs(seconds)), ..Filter::default() };
    let younger = |seconds| Filter { younger_than: Some(Duration::from_secs(seconds)), ..Filter::default() };
    assert_eq!(list(&db, older(120)).await, [ids[1], ids[0]]);
    assert_eq!(list(&db, older(121)).await, [ids[0]]);
    assert_eq!(list(&db, younger(120)).await, [ids[2]]);
    assert_eq!(list(&db, younger(121)).await, [ids[2], ids[1]]);
    let between = Filter { younger_than: Some(Duration::from_secs(180)), ..older(61) };
    assert_eq!(list(&db, between).await, [ids[1]]);
    assert_eq!(list(&db, older(u64::MAX)).await, []);
}

/// I2: by the error of any attempt, also of one that is tried again.
pub async fn i2_a_list_is_narrowed_by_the_text_of_an_error<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let ids = dead_with(&app, &["connection refused", "Connection timed out", "no such order"]).await;
    let [waiting] = app.deliver(&paid(1), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    puppet.fail(&claimed, retry_in(60)).await; // "boom"
    app.send(&paid(2)).await;
    let saying = |text: &str| Filter { error: Some(text.to_owned()), ..Filter::default() };
    assert_eq!(list(&db, saying("CONNECTION")).await, [ids[1], ids[0]], "capitals or not");
    assert_eq!(list(&db, saying("such order")).await, [ids[2]]);
    assert_eq!(list(&db, saying("boom")).await, [waiting]);
    assert_eq!(list(&db, saying("boom!")).await, []);
    let dead = Filter { states: vec![State::Dead], ..saying("boom") };
    assert_eq!(list(&db, dead).await, []);
    assert_eq!(list(&db, saying("exhausted")).await, [ids[2], ids[1], ids[0]], "the reason of death as well");
}

/// I13: the text means itself, whatever it is.
pub async fn i13_a_list_finds_hostile_text_literally<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let errors = ["100% sure", "snake_case", "it's \"quoted\"", "back\\slash", "plain", "[x]*?", "ÄÖÜ \u{1F600}"];
    let ids = dead_with(&app, &errors).await;
    for (at, text) in
        [(0, "0%"), (0, "%"), (1, "_"), (2, "'"), (2, "\""), (3, "\\"), (5, "[x]*?"), (6, "ÄÖÜ \u{1F600}")]
    {
        let filter = Filter { error: Some(text.to_owned()), ..Filter::default() };
        assert_eq!(list(&db, filter).await, [ids[at]], "{text}");
    }
    for nowhere in ["\u{0}", "a%e", "sn_ke", "' OR 1=1 --", "äöü"] {
        let filter = Filter { error: Some(nowhere.to_owned()), ..Filter::default() };
        assert_eq!(list(&db, filter).await, [], "{nowhere:?}");
    }
    for name in ["%", "_", "'", "\u{0}", "orders.ship'--", "ORDERS.SHIP"] {
        let filter = Filter { receiver: Some(name.to_owned()), ..Filter::default() };
        assert_eq!(list(&db, filter).await, [], "{name:?} is no receiver");
        let filter = Filter { signal: Some(name.to_owned()), ..Filter::default() };
        assert_eq!(list(&db, filter).await, [], "{name:?} is no signal");
    }
}

/// I2: everything that a filter says must hold.
pub async fn i2_a_list_is_narrowed_by_everything_at_once<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    app.send(&paid(0)).await;
    let mut puppet = app.puppet().await;
    for claimed in puppet.claim(2).await {
        puppet.fail(&claimed, Fate::Dead(DeathReason::Exhausted)).await;
    }
    db.advance(100);
    let filter = Filter {
        states: vec![State::Dead],
        receiver: Some(MAIL.name.to_owned()),
        signal: Some(crate::fixtures::Paid::DEF.name.to_owned()),
        older_than: Some(Duration::from_secs(100)),
        younger_than: Some(Duration::from_secs(101)),
        error: Some("BOOM".to_owned()),
        ..Filter::default()
    };
    assert_eq!(list(&db, filter.clone()).await.len(), 1);
    for other in [
        Filter { states: vec![State::Ready], ..filter.clone() },
        Filter { receiver: Some("orders.dispatch".to_owned()), ..filter.clone() },
        Filter { signal: Some("shop.refunded".to_owned()), ..filter.clone() },
        Filter { older_than: Some(Duration::from_secs(101)), ..filter.clone() },
        Filter { younger_than: Some(Duration::from_secs(100)), ..filter.clone() },
        Filter { error: Some("bang".to_owned()), ..filter },
    ] {
        assert_eq!(list(&db, other.clone()).await, [], "{other}");
    }
}

/// I2: whatever happens between two pages, each delivery that is there all the while is told once.
pub async fn i2_pages_tell_each_delivery_once_while_everything_moves<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    for order in 0..30 {
        app.send(&paid(order)).await;
    }
    let all: BTreeSet<DeliveryId> = db.all().await.into_iter().map(|delivery| delivery.id).collect();
    let mut puppet = app.puppet().await;
    let mut round = 0;
    let filter = Filter { limit: 7, ..Filter::default() };
    let told = pages(&db, filter, async || {
        round += 1;
        for claimed in puppet.claim(6).await {
            match (claimed.held.delivery.signal.0 + round) % 4 {
                0 => drop(puppet.ack(&claimed).await),
                1 => drop(puppet.fail(&claimed, retry_in(5)).await),
                2 => drop(puppet.fail(&claimed, Fate::Dead(DeathReason::Exhausted)).await),
                _ => drop(puppet.release(&claimed).await),
            }
        }
        app.send(&paid(1_000 + round)).await;
        db.advance(10);
    })
    .await;
    let once: BTreeSet<DeliveryId> = told.iter().copied().collect();
    assert_eq!(told.len(), once.len(), "none is told twice: {told:?}");
    assert_eq!(once, all, "none is left out, and what was sent since is not told");
}

/// I2: a page is bounded work, so it may be short; going on finds the rest.
pub async fn i2_pages_go_on_past_what_does_not_match<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let first = dead_with(&app, &["the needle"]).await;
    for _ in 0..3 {
        let mut tx = app.begin().await;
        let signals: Vec<_> = (0..4_000).map(paid).collect();
        send_all(&signals, &mut tx).await.expect("sends");
        tx.commit().await.expect("commits");
    }
    let filter = Filter { error: Some("needle".to_owned()), ..Filter::default() };
    assert_eq!(pages(&db, filter, async || {}).await, first);
    let filter = Filter { states: vec![State::Dead], ..Filter::default() };
    assert_eq!(list(&db, filter).await, first, "what is rare is found at once");
    let all = pages(&db, Filter { limit: 1_000, ..Filter::default() }, async || {}).await;
    assert_eq!(all.len(), 12_001);
    assert!(all.is_sorted_by(|a, b| a.signal > b.signal), "newest first, across pages");
    let (mut filter, mut found) = (Filter::default(), Vec::new());
    loop {
        let page = db.store.find(&filter, usize::MAX).await.expect("finds");
        found.extend(page.ids);
        filter.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(found, all, "by their ids alone as well, however long the page may be");
}

/// I2: how far behind a lane is, whether what is due longest came at once, later, or back.
pub async fn i2_counts_tell_since_when_the_oldest_due_delivery_is_due<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let due_since = async || db.store.counts().await.expect("counts").lanes[0].due_since;
    assert_eq!(due_since().await, None);
    let mut tx = app.begin().await;
    paid(1).send(&mut tx).after(Duration::from_secs(60)).await.expect("sends");
    tx.commit().await.expect("commits");
    assert_eq!(due_since().await, None, "it is not due yet");
    db.advance(60);
    let due = db.now();
    db.advance(5);
    assert_eq!(due_since().await, Some(due), "before somebody promotes it");
    db.store.promote(10).await.expect("promotes");
    assert_eq!(due_since().await, Some(due), "and after");

    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    assert_eq!(due_since().await, None, "it runs");
    puppet.release(&claimed).await;
    assert_eq!(due_since().await, Some(due), "given back, it is due as before");
    let claimed = puppet.claim_one().await;
    puppet.fail(&claimed, retry_in(30)).await;
    let sent = db.now();
    app.send(&paid(2)).await;
    db.advance(31);
    db.store.promote(10).await.expect("promotes");
    assert_eq!(due_since().await, Some(sent), "sent at once, it is due since then");
    let first = db.all().await[0].id;
    db.cancel(first, "ops").await.expect("cancels");
    db.cancel(db.all().await[1].id, "ops").await.expect("cancels");
    db.advance(5);
    db.retry(first, "ops").await.expect("retries");
    assert_eq!(due_since().await, Some(db.now()), "retried by hand, since then");
}

/// I2: what failed and what was done, in buckets, receiver by receiver.
pub async fn i2_trends_tell_failures_and_completions_bucket_by_bucket<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    let span = Span { buckets: 3, bucket: Duration::from_secs(60) };
    // Borders are multiples of a minute: stand on one.
    db.advance(60 - db.now().as_micros().unsigned_abs() / 1_000_000 % 60);
    let begin = db.now();
    let mut puppet = app.puppet().await;
    for (seconds, outcome) in
        [(0, None), (0, Some(AttemptOutcome::Error)), (59, None), (1, Some(AttemptOutcome::Panic))]
    {
        db.advance(seconds);
        app.send(&paid(1)).await;
        let mail = app.id(&MAIL).await;
        for claimed in puppet.claim(10).await {
            if claimed.held.delivery.receiver == mail {
                continue; // runs on
            }
            match outcome {
                None => drop(puppet.ack(&claimed).await),
                Some(outcome) => {
                    let told = Failed { outcome, ..failed(&claimed, retry_in(1_000)) };
                    db.store.fail(&[told]).await.expect("fails");
                }
            }
        }
    }
    let trends = db.store.trends(&span).await.expect("answers");
    assert_eq!((trends.starts[1], trends.starts[2], trends.bucket), (begin, db.now(), span.bucket));
    let [ship] = &trends.receivers[..] else { panic!("mail did nothing: {trends:?}") };
    assert_eq!((&*ship.name, ship.receiver), (SHIP.name, app.id(&SHIP).await));
    let bucket = |done, failed: &[AttemptOutcome]| Bucket {
        done: Count(done),
        failed: failed.iter().map(|outcome| (*outcome, Count(1))).collect(),
    };
    let expected = [bucket(0, &[]), bucket(2, &[AttemptOutcome::Error]), bucket(0, &[AttemptOutcome::Panic])];
    assert_eq!(ship.buckets, expected);

    db.advance(120);
    let later = db.store.trends(&span).await.expect("answers");
    assert_eq!(later.receivers[0].buckets, [bucket(0, &[AttemptOutcome::Panic]), bucket(0, &[]), bucket(0, &[])]);
    db.advance(60);
    assert_eq!(db.store.trends(&span).await.expect("answers").receivers, [], "all of it is over");
}

/// I2: lanes of two versions are one receiver's, and lost leases are failures.
pub async fn i2_trends_add_up_the_versions_of_a_receiver<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(1)).await;
    app.send(&PaidV2 { order: "2".to_owned() }).await;
    app.send(&paid(3)).await;
    let mut puppet = app.puppet().await;
    puppet.lanes.push(signals_core::delivery::Lane { version: 2, ..puppet.lanes[0] });
    let claimed = puppet.claim(3).await;
    for claimed in claimed.iter().filter(|claimed| claimed.signal.payload != br#"{"order":3}"#) {
        puppet.ack(claimed).await;
    }
    db.advance(crate::harness::LEASE.as_secs());
    assert_eq!(puppet.steal(10).await.claimed.len(), 1);
    let trends = db.store.trends(&Span::default()).await.expect("answers");
    let sum = |count: &dyn Fn(&Bucket) -> u64| trends.receivers[0].buckets.iter().map(count).sum::<u64>();
    assert_eq!((trends.receivers.len(), trends.starts.len()), (1, 12));
    assert_eq!((sum(&|bucket| bucket.done.0), sum(&|bucket| bucket.failures().0)), (2, 1));
    let last: Vec<_> = trends.receivers[0].buckets.iter().flat_map(|bucket| &bucket.failed).collect();
    assert_eq!(last, [&(AttemptOutcome::LeaseLost, Count(1))]);
}

/// I12: a parked lane says what it waits for; a paused one waits for somebody.
pub async fn i12_a_parked_lane_says_what_it_waits_for<H: Harness>(db: Db<H>) {
    let theatre = Theatre::open(&db, &[Plain::DEF, Bystander::DEF], []).await;
    theatre.send(&paid(7)).await;
    theatre.send(&PaidV2 { order: "7".to_owned() }).await;
    let version = theatre.signals.inspect().parked().await.expect("lists");
    assert_eq!(version.len(), 1, "{version:?}");
    assert_eq!((version[0].lane.lane.version, &version[0].waits_for), (2, &WaitsFor::Version { known: vec![1] }));
    let name = Plain::DEF.name;
    let said = format!("no live worker or linked build knows receiver {name} version 2, only version 1");
    assert_eq!(version[0].to_string(), said);

    let other = Theatre::open(&db, &[Bystander::DEF], []).await;
    let nobody = other.signals.inspect().parked().await.expect("lists");
    assert!(nobody.len() == 2 && nobody.iter().all(|parked| parked.waits_for == WaitsFor::Receiver), "{nobody:?}");
    assert_eq!(nobody[0].to_string(), format!("no live worker or linked build knows receiver {name} version 1"));
    other.signals.operate("ada").pause(name).await.expect("pauses");
    assert_eq!(other.signals.inspect().parked().await.expect("lists"), [], "paused, not parked");
    let shown = other.signals.inspect().receivers().await.expect("lists");
    assert!(shown.iter().any(|receiver| receiver.name == name && receiver.paused), "{shown:?}");
}
