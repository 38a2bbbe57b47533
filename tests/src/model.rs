//! Random histories: the backend under test must answer and show, step by step, what the reference model does.
//!
//! The one module that names a concrete backend: [`Model`] is the memory backend, which is not so much tested here as the
//! measure. Each history is drawn from a fixed seed, so a red one stays red.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use signals_core::clock::ManualClock;
use signals_core::delivery::{DeliveryId, ReceiverId, SignalId};
use signals_core::store::{Claimed, DeathReason, Fate, Filter, Retention, Snoozed};
use signals_core::{Error, ReceiverDef, Result, Signal};
use signals_runtime::MemoryBackend;
use signals_runtime::backend::memory::MemoryConn;

use crate::fixtures::{DISPATCH, MAIL, PaidV2, SHIP, paid};
use crate::harness::acked;
use crate::{App, Db, Harness, Puppet};

/// The reference model.
#[derive(Debug)]
pub struct Model(MemoryBackend);

impl Harness for Model {
    type Backend = MemoryBackend;

    async fn open(clock: ManualClock) -> Self {
        Self(MemoryBackend::with_clock(Arc::new(clock)))
    }

    fn backend(&self) -> &MemoryBackend {
        &self.0
    }

    async fn write(conn: &mut MemoryConn, key: &str, value: &str) -> Result<()> {
        conn.put(key, value);
        Ok(())
    }

    async fn read(&self, key: &str) -> Option<String> {
        self.0.committed(key)
    }

    async fn commit_and_begin(conn: &mut MemoryConn) -> Result<bool> {
        conn.commit_and_begin();
        Ok(true)
    }
}

/// I2: a history of sends, claims and failures.
pub async fn i2_a_history_ends_as_in_the_model<H: Harness>(db: Db<H>) {
    compare(db, 1, 250).await;
}

/// I2: another.
pub async fn i2_another_history_ends_as_in_the_model<H: Harness>(db: Db<H>) {
    compare(db, 2, 250).await;
}

/// I2: and a third.
pub async fn i2_a_third_history_ends_as_in_the_model<H: Harness>(db: Db<H>) {
    compare(db, 3, 250).await;
}

/// Which receivers a program links, as one of them is renamed and rolled back. No merges: where settled deliveries of a
/// receiver that was merged stay is each backend's own.
static BUILDS: [&[&ReceiverDef]; 2] = [&[&SHIP, &MAIL], &[&DISPATCH, &MAIL]];

/// One step. Indexes count what either side has seen, so they mean the same on both.
#[derive(Clone, Debug)]
enum Step {
    Send { order: i64, delay: Duration, key: Option<u8>, second_version: bool, commit: bool },
    Claim { worker: usize, limit: usize, steal: bool, suspect: bool },
    Renew(usize),
    Ack { held: usize, keep: bool },
    AckInTransaction { held: usize, commit: bool },
    Fail { held: usize, fate: Fate },
    Snooze { held: usize, delay: Duration },
    Release(usize),
    Cancel(usize, usize),
    Discard(usize, usize),
    Retry(usize, usize),
    Pause(usize, bool),
    Deploy(usize),
    Advance(u64),
    Prune(u64),
    Forget(u64),
}

impl Step {
    fn draw(rng: &mut Rng, signals: usize, held: usize) -> Self {
        let delivery = |rng: &mut Rng| (rng.usize(0..signals.max(1)), rng.usize(0..2));
        // What was claimed lately is more interesting than what was claimed long ago.
        let recent = |rng: &mut Rng| held.saturating_sub(1 + rng.usize(0..6));
        match rng.u8(0..40) {
            0..=8 => Self::Send {
                order: rng.i64(0..3),
                delay: if rng.bool() { Duration::ZERO } else { later(rng) },
                key: (rng.u8(0..4) == 0).then(|| rng.u8(0..3)),
                second_version: rng.u8(0..5) == 0,
                commit: rng.u8(0..6) != 0,
            },
            9..=15 => {
                Self::Claim { worker: rng.usize(0..3), limit: rng.usize(0..6), steal: rng.bool(), suspect: rng.bool() }
            }
            16..=17 => Self::Renew(recent(rng)),
            18..=19 => Self::Ack { held: recent(rng), keep: rng.bool() },
            20..=21 => Self::AckInTransaction { held: recent(rng), commit: rng.bool() },
            22..=24 => Self::Fail {
                held: recent(rng),
                fate: if rng.u8(0..3) == 0 {
                    Fate::Dead(DeathReason::Exhausted)
                } else {
                    Fate::Retry { delay: later(rng) }
                },
            },
            25 => Self::Snooze { held: recent(rng), delay: later(rng) },
            26..=27 => Self::Release(recent(rng)),
            28 => {
                let (signal, receiver) = delivery(rng);
                Self::Cancel(signal, receiver)
            }
            29 => {
                let (signal, receiver) = delivery(rng);
                Self::Discard(signal, receiver)
            }
            30..=31 => {
                let (signal, receiver) = delivery(rng);
                Self::Retry(signal, receiver)
            }
            32 => Self::Pause(rng.usize(0..2), rng.u8(0..3) == 0),
            33 => Self::Deploy(rng.usize(0..BUILDS.len())),
            34..=37 => Self::Advance(rng.u64(0..40)),
            38 => Self::Prune(rng.u64(0..300)),
            _ => Self::Forget(rng.u64(0..300)),
        }
    }
}

