//! A receiver that sends what it receives, for ever: E13.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::time::Duration;

use signals_core::delivery::{DeliveryId, State};
use signals_core::payload::decode;
use signals_core::store::{Filter, LaneCounts};
use signals_core::{
    Body, BoxFuture, Context, FromContext, Headers, Location, Receiver, ReceiverDef, RunError, Signal as _,
};
use signals_runtime::Tx;

use crate::fixtures::{Paid, Refunded, paid};
use crate::stage::{Bystander, Stage, Theatre, until};
use crate::{Db, Harness};

/// How many loops there are: more than a worker claims ahead, so that there is always one that could be claimed.
const CHAINS: usize = 80;

/// How many of its attempts may begin before something else that was sent: what was claimed already, and what begins while the
/// worker learns of it.
const IN_FRONT: usize = 60;

/// A receiver of [`Paid`] that sends it again.
#[derive(Debug)]
struct Endless<H>(PhantomData<H>);

impl<H: Harness> Receiver for Endless<H> {
    type Signal = Paid;
    const DEF: &'static ReceiverDef = &ReceiverDef::new::<Self>(
        "stage.endless",
        Location { module: module_path!(), file: file!(), line: line!() },
        Body::Async(again::<H>),
    )
    .declare(|needs| {
        needs.state::<Stage>();
        <Tx<H::Backend> as FromContext>::declare(needs);
    });
}

fn again<'a, H: Harness>(bytes: &'a [u8], context: &'a Context) -> BoxFuture<'a, Result<(), RunError>> {
    Box::pin(async move {
        let order: Paid = decode(bytes, usize::MAX).map_err(RunError::Undecodable)?;
        Stage::note(context);
        // tidy: not a wait: it is the work
        tokio::time::sleep(Duration::from_millis(5)).await;
        let mut tx = Tx::<H::Backend>::from_context(context).map_err(RunError::Extract)?;
        order.send(&mut tx).await.map(drop).map_err(|error| RunError::Failed(error.into()))
    })
}

/// E13: nothing stops a receiver that sends its own signal again, but it starves nobody, each of its signals names the one before
/// and the first, and what is counted never comes to rest, until somebody pauses it.
pub async fn e13_a_receiver_that_sends_its_own_signal_starves_nobody_and_is_seen<H: Harness>(db: Db<H>) {
    let endless = Endless::<H>::DEF;
    let theatre = Theatre::open(&db, &[endless, Bystander::DEF], []).await;
    let worker = theatre.worker().concurrency(1).build().expect("the worker lacks nothing");
    let called = |name: &str| theatre.stage.calls().iter().filter(|call| call.receiver == name).count();
    let story = async {
        let mut tx = theatre.signals.begin().await.expect("a transaction can begin");
        signals_runtime::send_all(&(0..CHAINS as i64).map(paid).collect::<Vec<_>>(), &mut tx).await.expect("sends");
        tx.commit().await.expect("commits");
        until("the loops turn", async || called(endless.name) > CHAINS).await;
        theatre.send(&Refunded { order: 7 }).await;
        let at_send = called(endless.name);
        let starved = || called(endless.name) > at_send + IN_FRONT;
        until("the other starts, or starves", async || called(Bystander::DEF.name) > 0 || starved()).await;
        assert_eq!(called(Bystander::DEF.name), 1, "{IN_FRONT} turns of the loops were in front");
        let lane = counted(&theatre, endless).await;
        assert_eq!(lane.ready.0 + lane.running.0, CHAINS as u64, "each turn leaves one: {lane:?}");
        theatre.signals.operate("ada").pause(endless.name).await.expect("pauses");
        until("the loops stand", async || counted(&theatre, endless).await.ready.0 == CHAINS as u64).await;
    };
    worker.run_until(story).await.expect("runs");
    assert_chains(&theatre, endless).await;
}

async fn counted<H: Harness>(theatre: &Theatre<H>, receiver: &ReceiverDef) -> LaneCounts {
    let counts = theatre.signals.inspect().counts().await.expect("counts");
    counts.lanes.into_iter().find(|lane| lane.receiver == receiver.name).expect("every receiver is counted")
}

/// From each delivery that waits back to the first of its chain.
async fn assert_chains<H: Harness>(theatre: &Theatre<H>, receiver: &ReceiverDef) {
    let states = vec![State::Ready];
    let filter = Filter { receiver: Some(receiver.name.to_owned()), states, ..Filter::default() };
    let waiting = theatre.signals.inspect().list(&filter).await.expect("lists").deliveries;
    assert_eq!(waiting.len(), CHAINS);
    let mut firsts = BTreeSet::new();
    for delivery in waiting {
        let mut id = delivery.id;
        let mut claimed_first = None;
        while let Headers { causation: Some(cause), correlation, .. } = headers(theatre, id).await {
            assert!(claimed_first.is_none() || claimed_first == correlation, "{id} is of the same chain");
            claimed_first = correlation;
            id.signal = cause;
        }
        assert_eq!(claimed_first, Some(id.signal), "{} is not the first", delivery.id);
        firsts.insert(id.signal);
    }
    assert_eq!(firsts.len(), CHAINS, "each chain is one of its own");
}

async fn headers<H: Harness>(theatre: &Theatre<H>, id: DeliveryId) -> Headers {
    theatre.db.get(id).await.signal.expect("not forgotten").headers
}
