//! T9, W1–W8, E15: workers that die, and what becomes of what they held.

use signals_core::delivery::State;
use signals_core::store::{AttemptOutcome, DeathReason, Finished, LostLease, Renewed};

use crate::fixtures::{SHIP, paid};
use crate::harness::{LEASE, retry_in};
use crate::{App, Db, Harness};

/// Lets the lease of everything run out `times` times, each time stolen by another worker.
async fn crash<H: Harness>(app: &App<H>, times: u32) {
    for _ in 0..times {
        app.db.advance(LEASE.as_secs() + 1);
        app.puppet().await.steal(100).await;
    }
}

/// T9, E15.
pub async fn t9_an_expired_lease_is_stolen_under_a_new_token<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let lost = app.puppet().await.claim_one().await;
    db.advance(LEASE.as_secs() + 1);
    let mut thief = app.puppet().await;
    let claims = thief.steal(10).await;
    let stolen = &claims.claimed[0];
    assert_eq!(claims.lost, [LostLease { delivery: id, lost_leases: 1, dead: false }]);
    assert_eq!((stolen.counters.attempt, stolen.counters.lost_leases), (1, 1), "the attempt is the same");
    assert_ne!(stolen.held.token, lost.held.token);
    assert_eq!(db.get(id).await.summary.worker, Some(thief.tokens.incarnation()));
}

/// T9: visible to whoever wonders.
pub async fn t9_a_lost_lease_is_recorded_with_its_worker<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut loser = app.puppet().await;
    loser.claim_one().await;
    crash(&app, 1).await;
    let attempts = db.get(id).await.attempts;
    assert_eq!(attempts.len(), 1);
    assert_eq!((attempts[0].outcome, attempts[0].attempt, attempts[0].life), (AttemptOutcome::LeaseLost, 1, 0));
    assert_eq!((attempts[0].worker, attempts[0].ran), (loser.tokens.incarnation(), None));
    assert!(!attempts[0].error.is_empty());
}

/// T9: only after a lease of uninterrupted connection, which the worker knows and says.
pub async fn t9_a_claim_that_may_not_steal_leaves_expired_leases_alone<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    app.puppet().await.claim_one().await;
    db.advance(LEASE.as_secs() * 100);
    assert_eq!(app.puppet().await.claim(10).await.len(), 0);
    assert_eq!(db.states().await, [State::Running]);
}

/// T9: a live lease is nobody's.
pub async fn t9_a_lease_is_stolen_when_it_expired_and_not_before<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    app.puppet().await.claim_one().await;
    let mut thief = app.puppet().await;
    db.advance(LEASE.as_secs() - 1);
    assert_eq!(thief.steal(10).await.claimed.len(), 0);
    db.advance(2);
    assert_eq!(thief.steal(10).await.claimed.len(), 1);
}

/// T9, W8: what kills its workers ends as a dead letter.
pub async fn t9_the_fifth_lost_lease_is_a_dead_letter<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    app.puppet().await.claim_one().await;
    crash(&app, 4).await;
    assert_eq!(db.state(id).await, State::Running, "four times it is tried again");
    db.advance(LEASE.as_secs() + 1);
    let claims = app.puppet().await.steal(10).await;
    assert_eq!(claims.lost, [LostLease { delivery: id, lost_leases: 5, dead: true }]);
    assert!(claims.claimed.is_empty(), "it is not run a sixth time");
    let detail = db.get(id).await;
    assert_eq!((detail.summary.state, detail.summary.death), (State::Dead, Some(DeathReason::Crashed)));
    assert_eq!((detail.attempts.len(), detail.summary.counters.lost_leases), (5, 5));
    assert_eq!(detail.signal.expect("the payload is kept").payload, br#"{"order":7}"#);
}

/// I8, T9: five in a life, whatever else happens in between.
pub async fn i8_lost_leases_add_up_over_the_attempts_of_a_life<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    for lost in 1..5 {
        app.puppet().await.steal(10).await;
        db.advance(LEASE.as_secs() + 1);
        let mut thief = app.puppet().await;
        let stolen = thief.steal(10).await.claimed.remove(0);
        assert_eq!((stolen.counters.attempt, stolen.counters.lost_leases), (lost, lost));
        thief.fail(&stolen, retry_in(0)).await;
    }
    app.puppet().await.steal(10).await;
    crash(&app, 1).await;
    assert_eq!(db.get(id).await.summary.death, Some(DeathReason::Crashed));
}