/// Within a minute or so, and never twice the same: in which order two that are due together come is not promised.
fn later(rng: &mut Rng) -> Duration {
    Duration::from_micros(rng.u64(1..90_000_000))
}

async fn compare<H: Harness>(db: Db<H>, seed: u64, steps: usize) {
    let mut model = Side::open(Db::<Model>::open().await).await;
    let mut real = Side::open(db).await;
    let mut rng = Rng::with_seed(seed);
    let mut history = Vec::new();
    for _ in 0..steps {
        let step = Step::draw(&mut rng, model.signals.len(), model.held.len());
        history.push(step.clone());
        let (expected, got) = (model.take(&step).await, real.take(&step).await);
        let told =
            || format!("seed {seed}, step {}: {:#?}", history.len(), &history[history.len().saturating_sub(5)..]);
        assert_eq!(got, expected, "the answer differs from the model's after {}", told());
        let (expected, got) = (model.show().await, real.show().await);
        for (got, expected) in got.iter().zip(&expected) {
            assert_eq!(got, expected, "what is shown differs from the model after {}", told());
        }
        assert_eq!(got.len(), expected.len(), "more or less is shown than by the model after {}", told());
    }
}

/// One of the two databases, with everything that a history refers to.
struct Side<X: Harness> {
    db: Db<X>,
    app: App<X>,
    workers: Vec<Puppet>,
    signals: Vec<SignalId>,
    receivers: Vec<ReceiverId>,
    held: Vec<Claimed>,
}

impl<X: Harness> Side<X> {
    async fn open(db: Db<X>) -> Self {
        let app = db.program(BUILDS[0]);
        let mut side =
            Self { db, app, workers: Vec::new(), signals: Vec::new(), receivers: Vec::new(), held: Vec::new() };
        side.deploy(BUILDS[0]).await;
        for _ in 0..3 {
            side.workers.push(side.app.puppet().await);
        }
        side
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
        let lanes = self.app.puppet().await.lanes;
        self.workers.iter_mut().for_each(|worker| worker.lanes.clone_from(&lanes));
        let ids: Vec<_> = registered.ids.iter().map(|(name, id)| (*name, self.receiver(*id))).collect();
        format!("{ids:?} merged {:?} retired {:?}", registered.merged, registered.retired)
    }

    fn receiver(&self, id: ReceiverId) -> usize {
        self.receivers.iter().position(|other| *other == id).expect("every receiver was registered by the history")
    }

    fn signal(&self, id: SignalId) -> usize {
        self.signals.iter().position(|other| *other == id).expect("every signal was sent by the history")
    }

    fn delivery(&self, signal: usize, receiver: usize) -> Option<DeliveryId> {
        Some(DeliveryId { signal: *self.signals.get(signal)?, receiver: *self.receivers.get(receiver)? })
    }

    /// Takes the step and says what was answered, in words that do not depend on ids.
    async fn take(&mut self, step: &Step) -> String {
        let store = self.db.store.clone();
        match *step {
            Step::Send { order, delay, key, second_version, commit } => {
                let signal = PaidV2 { order: order.to_string() };
                if second_version {
                    self.send(&signal, delay, key, commit).await
                } else {
                    self.send(&paid(order), delay, key, commit).await
                }
            }
            Step::Claim { worker, limit, steal, suspect } => {
                let change = |claim: &mut signals_core::store::Claim| (claim.steal, claim.suspect) = (steal, suspect);
                let claims = self.workers[worker].claim_with(limit, change).await;
                let mut told = String::new();
                for claimed in &claims.claimed {
                    let DeliveryId { signal, receiver } = claimed.held.delivery;
                    let place = (self.signal(signal), self.receiver(receiver), claimed.held.life);
                    let _ = write!(told, "{place:?} {:?} {:?};", claimed.counters, claimed.signal.payload);
                }
                let mut lost: Vec<_> = claims
                    .lost
                    .iter()
                    .map(|lost| {
                        (
                            self.signal(lost.delivery.signal),
                            self.receiver(lost.delivery.receiver),
                            lost.lost_leases,
                            lost.dead,
                        )
                    })
                    .collect();
                lost.sort_unstable();
                self.held.extend(claims.claimed);
                format!("{told} lost {lost:?}")
            }
            Step::Deploy(build) => self.deploy(BUILDS[build]).await,
            Step::Advance(seconds) => {
                self.db.advance(seconds);
                String::new()
            }
            Step::Cancel(signal, receiver) => match self.delivery(signal, receiver) {
                Some(id) => tell(self.db.cancel(id, "ops").await),
                None => String::new(),
            },
            Step::Discard(signal, receiver) => match self.delivery(signal, receiver) {
                Some(id) => tell(self.db.discard(id, "ops").await),
                None => String::new(),
            },
            Step::Retry(signal, receiver) => match self.delivery(signal, receiver) {
                Some(id) => tell(self.db.retry(id, "ops").await),
                None => String::new(),
            },
            Step::Pause(receiver, paused) => match self.receivers.get(receiver) {
                Some(id) => tell(self.db.pause(*id, paused).await),
                None => String::new(),
            },
            Step::Prune(seconds) => {
                let keep = Duration::from_secs(seconds);
                let retention = Retention { done: keep, cancelled: keep * 2, dead: None, keys: keep * 3 };
                tell(store.prune(&retention, 1_000, None).await)
            }
            Step::Forget(seconds) => tell(store.forget(Duration::from_secs(seconds), 1_000).await),
            Step::Renew(held)
            | Step::Release(held)
            | Step::Ack { held, .. }
            | Step::AckInTransaction { held, .. }
            | Step::Fail { held, .. }
            | Step::Snooze { held, .. } => match self.held.get(held).cloned() {
                Some(claimed) => self.finish(step, &claimed).await,
                None => String::new(),
            },
        }
    }

