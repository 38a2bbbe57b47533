//! One of the two databases of a history: what is done to it, and what it shows, in words that do not depend on ids.

use std::fmt::{Debug, Write as _};
use std::time::Duration;

use signals_core::delivery::{DeliveryId, ReceiverId, SignalId};
use signals_core::store::{
    Acked, Acting, AttemptRecord, Claim, Claimed, DeathReason, Decided, Failed, Fate, Filter, Held as Named, Retention,
    Snoozed, Switch,
};
use signals_core::{Backend, Error, Receipt, ReceiverDef, Result, Signal, send_all};

use super::step::{BUILDS, End, Held, Place, Step, WORKERS};
use crate::fixtures::{DELIVER, DELIVER_ALONE, DISPATCH, DISPATCH_ALONE, MAIL, PaidV2, SHIP, paid};
use crate::harness::{LEASE, acked, failed};
use crate::{App, Db, Harness, Puppet, TestTx};

/// Which receivers a program links, as one of them is renamed and rolled back. Deployed in some orders two or three names are
/// receivers of their own first, and one receiver when a build comes that lists them as aliases: a merge.
static PROGRAMS: [&[&ReceiverDef]; BUILDS] = [
    &[&SHIP, &MAIL],
    &[&DISPATCH, &MAIL],
    &[&SHIP, &DISPATCH_ALONE, &MAIL],
    &[&DELIVER, &MAIL],
    &[&SHIP, &DELIVER_ALONE, &MAIL],
];

/// Who decides by hand.
const ACTING: Acting<'static> = Acting { actor: "ops", subject: "a history", continues: None };

/// A database, with everything that a history refers to.
pub(super) struct Side<X: Harness> {
    db: Db<X>,
    app: App<X>,
    workers: Vec<Puppet>,
    signals: Vec<SignalId>,
    receivers: Vec<ReceiverId>,
    held: Vec<Claimed>,
}

impl<X: Harness> Side<X> {
    /// An empty one.
    pub(super) async fn open() -> Self {
        let db = Db::<X>::open().await;
        let app = db.program(PROGRAMS[0]);
        let mut side =
            Self { db, app, workers: Vec::new(), signals: Vec::new(), receivers: Vec::new(), held: Vec::new() };
        side.deploy(PROGRAMS[0]).await;
        for _ in 0..WORKERS {
            side.workers.push(side.app.puppet().await);
        }
        side
    }

    /// Takes a step, the `number`th of its history, and says what was answered.
    pub(super) async fn take(&mut self, number: usize, step: &Step) -> String {
        // In which order two come that are due at one moment is not promised, so no two are.
        let later = |seconds: u64| Duration::from_secs(seconds) + Duration::from_micros(1 + number as u64);
        let store = self.db.store.clone();
        match step {
            Step::Send { orders, after, key, v2, end } => {
                let delay = if *after == 0 { Duration::ZERO } else { later(*after) };
                let orders = if delay.is_zero() { orders } else { &orders[..1] };
                if *v2 {
                    let signals: Vec<_> = orders.iter().map(|order| PaidV2 { order: order.to_string() }).collect();
                    self.send(&signals, delay, *key, *end).await
                } else {
                    let signals: Vec<_> = orders.iter().map(|order| paid(*order)).collect();
                    self.send(&signals, delay, *key, *end).await
                }
            }
            Step::Claim { worker, limit, steal, suspect } => self.claim(*worker, *limit, *steal, *suspect).await,
            Step::Renew(held) => tell(store.renew(&self.named(*held), LEASE).await),
            Step::Ack(held, keep) => {
                let acked: Vec<Acked> = self.held(*held).map(|claimed| acked(claimed, *keep)).collect();
                tell(store.ack(&acked).await)
            }
            Step::AckInTransaction(held, commit) => self.ack_in_transaction(*held, *commit).await,
            Step::Fail(held, after) => self.fail(held.first(), Fate::Retry { delay: later(*after) }).await,
            Step::Exhaust(held) => self.fail(*held, Fate::Dead(DeathReason::Exhausted)).await,
            Step::Discard(held) => self.fail(*held, Fate::Dead(DeathReason::Discarded)).await,
            Step::Snooze(held, after) => {
                let snoozed = |held| Snoozed { held, delay: later(*after) };
                let snoozed: Vec<_> = self.named(held.first()).into_iter().map(snoozed).collect();
                tell(store.snooze(&snoozed).await)
            }
            Step::Release(held) => tell(store.release(&self.named(*held)).await),
            Step::Cancel(places) => tell_decided(store.cancel(&self.deliveries(places), &ACTING).await),
            Step::DiscardByHand(places) => tell_decided(store.discard(&self.deliveries(places), &ACTING).await),
            Step::Retry(places) => tell_decided(store.retry(&self.deliveries(places), &ACTING).await),
            Step::Prune(seconds, by_hand) => self.prune(Duration::from_secs(*seconds), *by_hand).await,
            Step::Forget(seconds) => tell(store.forget(Duration::from_secs(*seconds), 1_000).await),
            Step::Restart(worker) => {
                self.workers[*worker] = self.app.puppet().await;
                String::new()
            }
            Step::Pause(receiver, paused) => {
                let switch = if *paused { Switch::Pause } else { Switch::Resume };
                let Some(receiver) = self.receivers.get(*receiver) else { return String::new() };
                tell(store.switch(*receiver, switch, "ops").await)
            }
            Step::Deploy(build) => self.deploy(PROGRAMS[*build]).await,
            Step::Advance(seconds) => {
                self.db.advance(*seconds);
                String::new()
            }
        }
    }

