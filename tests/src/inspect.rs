//! What operators see: counts, lists, workers, receivers (I2).

use std::time::Duration;

use signals_core::delivery::State;
use signals_core::store::{Count, DeathReason, Fate, Filter, LaneCounts, WorkerInfo};
use signals_core::token::Incarnation;
use signals_core::{Signal as _, send_all};

use crate::fixtures::{BOOK, DISPATCH, MAIL, Refunded, SHIP, paid};
use crate::harness::retry_in;
use crate::{App, Db, Harness};

/// One delivery of `SHIP` in every state: ready, scheduled, running, done, dead, cancelled; by signal in that order.
async fn one_of_each<H: Harness>(app: &App<H>) {
    let mut puppet = app.puppet().await;
    let mut ids = Vec::new();
    for order in 0..6 {
        ids.push(app.send(&paid(order)).await.signal_id);
    }
    let claimed = puppet.claim(5).await;
    puppet.release(&claimed[0]).await;
    puppet.fail(&claimed[1], retry_in(60)).await;
    puppet.ack(&claimed[3]).await;
    puppet.fail(&claimed[4], Fate::Dead(DeathReason::Exhausted)).await;
    let last = app.db.all().await[5].id;
    app.db.cancel(last, "ops").await.expect("cancels");
}

async fn list<H: Harness>(db: &Db<H>, filter: Filter) -> Vec<i64> {
    let page = db.store.list(&filter).await.expect("lists");
    page.deliveries.iter().map(|delivery| delivery.id.signal.0).collect()
}

/// I2: no page is without bounds.
pub async fn i2_a_page_of_a_list_has_at_most_a_thousand<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    let signals: Vec<_> = (0..1_001).map(paid).collect();
    send_all(&signals, &mut tx).await.expect("sends");
    tx.commit().await.expect("commits");
    let filter = Filter { limit: usize::MAX, ..Filter::default() };
    let page = db.store.list(&filter).await.expect("lists");
    assert_eq!((page.deliveries.len(), page.next.is_some()), (Filter::MOST, true));
    let rest = db.store.list(&Filter { after: page.next, ..filter }).await.expect("lists");
    assert_eq!((rest.deliveries.len(), rest.next), (1, None));
}

/// I2: in exactly one state.
pub async fn i2_every_delivery_is_counted_in_one_state<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    one_of_each(&app).await;
    let counts = db.store.counts().await.expect("counts").lanes.remove(0);
    let LaneCounts { ready, scheduled, running, done, dead, cancelled, .. } = counts;
    assert_eq!([ready, scheduled, running, done, dead, cancelled], [Count(1); 6]);
    assert_eq!(db.states().await.len(), 6);
    db.advance(60);
    let counts = db.store.counts().await.expect("counts").lanes.remove(0);
    assert_eq!((counts.ready, counts.scheduled), (Count(2), Count(0)), "due is ready");
}

/// I2.
pub async fn i2_counts_name_every_receiver_even_one_that_holds_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &BOOK]).await;
    app.send(&paid(7)).await;
    let lanes = db.store.counts().await.expect("counts").lanes;
    let named: Vec<_> = lanes.iter().map(|lane| (&*lane.receiver, &*lane.signal, lane.has_pending())).collect();
    assert_eq!(named, [("books.refund", "shop.refunded", false), ("orders.ship", "shop.paid", true)]);
}

/// I2: how far behind a lane is.
pub async fn i2_counts_tell_when_the_oldest_ready_delivery_was_sent<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let first = db.now();
    app.send(&paid(1)).await;
    db.advance(10);
    app.send(&paid(2)).await;
    assert_eq!(db.store.counts().await.expect("counts").lanes[0].oldest, Some(first));
    app.puppet().await.claim(1).await;
    assert_eq!(db.store.counts().await.expect("counts").lanes[0].oldest, Some(db.now()));
}

/// I12: a lane that nobody works on is seen.
pub async fn i12_a_lane_that_no_worker_knows_is_counted<H: Harness>(db: Db<H>) {
    let old = db.app(&[&SHIP]).await;
    old.send(&crate::fixtures::PaidV2 { order: "7".to_owned() }).await;
    old.puppet().await.claim(10).await;
    let lanes = db.store.counts().await.expect("counts").lanes;
    let parked = lanes.iter().find(|lane| lane.lane.version == 2).expect("the lane is shown");
    assert_eq!((&*parked.receiver, parked.ready), ("orders.ship", Count(1)));
}

/// I2.
pub async fn i2_a_list_shows_the_newest_signal_first<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    app.send(&paid(1)).await;
    app.send(&paid(2)).await;
    let page = db.store.list(&Filter::default()).await.expect("lists");
    let ids: Vec<_> = page.deliveries.iter().map(|delivery| delivery.id).collect();
    assert_eq!((ids.len(), page.next), (4, None));
    assert!(ids[0].signal == ids[1].signal && ids[0].receiver < ids[1].receiver);
    assert!(ids[1].signal > ids[2].signal && ids[2].signal == ids[3].signal);
}

/// I2: pages leave nothing out and repeat nothing.
pub async fn i2_pages_of_a_list_continue_each_other<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    one_of_each(&db.program(&[&SHIP, &MAIL])).await;
    app.send(&paid(7)).await;
    let all = db.store.list(&Filter::default()).await.expect("lists").deliveries;
    let mut filter = Filter { limit: 3, ..Filter::default() };
    let mut paged = Vec::new();
    loop {
        let page = db.store.list(&filter).await.expect("lists");
        assert!(page.deliveries.len() <= 3);
        paged.extend(page.deliveries);
        filter.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(paged, all);
}

