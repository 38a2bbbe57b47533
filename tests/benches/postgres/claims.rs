//! P4 and P5: how long a claim of a hundred takes, with a thousand deliveries waiting, with a million, and behind rows that
//! are dead while somebody holds the horizon.

use std::sync::Arc;
use std::time::{Duration, Instant};

use signals_core::delivery::{Lane, ReceiverId};
use signals_core::store::{Acked, Claim, ClaimLane, Claimed, Store, WorkerInfo};
use signals_core::token::Tokens;

use crate::bed::{Bed, Pin, Place};
use crate::facts::One;
use crate::series::{Series, quantile};
use crate::{Result, Size, by_hand, fill};

/// Deliveries of one claim.
const BATCH: usize = 100;

/// What waits where it is not said otherwise.
const FEW: usize = 1_000;

/// Claims of each kind.
const CLAIMS: usize = 200;

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    let few = Queue::open(bed, Pin::None, 0, FEW).await?;
    let many = Queue::open(bed, Pin::None, 0, size.backlog).await?;
    let read = Queue::open(bed, Pin::Reader, size.dead, FEW).await?;
    let written = Queue::open(bed, Pin::Writer, size.dead, FEW).await?;
    let mut queues = [
        (format!("{FEW} waiting"), few),
        (format!("{} waiting", size.backlog), many),
        (format!("{} dead rows and a reader", size.dead), read),
        (format!("{} dead rows and an idle writer", size.dead), written),
    ];
    let mut took = vec![Vec::new(); queues.len()];
    for _ in 0..CLAIMS {
        for ((_, queue), took) in queues.iter_mut().zip(&mut took) {
            took.push(queue.turn().await?);
        }
    }
    let mut baseline = None;
    for ((name, _), mut took) in queues.into_iter().zip(took) {
        took.sort_unstable_by(f64::total_cmp);
        let p50 = quantile(&took, 0.5);
        let baseline = *baseline.get_or_insert(p50);
        series.push(format!("claim of {BATCH}, {name}, p50"), "ms", p50);
        series.push(format!("claim of {BATCH}, {name}, p99"), "ms", quantile(&took, 0.99));
        series.push(format!("claim of {BATCH}, {name} / {FEW} waiting, p50"), "x", p50 / baseline);
    }
    Ok(())
}

/// A lane, and who claims from it by hand.
struct Queue {
    place: Place,
    store: Arc<dyn Store>,
    tokens: Tokens,
    lane: Lane,
    _pin: Option<sqlx::PgConnection>,
}

impl Queue {
    /// With so many rows dead below those that wait.
    async fn open(bed: &Bed, pin: Pin, dead: usize, waiting: usize) -> Result<Self> {
        eprintln!("claims: {dead} dead rows, {waiting} deliveries that wait");
        let place = bed.place(3).await?;
        let store = place.signals.store();
        let receiver = ReceiverId(by_hand::receivers(place.pool(), One::RECEIVERS).await?[0]);
        let lane = Lane { receiver, version: 1 };
        let info = WorkerInfo { host: "bench".to_owned(), pid: 1, build: "bench".to_owned(), lanes: vec![lane] };
        let tokens = Tokens::new(store.enlist(&info).await?);
        let pin = pin.hold(&place).await?;
        let mut queue = Self { place, store, tokens, lane, _pin: pin };
        fill::fill(&queue.place.signals, 0, dead, One::new).await?;
        loop {
            let claimed = queue.claim(1_000).await?;
            if claimed.is_empty() {
                break;
            }
            queue.ack(&claimed).await?;
        }
        fill::fill(&queue.place.signals, 0, waiting, One::new).await?;
        Ok(queue)
    }

    /// A claim, in milliseconds; what it took is finished, and as much is sent.
    async fn turn(&mut self) -> Result<f64> {
        let began = Instant::now();
        let claimed = self.claim(BATCH).await?;
        let took = began.elapsed().as_secs_f64() * 1e3;
        if claimed.len() < BATCH / 2 {
            return Err(format!("only {} of {BATCH} could be claimed", claimed.len()).into());
        }
        self.ack(&claimed).await?;
        fill::fill(&self.place.signals, 0, claimed.len(), One::new).await?;
        Ok(took)
    }

    async fn claim(&mut self, limit: usize) -> Result<Vec<Claimed>> {
        let token = self.tokens.draw().ok_or("no token is left")?;
        let lanes = vec![ClaimLane { lane: self.lane, limit }];
        let lease = Duration::from_secs(20);
        let claim = Claim { token, lease, lanes, limit, steal: true, suspect: true };
        Ok(self.store.claim(&claim).await?.claimed)
    }

    async fn ack(&self, claimed: &[Claimed]) -> Result {
        let acked = |claimed: &Claimed| Acked { held: claimed.held, ran: Duration::from_millis(1), keep: false };
        self.store.ack(&claimed.iter().map(acked).collect::<Vec<_>>()).await?;
        Ok(())
    }
}
