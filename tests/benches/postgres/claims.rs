//! P4 and P5: how long a claim of a hundred takes, with a thousand deliveries waiting, with a million, and behind rows that
//! are dead while somebody holds the horizon.

use std::time::Instant;

use crate::bed::{Bed, Pin, Place};
use crate::facts::One;
use crate::hand::Hand;
use crate::series::{PARTS, Series, quantile};
use crate::{Result, Size, fill};

/// Deliveries of one claim.
const BATCH: usize = 100;

/// What waits where it is not said otherwise.
const FEW: usize = 1_000;

/// Claims of each kind.
const CLAIMS: usize = 200;

pub(crate) async fn measure(bed: &Bed, size: Size, series: &mut Series) -> Result {
    let mut queues = Vec::new();
    for (name, pin, dead, waiting) in [
        (format!("{FEW} waiting"), Pin::None, 0, FEW),
        (format!("{} waiting", size.backlog), Pin::None, 0, size.backlog),
        (format!("{} dead rows and a reader", size.dead), Pin::Reader, size.dead, FEW),
        (format!("{} dead rows and an idle writer", size.dead), Pin::Writer, size.dead, FEW),
    ] {
        eprintln!("claims: makes a queue with {name} ({} of 4)", queues.len() + 1);
        queues.push((name, Queue::open(bed, pin, dead, waiting).await?));
    }
    eprintln!("claims: {CLAIMS} from each in turn");
    let mut took = vec![Vec::new(); queues.len()];
    for _ in 0..CLAIMS {
        for ((_, queue), took) in queues.iter_mut().zip(&mut took) {
            took.push(queue.turn().await?);
        }
    }
    let mut baseline = None;
    for ((name, queue), mut took) in queues.into_iter().zip(took) {
        took.sort_unstable_by(f64::total_cmp);
        let p50 = quantile(&took, 0.5);
        let baseline = *baseline.get_or_insert(p50);
        for (part, of) in PARTS {
            series.push(format!("claim of {BATCH}, {name}, {part}"), "ms", quantile(&took, of));
        }
        series.push(format!("claim of {BATCH}, {name} / {FEW} waiting, p50"), "x", p50 / baseline);
        series.push(format!("claim of {BATCH}, {name}, dead rows at the end"), "rows", queue.place.dead_rows().await?);
    }
    Ok(())
}

/// A lane with something in it, and who claims from it.
struct Queue {
    place: Place,
    hand: Hand,
    _pin: Option<sqlx::PgConnection>,
}

impl Queue {
    /// With so many rows dead below those that wait.
    async fn open(bed: &Bed, pin: Pin, dead: usize, waiting: usize) -> Result<Self> {
        let place = bed.place(3).await?;
        let hand = Hand::of(&place.signals).await?;
        let pin = pin.hold(&place).await?;
        let mut queue = Self { place, hand, _pin: pin };
        fill::fill(&queue.place.signals, 0, dead, One::new).await?;
        loop {
            let claimed = queue.hand.claim(1_000).await?;
            if claimed.is_empty() {
                break;
            }
            queue.hand.ack(&claimed, false).await?;
        }
        fill::fill(&queue.place.signals, 0, waiting, One::new).await?;
        Ok(queue)
    }

    /// A claim, in milliseconds; what it took is finished, and as much is sent.
    async fn turn(&mut self) -> Result<f64> {
        let began = Instant::now();
        let claimed = self.hand.claim(BATCH).await?;
        let took = began.elapsed().as_secs_f64() * 1e3;
        if claimed.len() < BATCH / 2 {
            return Err(format!("only {} of {BATCH} could be claimed", claimed.len()).into());
        }
        self.hand.ack(&claimed, false).await?;
        fill::fill(&self.place.signals, 0, claimed.len(), One::new).await?;
        Ok(took)
    }
}