/// L1, T2: a pause stops what would take over, too: nothing of the receiver is lost to crashes while somebody looks for
/// their reason. Its holder may still finish, and who resumes it need not wait.
pub async fn l1_an_expired_lease_of_a_paused_receiver_waits_until_it_is_resumed<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let ids = [app.deliver(&paid(1), [&SHIP]).await[0], app.deliver(&paid(2), [&SHIP]).await[0]];
    let mut holder = app.puppet().await;
    let claimed = holder.claim(10).await;
    db.pause(ids[0].receiver, true).await.expect("pauses");
    let before = db.get(ids[0]).await.summary;
    for _ in 0..6 {
        db.advance(LEASE.as_secs() + 1);
        let claims = app.puppet().await.steal(10).await;
        assert!(claims.claimed.is_empty() && claims.lost.is_empty(), "{claims:?}");
    }
    assert_eq!(db.get(ids[0]).await.summary, before, "shown as running, with a lease that is over");
    assert_eq!(holder.ack(&claimed[1]).await, Finished::Done, "the token counts, not the time");
    db.pause(ids[0].receiver, false).await.expect("resumes");
    let claims = app.puppet().await.steal(10).await;
    assert_eq!(claims.lost, [LostLease { delivery: ids[0], lost_leases: 1, dead: false }]);
    assert_eq!((claims.claimed.len(), claims.claimed[0].counters.attempt), (1, 1));
}

/// T9: one crash recovers in parallel.
pub async fn t9_everything_that_one_crash_interrupted_is_stolen_at_once<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for order in 0..5 {
        app.send(&paid(order)).await;
    }
    app.puppet().await.claim(10).await;
    db.advance(LEASE.as_secs() + 1);
    let mut thief = app.puppet().await;
    let claims = thief.claim_with(10, |claim| claim.steal = true).await;
    assert_eq!(claims.claimed.len(), 5, "the first lost lease makes nobody a suspect");
}

/// T9, W8: a repeated crash is isolated.
pub async fn t9_of_those_that_lost_two_leases_one_runs_at_a_time<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for order in 0..3 {
        app.send(&paid(order)).await;
    }
    app.puppet().await.claim(10).await;
    crash(&app, 1).await;
    app.send(&paid(4)).await;
    db.advance(LEASE.as_secs() + 1);
    let mut thief = app.puppet().await;
    let first = thief.steal(10).await.claimed;
    let suspects = first.iter().filter(|claimed| claimed.counters.is_suspect()).count();
    assert_eq!((first.len(), suspects), (2, 1), "one suspect, and whoever is none");
    let busy = thief.claim_with(10, |claim| claim.steal = true).await;
    assert_eq!(busy.claimed.len(), 0, "while one runs no other is taken");
    thief.ack(&first.into_iter().find(|claimed| claimed.counters.is_suspect()).expect("counted")).await;
    assert_eq!(thief.steal(10).await.claimed.len(), 1, "then the next");
}

/// T9: a suspect stays one when it comes back as ready in the same life.
pub async fn t9_a_suspect_that_is_ready_again_is_still_taken_alone<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    app.puppet().await.claim_one().await;
    crash(&app, 1).await;
    db.advance(LEASE.as_secs() + 1);
    let mut puppet = app.puppet().await;
    let suspect = puppet.steal(10).await.claimed.remove(0);
    puppet.release(&suspect).await;
    assert_eq!(puppet.claim(10).await.len(), 0, "suspects were not asked for");
    assert_eq!(puppet.claim_with(10, |claim| claim.suspect = true).await.claimed.len(), 1);
}

/// W6: the token counts, not the time.
pub async fn w6_an_expired_lease_that_nobody_stole_can_be_acknowledged<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    db.advance(LEASE.as_secs() * 10);
    assert_eq!(puppet.ack(&claimed).await, Finished::Done);
    assert_eq!(db.state(id).await, State::Done);
    assert_eq!(app.puppet().await.steal(10).await.claimed.len(), 0);
}

/// W5, I6: whatever a zombie says, its delivery is another's by now.
pub async fn w5_nothing_that_a_zombie_writes_matches<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut zombie = app.puppet().await;
    let old = zombie.claim_one().await;
    crash(&app, 1).await;
    let before = db.get(id).await.summary;
    assert_eq!(zombie.renew(&old).await, Renewed::Lost);
    assert_eq!(zombie.ack(&old).await, Finished::Stale);
    assert_eq!(zombie.fail(&old, retry_in(1)).await, Finished::Stale);
    assert_eq!(zombie.fail(&old, signals_core::store::Fate::Dead(DeathReason::Discarded)).await, Finished::Stale);
    assert_eq!(zombie.snooze(&old, 1).await, Finished::Stale);
    assert_eq!(zombie.release(&old).await, Finished::Stale);
    let after = db.get(id).await;
    assert_eq!(after.summary, before);
    assert_eq!(after.attempts.len(), 1, "the lost lease alone");
}

/// W4: what was acknowledged before the crash is over.
pub async fn w4_a_crash_after_the_acknowledgement_repeats_nothing<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    let mut puppet = app.puppet().await;
    let claimed = puppet.claim_one().await;
    puppet.ack(&claimed).await;
    db.advance(LEASE.as_secs() + 1);
    let claims = app.puppet().await.steal(10).await;
    assert!(claims.claimed.is_empty() && claims.lost.is_empty());
}
