//! What is measured of one queue. Every clock starts when a worker runs and connections are there, and stops when the database
//! says that nothing is left: or when the time is over, for a queue that would take minutes; what it has done by then counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use signals_cluster::Server;

use crate::meter::{self, TIMED};
use crate::queue::{Place, Queue, Working};

/// How far apart sends are whose start is timed.
const APART: Duration = Duration::from_millis(7);

/// Clients that send facts at once.
pub(crate) const CLIENTS: usize = 8;

/// The longest that the first start of a worker is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long after a piece of work that has not woken a worker the next is sent.
const AGAIN: Duration = Duration::from_secs(1);

/// How often the database is asked whether anything is left, when all has run.
const LOOK: Duration = Duration::from_millis(2);

/// How much of a queue's work was done in which time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) pieces: i64,
    pub(crate) took: Duration,
}

impl Done {
    /// Microseconds for `each` pieces.
    pub(crate) fn micros(self, each: f64) -> f64 {
        self.took.as_secs_f64() * 1e6 * each / self.pieces as f64
    }
}

/// From the first start until nothing of `count` is left.
pub(crate) async fn drain<Q: Queue>(server: &Server, tuned: bool, count: i64, limit: Duration) -> anyhow::Result<Done> {
    let place = Place::new(server).await?;
    let queue = Q::open(&place).await?;
    queue.fill(count, tuned).await?;
    meter::reset();
    let working = queue.work(tuned).await?;
    let done = async {
        let began = first().await?;
        until_done(&queue, count, began, limit).await
    };
    let done = done.await;
    working.stop(Q::NAME).await;
    done
}

/// From the first send of several clients until nothing that they sent is left, for a worker that runs meanwhile. They send
/// at most `facts`, and no longer than `limit`.
pub(crate) async fn fan_out<Q: Queue>(
    server: &Server,
    tuned: bool,
    facts: i64,
    limit: Duration,
) -> anyhow::Result<Done> {
    let place = Place::new(server).await?;
    let queue = Arc::new(Q::open(&place).await?);
    let working = ready(&*queue, tuned).await?;
    meter::reset();
    let began = Instant::now();
    let done = async {
        let sender = Arc::clone(&queue);
        let sent = send(facts, limit, move |number| {
            let sender = Arc::clone(&sender);
            async move { sender.fact(number).await }
        });
        let sent = sent.await?;
        until_done(&*queue, 5 * sent, began, began.elapsed() + limit).await
    };
    let done = done.await;
    working.stop(Q::NAME).await;
    done
}

/// Several clients, each with one `fact` after the other: how many that were.
pub(crate) async fn send<F: Future<Output = anyhow::Result<()>> + Send>(
    facts: i64,
    limit: Duration,
    fact: impl Fn(i64) -> F + Clone + Send + 'static,
) -> anyhow::Result<i64> {
    let began = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let fact = fact.clone();
        clients.spawn(async move {
            let mut sent = 0;
            for number in (client as i64..facts).step_by(CLIENTS) {
                if began.elapsed() > limit {
                    break;
                }
                fact(number).await?;
                sent += 1;
            }
            anyhow::Ok(sent)
        });
    }
    let mut sent = 0;
    while let Some(client) = clients.join_next().await {
        sent += client??;
    }
    Ok(sent)
}

/// From the end of each of `count` commits to the start of its work, in milliseconds, sorted; one client.
pub(crate) async fn starts<Q: Queue>(
    server: &Server,
    tuned: bool,
    count: i64,
    limit: Duration,
) -> anyhow::Result<Vec<f64>> {
    let place = Place::new(server).await?;
    let queue = Q::open(&place).await?;
    let working = ready(&queue, tuned).await?;
    meter::reset();
    let latencies = async {
        let mut committed = Vec::new();
        for number in TIMED..TIMED + count {
            tokio::time::sleep(APART).await;
            queue.one(number).await?;
            committed.push((number, Instant::now()));
        }
        let last = Instant::now();
        while meter::count() < u64::try_from(count)? && last.elapsed() < limit {
            tokio::time::sleep(LOOK).await;
        }
        anyhow::Ok(meter::latencies(&committed))
    };
    let latencies = latencies.await;
    working.stop(Q::NAME).await;
    latencies
}

/// A worker that has worked: it is connected, and its statements are prepared.
async fn ready<Q: Queue>(queue: &Q, tuned: bool) -> anyhow::Result<Working> {
    meter::reset();
    let working = queue.work(tuned).await?;
    let woken = wake(queue).await;
    if let Err(error) = woken {
        working.stop(Q::NAME).await;
        return Err(error);
    }
    Ok(working)
}

/// Sends a piece of work now and then until one has run: a worker that hears of work only through NOTIFY misses what is
/// committed before it listens.
async fn wake<Q: Queue>(queue: &Q) -> anyhow::Result<()> {
    let asked = Instant::now();
    let mut sent = 0;
    while meter::first().is_none() {
        anyhow::ensure!(asked.elapsed() < PATIENCE, "nothing ran in {PATIENCE:?}");
        queue.one(0).await?;
        sent += 1;
        let again = Instant::now() + AGAIN;
        while meter::first().is_none() && Instant::now() < again {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    until_done(queue, sent, asked, PATIENCE).await.map(drop)
}

async fn first() -> anyhow::Result<Instant> {
    let asked = Instant::now();
    loop {
        if let Some(first) = meter::first() {
            return Ok(first);
        }
        anyhow::ensure!(asked.elapsed() < PATIENCE, "nothing ran in {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until nothing of `count` is left, or until `limit` has passed since `began`.
async fn until_done<Q: Queue>(queue: &Q, count: i64, began: Instant, limit: Duration) -> anyhow::Result<Done> {
    while meter::count() < u64::try_from(count)? && began.elapsed() < limit {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    loop {
        // The clock before the look: looking takes longer the more is left.
        let took = began.elapsed();
        let left = queue.left().await?;
        let pieces = count - left;
        if left == 0 || (took >= limit && pieces > 0) {
            return Ok(Done { pieces, took });
        }
        anyhow::ensure!(took < limit + PATIENCE, "nothing of {count} was done in {took:?}");
        tokio::time::sleep(LOOK).await;
    }
}
