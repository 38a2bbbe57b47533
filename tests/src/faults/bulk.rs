//! The tales of deeds on many deliveries, past their first batch: each batch is one transaction, its count in the log included.

use signals_core::delivery::State;
use signals_core::store::{Filter, LaneCounts, Verb};
use signals_core::{Result, Signal as _, send_all};
use signals_runtime::Signals;
use signals_runtime::defaults::PRUNE_BATCH;

use super::look::until_still;
use super::receivers::{MAIL, Ordered, POST, linking};
use super::story::NOTHING;
use super::{Ground, Story};

/// With two receivers for each, a few more deliveries than one transaction changes, of whichever deed.
const ORDERS: i64 = 525;

/// What one of these deeds does to deliveries.
struct Deed {
    verb: Verb,
    from: &'static [State],
    /// None: nowhere.
    to: Option<State>,
    /// How many one transaction changes.
    batch: u64,
    /// What the log counts beside deliveries.
    keys: u64,
}

/// How far it is, as everybody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Progress {
    left: u64,
    /// Where they are now, if they are anywhere.
    arrived: Option<u64>,
    /// How many the log counts, and in how many lines.
    counted: u64,
    lines: usize,
}

impl<G: Ground> Story<G> {
    /// T10.
    pub(super) async fn cancel_all(&self) {
        let signals = self.receivers_of_many().await;
        self.send_many(&signals).await;
        let ops = signals.operate("ops");
        let (from, to) = (&[State::Ready], Some(State::Cancelled));
        let cancel = Deed { verb: Verb::Cancel, from, to, batch: G::BATCH, keys: 0 };
        self.in_batches(cancel, async || ops.cancel_all(Filter::default()).await.map(drop)).await;
    }

    /// T11.
    pub(super) async fn retry_all(&self) {
        let signals = self.receivers_of_many().await;
        self.send_many(&signals).await;
        let ops = signals.operate("ops");
        self.aside(async || ops.cancel_all(Filter::default()).await.map(drop)).await;
        let (from, to) = (&[State::Cancelled], Some(State::Ready));
        let retry = Deed { verb: Verb::Retry, from, to, batch: G::BATCH, keys: 0 };
        self.in_batches(retry, async || ops.retry_all(Filter::default()).await.map(drop)).await;
    }

    /// T12: of what was cancelled, of what was done, and of a key.
    pub(super) async fn prune_all(&self) {
        let signals = self.receivers_of_many().await;
        self.aside(async || {
            let mut tx = signals.begin().await?;
            Ordered { number: 0 }.send(&mut tx).idempotency_key("order 0").await?;
            tx.commit().await
        })
        .await;
        self.drain(&signals).await;
        self.send_many(&signals).await;
        let ops = signals.operate("ops");
        self.aside(async || ops.cancel_all(Filter::default()).await.map(drop)).await;
        let from = &[State::Done, State::Cancelled];
        let prune = Deed { verb: Verb::Prune, from, to: None, batch: PRUNE_BATCH as u64, keys: 1 };
        self.in_batches(prune, async || ops.prune(NOTHING).await.map(drop)).await;
    }

    /// A program that has registered two receivers of one signal, uncounted.
    async fn receivers_of_many(&self) -> Signals<G::Backend> {
        let signals = Signals::new(self.ground.backend().clone()).with_registry(linking(vec![&POST, &MAIL]));
        self.aside(async || signals.register().await).await;
        signals
    }

    /// Many that wait, uncounted.
    async fn send_many(&self, signals: &Signals<G::Backend>) {
        let orders: Vec<_> = (1..=ORDERS).map(|number| Ordered { number }).collect();
        self.aside(async || {
            let mut tx = signals.begin().await?;
            send_all(&orders, &mut tx).await?;
            tx.commit().await
        })
        .await;
    }

    /// Begins a deed again until it is told as done. Whatever is cut, what has changed by then are whole batches, the log counts
    /// each of them once, in one line for each time that something changed; and a repetition does the rest, and no more.
    async fn in_batches(&self, of: Deed, mut deed: impl AsyncFnMut() -> Result<()>) {
        let see = async || self.progress(&of).await;
        let before = see().await;
        let (mut first, all) = (Some(before), before.left);
        assert!(all > of.batch, "one batch shows nothing");
        self.in_turn(&of.verb.to_string(), async |_| {
            let was = match first.take() {
                Some(before) => before,
                None => until_still(&see).await,
            };
            let told = deed().await;
            let is = until_still(&see).await;
            let changed = all - is.left;
            assert_eq!(is.arrived.unwrap_or(changed), changed, "I2: each is in one place, {is:?}");
            let counted = changed..=changed + of.keys;
            assert!(counted.contains(&is.counted), "T10, T12: the log counts each that has changed once, {is:?}");
            let lines = usize::from(is.left < was.left);
            assert_eq!(is.lines - was.lines, lines, "T10, T12: one line for all of it, {is:?}");
            match &told {
                Ok(()) => assert_eq!((is.left, is.counted), (0, all + of.keys), "all of it, {is:?}"),
                Err(error) => {
                    let is_whole = is.left == 0 || (was.left - is.left).is_multiple_of(of.batch);
                    assert!(is_whole, "whole batches, {was:?}, {is:?}: {error}");
                }
            }
            told
        })
        .await;
        let done = see().await;
        self.aside(async || deed().await).await;
        assert_eq!(see().await, done, "nothing is left to do");
    }

    async fn progress(&self, of: &Deed) -> Progress {
        let direct = self.ground.direct().inspect();
        let lanes = direct.counts().await.expect("nobody is in the judge's way").lanes;
        let all = |state| -> u64 { lanes.iter().map(|lane| in_state(lane, state)).sum() };
        let actions = direct.actions(None, Filter::MOST).await.expect("nobody is in the judge's way");
        let lines: Vec<_> = actions.iter().filter(|action| action.verb == of.verb.to_string()).collect();
        Progress {
            left: of.from.iter().map(|&state| all(state)).sum(),
            arrived: of.to.map(all),
            counted: lines.iter().map(|action| action.count).sum(),
            lines: lines.len(),
        }
    }
}

/// How many of a lane stand so, and are due.
fn in_state(lane: &LaneCounts, state: State) -> u64 {
    match state {
        State::Ready => lane.ready.0,
        State::Running => lane.running.0,
        State::Done => lane.done.0,
        State::Dead => lane.dead.0,
        State::Cancelled => lane.cancelled.0,
    }
}
