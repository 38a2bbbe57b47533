//! T2, T3, I7, I9, I12: what a worker takes, and how it keeps it.

use std::time::Duration;

use signals_core::delivery::{Lane, State};
use signals_core::store::{ClaimLane, Finished, Renewed};
use signals_core::{Signal as _, send_all};

use crate::fixtures::{MAIL, PaidV2, SHIP, SHIP_V2, paid};
use crate::harness::{LEASE, forged, retry_in};
use crate::{Db, Harness, Puppet};

/// T2.
pub async fn t2_a_claim_takes_the_oldest_first<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for order in 1..=3 {
        app.send(&paid(order)).await;
    }
    let mut puppet = app.puppet().await;
    let first: Vec<_> = puppet.claim(2).await.iter().map(|claimed| claimed.held.delivery.signal).collect();
    let rest: Vec<_> = puppet.claim(2).await.iter().map(|claimed| claimed.held.delivery.signal).collect();
    assert_eq!((first.len(), rest.len()), (2, 1));
    assert!(first[0] < first[1] && first[1] < rest[0], "{first:?} {rest:?}");
}

/// T2.
pub async fn t2_a_claim_sets_token_lease_and_attempt<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    let shown = db.get(id).await.summary;
    assert_eq!((claimed.held.delivery, claimed.held.life, claimed.counters.attempt), (id, 0, 1));
    assert_eq!(claimed.held.token.incarnation(), puppet.tokens.incarnation());
    assert_eq!(
        (shown.state, shown.counters, shown.worker),
        (State::Running, claimed.counters, Some(puppet.tokens.incarnation()))
    );
    assert_eq!(shown.lease_until, Some(db.now().saturating_add(LEASE)));
}

/// T2: the deliveries of one batch share its token.
pub async fn t2_a_claim_gives_its_own_token_to_all_it_takes<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    app.send(&paid(1)).await;
    let mut puppet = app.puppet().await;
    let batch = puppet.claim(10).await;
    app.send(&paid(2)).await;
    let next = puppet.claim(10).await;
    assert_eq!((batch.len(), next.len()), (2, 2));
    assert_eq!(batch[0].held.token, batch[1].held.token);
    assert_ne!(batch[0].held.token, next[0].held.token);
}

/// T2.
pub async fn t2_a_claim_skips_deliveries_leased_by_others<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    let (mut one, mut other) = (app.puppet().await, app.puppet().await);
    assert_eq!(one.claim(10).await.len(), 1);
    db.advance(LEASE.as_secs() - 1);
    assert_eq!(other.steal(10).await.claimed.len(), 0, "the lease lasts another second");
}

/// T2.
pub async fn t2_a_claim_takes_at_most_its_limit_and_each_lanes<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    for order in 0..5 {
        app.send(&paid(order)).await;
    }
    let mut puppet = app.puppet().await;
    let lanes = puppet.lanes.clone();
    let claims = puppet
        .claim_with(4, |claim| {
            claim.lanes = vec![ClaimLane { lane: lanes[0], limit: 1 }, ClaimLane { lane: lanes[1], limit: 9 }];
        })
        .await;
    let of = |lane| claims.claimed.iter().filter(|claimed| claimed.held.lane == lane).count();
    assert_eq!((of(lanes[0]), of(lanes[1])), (1, 3));
}

/// T2: a claim without room takes nothing, and is no error.
pub async fn t2_a_claim_of_nothing_takes_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    let mut puppet = app.puppet().await;
    assert_eq!(puppet.claim(0).await.len(), 0);
    assert_eq!(puppet.claim_with(10, |claim| claim.lanes.clear()).await.claimed.len(), 0);
    assert_eq!(db.states().await, [State::Ready]);
}

/// T2: a short batch never means that the lane is empty, but a long one must come.
pub async fn t2_a_claim_takes_thousands_at_once<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut tx = app.begin().await;
    send_all(&(0..3_000).map(paid).collect::<Vec<_>>(), &mut tx).await.expect("sends");
    tx.commit().await.expect("commits");
    let mut puppet = app.puppet().await;
    let mut claimed = 0;
    for _ in 0..10 {
        claimed += puppet.claim(3_000).await.len();
    }
    assert_eq!(claimed, 3_000);
}