    async fn finish(&self, step: &Step, claimed: &Claimed) -> String {
        let puppet = &self.workers[0];
        match *step {
            Step::Renew(_) => format!("{:?}", puppet.renew(claimed).await),
            Step::Release(_) => format!("{:?}", puppet.release(claimed).await),
            Step::Ack { keep, .. } => tell(self.db.store.ack(&[acked(claimed, keep)]).await),
            Step::Fail { fate, .. } => format!("{:?}", puppet.fail(claimed, fate).await),
            Step::Snooze { delay, .. } => tell(self.db.store.snooze(&[Snoozed { held: claimed.held, delay }]).await),
            _ => {
                let commit = matches!(step, Step::AckInTransaction { commit: true, .. });
                let mut tx = self.app.begin().await;
                tx.fence().await;
                let answer = tx.ack(claimed).await;
                if commit && answer.is_ok() {
                    tx.commit().await.expect("commits");
                } else {
                    tx.rollback().await;
                }
                tell(answer)
            }
        }
    }

    async fn send<S: Signal>(&mut self, signal: &S, delay: Duration, key: Option<u8>, commit: bool) -> String {
        let mut tx = self.app.begin().await;
        let mut sending = signal.send(&mut tx).after(delay);
        if let Some(key) = key {
            sending = sending.idempotency_key(format!("key {key}"));
        }
        let receipt = match sending.await {
            Ok(receipt) => receipt,
            Err(error) => {
                tx.rollback().await;
                return tell_error(&error);
            }
        };
        if !commit {
            tx.rollback().await;
            return format!("{} {}", receipt.deliveries, receipt.repeated);
        }
        tx.commit().await.expect("commits");
        if !receipt.repeated {
            self.signals.push(receipt.signal_id);
        }
        format!("{} {} {}", self.signal(receipt.signal_id), receipt.deliveries, receipt.repeated)
    }

    /// Everything that an operator sees, in words that do not depend on ids.
    async fn show(&self) -> Vec<String> {
        let filter = Filter { limit: Filter::MOST, ..Filter::default() };
        let mut shown = Vec::new();
        for delivery in self.db.store.list(&filter).await.expect("lists").deliveries {
            let place = (self.signal(delivery.id.signal), self.receiver(delivery.id.receiver));
            let worker = delivery
                .worker
                .map(|worker| self.workers.iter().position(|known| known.tokens.incarnation() == worker));
            let detail = self.db.get(delivery.id).await;
            let attempts: Vec<_> = detail
                .attempts
                .iter()
                .map(|attempt| (attempt.life, attempt.attempt, attempt.outcome, attempt.ended_at))
                .collect();
            shown.push(format!(
                "{place:?} v{} {} {} {} life {} {:?} due {:?} {worker:?} until {:?} settled {:?} {:?} {:?} {attempts:?} {:?}",
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
        for lane in self.db.store.counts().await.expect("counts").lanes {
            let counts = [lane.ready, lane.scheduled, lane.running, lane.done, lane.dead, lane.cancelled];
            // Not `oldest`: a database may look for it among the first of a lane alone.
            shown.push(format!("{} v{} {counts:?}", lane.receiver, lane.lane.version));
        }
        shown
    }
}

fn tell<T: std::fmt::Debug>(answer: Result<T>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => tell_error(&error),
    }
}

/// The kind of an error, and the state that it tells.
fn tell_error(error: &Error) -> String {
    let text = format!("{error:?}");
    let kind = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
    if let Error::WrongState { state, verb, .. } = error { format!("{kind} {verb} {state}") } else { kind }
}
