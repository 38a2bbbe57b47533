//! D9: what every statement other than a send takes by number.

use std::time::Duration;

use signals_core::delivery::{DeliveryId, MAX_COUNTED_ATTEMPTS, ReceiverId, SignalId, State};
use signals_core::store::{Acked, Acting, DeathReason, Fate, Filter, Finished, Retention, Verdict};

use super::FOR_EVER;
use crate::fixtures::{SHIP, paid};
use crate::harness::{LEASE, acked, retry_in};
use crate::{Db, Harness};

const ACTING: Acting<'static> = Acting { actor: "ops", subject: "numbers", continues: None };

/// The largest and the smallest of everything, statement by statement.
pub(super) async fn no_number_of_a_statement_overflows<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;

    // A lease and a limit without end.
    let claims = puppet.claim_with(usize::MAX, |claim| claim.lease = FOR_EVER).await;
    assert_eq!(claims.claimed.len(), 1, "a claim of everything");
    db.advance(100 * 366 * 86_400);
    assert_eq!(puppet.steal(usize::MAX).await.claimed.len(), 0, "a lease of for ever is over in no hundred years");
    let held = claims.claimed[0].held;
    db.store.renew(&[held], FOR_EVER).await.expect("a renewal for ever");
    let settled = [Acked { ran: FOR_EVER, ..acked(&claims.claimed[0], true) }];
    db.store.ack(&settled).await.expect("a receiver that ran for ever");

    // Ages and bounds without end.
    let retention = Retention { done: FOR_EVER, cancelled: FOR_EVER, dead: Some(FOR_EVER), keys: FOR_EVER };
    let pruned = db.store.prune(&retention, usize::MAX, None).await.expect("a prune of what is older than time");
    assert_eq!((pruned.deliveries, pruned.keys), (0, 0));
    assert_eq!(db.store.forget(FOR_EVER, usize::MAX).await.expect("likewise").0, 0);
    db.store.promote(usize::MAX).await.expect("a promotion of everything");
    assert!(!db.store.workers(FOR_EVER).await.expect("workers of all times").is_empty());
    let filter = Filter { limit: usize::MAX, ..Filter::default() };
    assert_eq!(db.store.list(&filter).await.expect("a list of everything").deliveries.len(), 1);
    assert_eq!(db.store.find(&filter, usize::MAX).await.expect("likewise").ids.len(), 1);
    db.store.actions(None, usize::MAX).await.expect("the whole log");

    // Ids that nothing has.
    for (signal, receiver) in [(i64::MAX, i64::MAX), (i64::MIN, i64::MIN), (0, 0), (-1, 1)] {
        let id = DeliveryId { signal: SignalId(signal), receiver: ReceiverId(receiver) };
        assert!(db.find(id).await.is_none(), "{id}");
        let decided = db.store.cancel(&[id], &ACTING).await.expect("a decision about nothing");
        assert_eq!(decided.verdicts, [Verdict::NotFound], "{id}");
    }

    let none = Retention { done: Duration::ZERO, cancelled: Duration::ZERO, dead: None, keys: Duration::ZERO };
    assert_eq!(db.store.prune(&none, 0, None).await.expect("a prune of nothing").deliveries, 0);
    assert_eq!(db.store.prune(&none, usize::MAX, None).await.expect("a prune of all").deliveries, 1);
}

/// A delivery whose attempts are the most that are counted is claimed, stolen, given back, failed and begun again like any
/// other. `plant` sees to it that every delivery that is stored has had `i32::MAX` of them.
pub(super) async fn no_attempt_is_one_too_many<H: Harness>(db: &Db<H>, plant: impl AsyncFnOnce()) {
    const MOST: u32 = MAX_COUNTED_ATTEMPTS;
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    plant().await;
    assert_eq!(db.get(id).await.summary.counters.attempt, MOST, "nothing was planted");
    let mut puppet = app.puppet().await;

    let lost = puppet.claim_one().await;
    assert_eq!(lost.counters.attempt, MOST, "claimed");
    db.advance(LEASE.as_secs() + 1);
    let stolen = puppet.steal(1).await.claimed.remove(0);
    assert_eq!((stolen.counters.attempt, stolen.counters.lost_leases), (MOST, 1), "a stolen one keeps its attempt");
    assert_eq!(puppet.release(&stolen).await, Finished::Done);
    assert_eq!(db.get(id).await.summary.counters.attempt, MOST - 1, "a refund is one less");
    let again = puppet.claim_one().await;
    assert_eq!(puppet.fail(&again, retry_in(0)).await, Finished::Done);
    let last = puppet.claim_one().await;
    assert_eq!((again.counters.attempt, last.counters.attempt), (MOST, MOST));
    assert_eq!(puppet.fail(&last, Fate::Dead(DeathReason::Exhausted)).await, Finished::Done);

    let dead = db.get(id).await;
    assert_eq!((dead.summary.state, dead.summary.counters.attempt), (State::Dead, MOST));
    assert_eq!(dead.attempts.iter().map(|attempt| attempt.attempt).collect::<Vec<_>>(), [MOST; 3]);
    db.retry(id, "ops").await.expect("another life");
    assert_eq!(puppet.claim_one().await.counters.attempt, 1);
}