/// T2.
pub async fn t2_a_paused_receiver_is_not_claimed_until_it_is_resumed<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    app.send(&paid(7)).await;
    let ship = app.id(&SHIP).await;
    let mut puppet = app.puppet().await;
    db.pause(ship, true).await.expect("pauses");
    assert_eq!(app.resolve().await.paused, [ship]);
    let others = puppet.claim(10).await;
    assert_eq!((others.len(), others[0].held.delivery.receiver == ship), (1, false), "the others go on");
    db.pause(ship, false).await.expect("resumes");
    assert_eq!(puppet.claim_one().await.held.delivery.receiver, ship);
}

/// I1, T2.
pub async fn t2_a_claim_does_not_see_what_is_not_committed<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let mut puppet = app.puppet().await;
    let mut tx = app.begin().await;
    paid(7).send(&mut tx).await.expect("sends");
    assert_eq!(puppet.claim(10).await.len(), 0);
    tx.commit().await.expect("commits");
    assert_eq!(puppet.claim(10).await.len(), 1);
}

/// I7: whatever races, one worker starts it.
pub async fn i7_workers_that_claim_at_once_share_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for order in 0..20 {
        app.send(&paid(order)).await;
    }
    let (mut a, mut b, mut c) = (app.puppet().await, app.puppet().await, app.puppet().await);
    let (a, b, c) = tokio::join!(a.claim(9), b.claim(9), c.claim(9));
    let mut taken: Vec<_> = [a, b, c].iter().flatten().map(|claimed| claimed.held.delivery).collect();
    let all = taken.len();
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken.len(), all, "a delivery was claimed twice");
}

/// I12, E4: a receiver that a worker does not name is left alone.
pub async fn i12_a_receiver_that_the_worker_does_not_know_waits_uncharged<H: Harness>(db: Db<H>) {
    let new = db.app(&[&SHIP, &MAIL]).await;
    let old = db.program(&[&SHIP]);
    let [_, mail] = new.deliver(&paid(7), [&SHIP, &MAIL]).await;
    let mut puppet = old.puppet().await;
    assert_eq!(puppet.claim(10).await.len(), 1);
    let waiting = db.get(mail).await;
    assert_eq!((waiting.summary.state, waiting.summary.counters.attempt), (State::Ready, 0));
    assert!(waiting.attempts.is_empty());
}

/// I12, E5: a payload's version that a worker does not know is left alone, in both deploy orders.
pub async fn i12_a_version_that_the_worker_does_not_know_waits_uncharged<H: Harness>(db: Db<H>) {
    let (old, new) = (db.app(&[&SHIP]).await, db.app(&[&SHIP_V2]).await);
    old.send(&paid(1)).await;
    new.send(&PaidV2 { order: "2".to_owned() }).await;
    let mut puppet = old.puppet().await;
    assert_eq!(puppet.claim_one().await.signal.version, 1);
    assert_eq!(puppet.steal(10).await.claimed.len(), 0);
    let waiting = &db.all().await[1];
    assert_eq!((waiting.state, waiting.counters.attempt), (State::Ready, 0));
}

/// I12: a lane that never was.
pub async fn i12_a_lane_that_does_not_exist_holds_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    let lane = Lane { receiver: app.id(&SHIP).await, version: 99 };
    let mut puppet = Puppet::enlist(db.store.clone(), vec![lane]).await;
    assert_eq!(puppet.steal(10).await.claimed.len(), 0);
}

/// I9: promotion moves what is due, and says when the next one is.
pub async fn i9_a_promotion_moves_what_is_due_and_tells_what_comes_next<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for seconds in [30, 10, 20] {
        let mut tx = app.begin().await;
        paid(7).send(&mut tx).after(Duration::from_secs(seconds)).await.expect("sends");
        tx.commit().await.expect("commits");
    }
    let start = db.now();
    let nothing = db.store.promote(10).await.expect("promotes");
    assert_eq!((nothing.moved, nothing.next_due), (0, Some(start.saturating_add(Duration::from_secs(10)))));
    db.advance(20);
    assert_eq!(db.store.promote(1).await.expect("promotes").moved, 1, "at most its limit");
    let rest = db.store.promote(10).await.expect("promotes");
    assert_eq!((rest.moved, rest.next_due), (1, Some(start.saturating_add(Duration::from_secs(30)))));
    db.advance(10);
    let last = db.store.promote(10).await.expect("promotes");
    assert_eq!((last.moved, last.next_due), (1, None));
}