    async fn deploy(&mut self, build: &[&'static ReceiverDef]) -> String {
        self.app = self.db.program(build);
        let registered = match self.app.register().await {
            Ok(registered) => registered,
            Err(error) => return tell_error(&error),
        };
        for (_, id) in &registered.ids {
            if !self.receivers.contains(id) {
                self.receivers.push(*id);
            }
        }
        let mut lanes = self.app.puppet().await.lanes;
        // Two names of a build may be one receiver by now.
        lanes.sort_unstable();
        lanes.dedup();
        self.workers.iter_mut().for_each(|worker| worker.lanes.clone_from(&lanes));
        let ids: Vec<_> = registered.ids.iter().map(|(name, id)| (*name, self.receiver(*id))).collect();
        format!("{ids:?} merged {:?} retired {:?}", registered.merged, registered.retired)
    }

    async fn send<S: Signal>(&mut self, signals: &[S], delay: Duration, key: Option<u8>, end: End) -> String {
        let mut tx = self.app.begin().await;
        tx.savepoint().await;
        let receipts = match store_in(&mut tx, signals, delay, key).await {
            Ok(receipts) => receipts,
            Err(error) => {
                tx.rollback().await;
                return tell_error(&error);
            }
        };
        match end {
            End::Commit => {
                tx.release().await;
                tx.commit().await.expect("the commit succeeds");
            }
            End::Rollback => tx.rollback().await,
            End::Undo => {
                tx.undo().await;
                tx.commit().await.expect("the commit succeeds");
            }
        }
        let mut told = String::new();
        for Receipt { signal_id, deliveries, repeated, .. } in receipts {
            let kept = end == End::Commit || repeated;
            if kept && !repeated {
                self.signals.push(signal_id);
            }
            // The id of what was undone means nothing.
            let signal = kept.then(|| self.signal(signal_id));
            let _ = write!(told, "{signal:?} {deliveries} {repeated};");
        }
        told
    }

    async fn claim(&mut self, worker: usize, limit: usize, steal: bool, suspect: bool) -> String {
        let change = |claim: &mut Claim| (claim.steal, claim.suspect) = (steal, suspect);
        let claims = self.workers[worker].claim_with(limit, change).await;
        let mut told = String::new();
        for claimed in &claims.claimed {
            let (place, life) = (self.place(claimed.held.delivery), claimed.held.life);
            let _ = write!(told, "{place:?} life {life} {:?} {:?};", claimed.counters, claimed.signal.payload);
        }
        let lost = claims.lost.iter().map(|lost| (self.place(lost.delivery), lost.lost_leases, lost.dead));
        let mut lost: Vec<_> = lost.collect();
        lost.sort_unstable();
        self.held.extend(claims.claimed);
        format!("{told} lost {lost:?}")
    }

    async fn fail(&self, held: Held, fate: Fate) -> String {
        let failed: Vec<Failed> = self.held(held).map(|claimed| failed(claimed, fate)).collect();
        tell(self.db.store.fail(&failed).await)
    }

    async fn ack_in_transaction(&self, held: Held, commit: bool) -> String {
        let Some(claimed) = self.held(held).next() else { return String::new() };
        let mut tx = self.app.begin().await;
        tx.fence().await;
        let answer = tx.ack(claimed).await;
        if commit && answer.is_ok() {
            tx.commit().await.expect("the commit succeeds");
        } else {
            tx.rollback().await;
        }
        tell(answer)
    }

    async fn prune(&self, keep: Duration, by_hand: bool) -> String {
        let retention = Retention { done: keep, cancelled: keep * 2, dead: Some(keep * 3), keys: keep * 3 };
        let pruned = self.db.store.prune(&retention, 1_000, by_hand.then_some(&ACTING)).await;
        tell(pruned.map(|pruned| (pruned.deliveries, pruned.keys, pruned.action.is_some())))
    }

    /// Everything that an operator sees.
    pub(super) async fn show(&self) -> Vec<String> {
        let filter = Filter { limit: Filter::MOST, ..Filter::default() };
        let mut shown = Vec::new();
        for delivery in self.db.store.list(&filter).await.expect("deliveries can be listed").deliveries {
            // Where no database tells tokens apart (`signals-runtime/src/broken.rs`), whose they are shown as is not the point.
            let worker = delivery
                .worker
                .filter(|_| !cfg!(break_fencing))
                .map(|worker| self.workers.iter().position(|known| known.tokens.incarnation() == worker));
            let detail = self.db.get(delivery.id).await;
            let attempt = |one: &AttemptRecord| (one.life, one.attempt, one.outcome, one.ended_at);
            let attempts: Vec<_> = detail.attempts.iter().map(attempt).collect();
            shown.push(format!(
                "{:?} v{} {} {} {} life {} {:?} due {:?} {worker:?} until {:?} settled {:?} {:?} {:?} {attempts:?} {:?}",
                self.place(delivery.id),
                delivery.lane.version,
                delivery.receiver,
                delivery.signal,
                delivery.state,
                delivery.life,
                delivery.counters,
                delivery.due_at,
                delivery.lease_until,
                delivery.settled_at,
                delivery.death,
                delivery.actor,
                detail.signal.map(|signal| signal.payload),
            ));
        }
        shown.sort_unstable();
        for lane in self.db.store.counts().await.expect("deliveries can be counted").lanes {
            let counts = [lane.ready, lane.scheduled, lane.running, lane.done, lane.dead, lane.cancelled];
            // Not `oldest`: a database may look for it among the first of a lane alone.
            shown.push(format!("{} v{} {counts:?}", lane.receiver, lane.lane.version));
        }
        shown.extend(self.db.log().await.into_iter().map(|action| format!("{action:?}")));
        shown
    }

    fn receiver(&self, id: ReceiverId) -> usize {
        self.receivers.iter().position(|other| *other == id).expect("every receiver was registered by the history")
    }

    fn signal(&self, id: SignalId) -> usize {
        self.signals.iter().position(|other| *other == id).expect("every signal was sent by the history")
    }

    fn place(&self, id: DeliveryId) -> (usize, usize) {
        (self.signal(id.signal), self.receiver(id.receiver))
    }

    fn deliveries(&self, places: &[Place]) -> Vec<DeliveryId> {
        let find = |&(back, receiver): &Place| {
            let signal = *self.signals.iter().rev().nth(back)?;
            Some(DeliveryId { signal, receiver: *self.receivers.get(receiver)? })
        };
        places.iter().filter_map(find).collect()
    }

    fn held(&self, held: Held) -> impl Iterator<Item = &Claimed> {
        self.held.iter().rev().skip(held.back).take(held.many)
    }

    fn named(&self, held: Held) -> Vec<Named> {
        self.held(held).map(|claimed| claimed.held).collect()
    }
}

impl Held {
    /// One alone: what one call puts off comes back at one moment, and then in any order.
    const fn first(self) -> Self {
        Self { many: 1, ..self }
    }
}

/// One send under a key, or all together without.
async fn store_in<B: Backend, S: Signal>(
    tx: &mut TestTx<B>,
    signals: &[S],
    delay: Duration,
    key: Option<u8>,
) -> Result<Vec<Receipt>> {
    match key {
        Some(key) => Ok(vec![signals[0].send(tx).after(delay).idempotency_key(format!("key {key}")).await?]),
        None => send_all(signals, tx).after(delay).await,
    }
}

fn tell<T: Debug>(answer: Result<T>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => tell_error(&error),
    }
}

/// What was decided, and whether the log has a line of it: which number that has is each database's own.
fn tell_decided(answer: Result<Decided>) -> String {
    tell(answer.map(|decided| (decided.verdicts, decided.action.is_some())))
}

/// The kind of an error, and the state that it tells.
fn tell_error(error: &Error) -> String {
    let text = format!("{error:?}");
    let kind = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
    if let Error::WrongState { state, verb, .. } = error { format!("{kind} {verb} {state}") } else { kind }
}