/// I2.
pub async fn i2_a_list_is_narrowed_by_state<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    one_of_each(&app).await;
    for (state, expected) in
        [(State::Ready, 2), (State::Running, 1), (State::Done, 1), (State::Dead, 1), (State::Cancelled, 1)]
    {
        let page = db.store.list(&Filter { states: vec![state], ..Filter::default() }).await.expect("lists");
        assert_eq!(page.deliveries.len(), expected, "{state}");
        assert!(page.deliveries.iter().all(|delivery| delivery.state == state));
    }
    let both = Filter { states: vec![State::Dead, State::Cancelled], ..Filter::default() };
    assert_eq!(list(&db, both).await.len(), 2);
}

/// I15: by any of its names.
pub async fn i2_a_list_is_narrowed_by_receiver_and_signal<H: Harness>(db: Db<H>) {
    let app = db.app(&[&DISPATCH, &MAIL, &BOOK]).await;
    app.send(&paid(1)).await;
    let refund = app.send(&Refunded { order: 1 }).await.signal_id;
    for (name, expected) in [("orders.dispatch", 1), ("orders.ship", 1), ("receipts.mail", 1), ("nobody", 0)] {
        let filter = Filter { receiver: Some(name.to_owned()), ..Filter::default() };
        assert_eq!(list(&db, filter).await.len(), expected, "{name}");
    }
    let filter = Filter { signal: Some(Refunded::DEF.name.to_owned()), ..Filter::default() };
    assert_eq!(list(&db, filter).await, [refund.0]);
}

/// I2: a list and a look-up agree.
pub async fn i2_a_look_up_shows_what_the_list_shows<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    one_of_each(&app).await;
    for listed in db.all().await {
        assert_eq!(db.get(listed.id).await.summary, listed);
    }
}

/// I6: an incarnation is nobody else's, ever.
pub async fn i6_no_two_workers_share_an_incarnation<H: Harness>(db: Db<H>) {
    let info = WorkerInfo::default();
    let mut drawn: Vec<Incarnation> = Vec::new();
    for _ in 0..50 {
        let incarnation = db.store.enlist(&info).await.expect("enlists");
        db.store.resign(incarnation).await.expect("resigns");
        drawn.push(incarnation);
    }
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), 50);
}

/// I6: a worker that this database does not know enlists anew, as after a lost connection.
pub async fn i6_a_worker_that_is_not_stored_is_told_so<H: Harness>(db: Db<H>) {
    let info = WorkerInfo::default();
    let known = db.store.enlist(&info).await.expect("enlists");
    let unknown = Incarnation::from_bits(known.bits() ^ 1);
    let beat = db.store.heartbeat(unknown, &info).await.expect_err("it never enlisted");
    let resigned = db.store.resign(unknown).await.expect_err("it never enlisted");
    assert!(beat.is_connection() && resigned.is_connection(), "{beat:?} {resigned:?}");
    db.store.heartbeat(known, &info).await.expect("beats");
    db.store.resign(known).await.expect("resigns");
}

/// L1: who is alive, and what they know.
pub async fn l1_workers_are_shown_while_they_are_seen<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let lanes = app.puppet().await.lanes;
    let info = WorkerInfo { host: "box".to_owned(), pid: 7, build: "1.0".to_owned(), lanes: Vec::new() };
    let incarnation = db.store.enlist(&info).await.expect("enlists");
    let started = db.now();
    db.advance(100);
    let update = WorkerInfo { lanes: lanes.clone(), ..info };
    db.store.heartbeat(incarnation, &update).await.expect("beats");
    let alive = db.store.workers(Duration::from_secs(60)).await.expect("lists");
    assert_eq!(alive.len(), 1, "the silent one is not shown");
    let worker = &alive[0];
    assert_eq!((worker.incarnation, &*worker.host, worker.pid, &*worker.build), (incarnation, "box", 7, "1.0"));
    assert_eq!((worker.started, worker.seen, &worker.lanes), (started, db.now(), &lanes));
    db.store.resign(incarnation).await.expect("resigns");
    assert!(db.store.workers(Duration::from_secs(60)).await.expect("lists").is_empty());
}

/// L1: the keeper's own connection is to the same deliveries.
pub async fn l1_a_dedicated_store_sees_and_changes_the_same_deliveries<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let dedicated = db.store.dedicated().await.expect("opens");
    let claimed = app.puppet().await.claim_one().await;
    db.advance(10);
    let renewed = dedicated.renew(&[claimed.held], Duration::from_secs(90)).await.expect("renews");
    assert_eq!(renewed, [signals_core::store::Renewed::Kept]);
    let until = db.now().saturating_add(Duration::from_secs(90));
    assert_eq!(db.get(id).await.summary.lease_until, Some(until));
}

/// D7: safe to repeat, by anybody, at any time.
pub async fn d7_migrating_again_does_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    let (a, b) = tokio::join!(db.store.migrate(), db.store.migrate());
    a.and(b).expect("nothing to do");
    assert_eq!(db.states().await, [State::Ready]);
    let numbers: Vec<_> = db.store.migrations().iter().map(|migration| migration.number).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as i64), "from 1 without gaps: {numbers:?}");
}

/// The name that messages use is the backend's.
pub async fn d7_the_store_names_itself_like_its_backend<H: Harness>(db: Db<H>) {
    assert_eq!(db.store.capabilities().name, <H::Backend as signals_core::Backend>::NAME);
}