/// I9: a claim alone takes nothing before its time, even when nobody promotes.
pub async fn i9_a_retry_is_not_claimed_before_it_is_due<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    puppet.fail(&claimed, retry_in(30)).await;
    db.advance(29);
    assert_eq!(puppet.steal(10).await.claimed.len(), 0);
    db.advance(1);
    assert_eq!(puppet.claim_one().await.counters.attempt, 2);
}

/// W15, I9: a database's clock that was put back an hour delays, and lets nobody start early or steal.
pub async fn w15_a_clock_that_was_put_back_starts_nothing_early<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(1)).await;
    let mut puppet = app.puppet().await;
    let running = puppet.claim_one().await;
    let mut tx = app.begin().await;
    paid(2).send(&mut tx).after(Duration::from_secs(60)).await.expect("sends");
    tx.commit().await.expect("commits");
    db.clock.set(db.now().saturating_sub(Duration::from_secs(3_600)));
    db.advance(61);
    assert_eq!(app.puppet().await.steal(10).await.claimed.len(), 0);
    assert_eq!(puppet.renew(&running).await, Renewed::Kept);
    assert_eq!(puppet.ack(&running).await, Finished::Done);
    db.advance(3_600);
    assert_eq!(puppet.claim(10).await.len(), 1);
}

/// T3.
pub async fn t3_a_renewal_extends_the_lease_from_now<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    db.advance(15);
    assert_eq!(puppet.renew(&claimed).await, Renewed::Kept);
    db.advance(15);
    assert_eq!(app.puppet().await.steal(10).await.claimed.len(), 0, "renewed 15 s ago");
    assert_eq!(db.all().await[0].lease_until, Some(db.now().saturating_add(LEASE - Duration::from_secs(15))));
}

/// T3: the token counts, not the time.
pub async fn t3_an_expired_lease_that_nobody_stole_can_be_renewed<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    db.advance(100);
    assert_eq!(puppet.renew(&claimed).await, Renewed::Kept);
    assert_eq!(app.puppet().await.steal(10).await.claimed.len(), 0);
}

/// T3: one answer for each, in order.
pub async fn t3_renewals_are_answered_one_by_one_in_order<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP, &MAIL]).await;
    app.send(&paid(7)).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim(10).await;
    db.cancel(claimed[0].held.delivery, "ops").await.expect("cancels");
    let wrong = forged(claimed[1].held, |held| held.life += 1);
    let held = [claimed[1].held, claimed[0].held, wrong];
    let answers = db.store.renew(&held, LEASE).await.expect("renews");
    assert_eq!(answers, [Renewed::Kept, Renewed::Lost, Renewed::Lost]);
}

/// T3: a row in somebody's hands is neither kept nor lost.
pub async fn t3_a_row_that_a_transaction_is_acknowledging_is_unknown<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    let mut tx = app.begin().await;
    tx.fence().await;
    tx.ack(&claimed).await.expect("acknowledges");
    assert_eq!(puppet.renew(&claimed).await, Renewed::Unknown);
    tx.rollback().await;
    assert_eq!(puppet.renew(&claimed).await, Renewed::Kept);
}

/// I11: what names a delivery is the same in every attempt.
pub async fn i11_a_delivery_keeps_its_id_and_life_from_attempt_to_attempt<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    let mut puppet = app.puppet().await;
    let first = puppet.claim_one().await;
    puppet.fail(&first, retry_in(0)).await;
    let second = puppet.claim_one().await;
    assert_eq!((first.held.delivery, first.held.life), (second.held.delivery, second.held.life));
    assert_eq!((first.counters.attempt, second.counters.attempt), (1, 2));
}
