//! What operators wait for, on a SQLite file with a million deliveries. Run by `cargo xtask bench operate [--json]`.
//!
//! A million ready deliveries of one receiver, the worst there is for a look-up by signal; beside them a receiver with more
//! completions, dead letters and scheduled retries than are looked at in one page. Every answer has a limit of 100 ms; what
//! is done to many tells how far it is at least as often as its own limit says. Medians of several runs are printed, and the
//! exit code is 1 when a limit is missed.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use signals_conformance::Puppet;
use signals_conformance::harness::{acked, failed, retry_in};
use signals_core::delivery::{DeliveryId, Lane, ReceiverId, SignalId, State};
use signals_core::store::{DeathReason, Fate, Filter, Retention, Span, Store};
use signals_core::{Receiver, Registry, Result, receiver, send_all, signal};
use signals_runtime::operating::Pending;
use signals_runtime::{Signals, SqliteBackend};

/// Ready deliveries of the large lane.
const READY: usize = 1_000_000;
/// Deliveries of the other receiver that are completed, dead or scheduled: each.
const SETTLED: usize = 20_000;
/// How often each verb is measured.
const ROUNDS: usize = 7;
/// What an answer may take, in milliseconds.
const LIMIT: f64 = 100.0;
/// What may lie between two reports of progress, in milliseconds.
const PROGRESS: f64 = 500.0;

/// Something that nobody works on.
#[signal(name = "bench.placed")]
#[derive(Clone, Debug)]
struct Placed {
    order_id: i64,
    amount_cents: i64,
}

/// Something with a past.
#[signal(name = "bench.paid")]
#[derive(Clone, Debug)]
struct Paid {
    order_id: i64,
}

#[receiver(signal = Placed, name = "bench.ship")]
async fn ship(_: &Placed) {}

#[receiver(signal = Paid, name = "bench.mail")]
async fn mail(_: &Paid) {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let json = std::env::args().any(|arg| arg == "--json");
    let folder = tempfile::tempdir()?;
    let registry = Registry::builder().receiver::<ship>().receiver::<mail>().build()?;
    let signals = Signals::new(SqliteBackend::open(folder.path().join("db")).await?).with_registry(registry);
    signals.setup().await?;
    eprintln!("filling a file with {} deliveries", READY + 3 * SETTLED);
    fill(&signals).await?;
    let mut bench = Bench { signals, rows: Vec::new() };
    bench.looks().await?;
    bench.single_deeds().await?;
    bench.many().await?;
    Ok(bench.report(json))
}

/// The deliveries, older ones first: the past of one receiver, then the backlog of the other.
async fn fill(signals: &Signals<SqliteBackend>) -> Result<()> {
    let store = signals.store();
    let paid: Vec<_> = (0..3 * SETTLED as i64).map(|order_id| Paid { order_id }).collect();
    let mut tx = signals.begin().await?;
    send_all(&paid, &mut tx).await?;
    tx.commit().await?;
    let lane = Lane { receiver: id(&*store, <mail as Receiver>::DEF.name).await?, version: 1 };
    let mut puppet = Puppet::enlist(Arc::clone(&store), vec![lane]).await;
    for batch in 0..3 * SETTLED / 1_000 {
        let claimed = puppet.claim(1_000).await;
        let all = |fate| claimed.iter().map(|claimed| failed(claimed, fate)).collect::<Vec<_>>();
        match batch % 3 {
            0 => drop(store.ack(&claimed.iter().map(|claimed| acked(claimed, true)).collect::<Vec<_>>()).await?),
            1 => drop(store.fail(&all(Fate::Dead(DeathReason::Exhausted))).await?),
            _ => drop(store.fail(&all(retry_in(1_000_000))).await?),
        }
    }
    for batch in 0..READY / 50_000 {
        let first = (batch * 50_000) as i64;
        let placed: Vec<_> =
            (first..first + 50_000).map(|order_id| Placed { order_id, amount_cents: order_id * 7 }).collect();
        let mut tx = signals.begin().await?;
        send_all(&placed, &mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn id(store: &dyn Store, name: &str) -> Result<ReceiverId> {
    let receivers = store.receivers().await?;
    Ok(receivers.iter().find(|receiver| receiver.name == name).expect("registered above").id)
}

struct Bench {
    signals: Signals<SqliteBackend>,
    rows: Vec<Row>,
}

/// A line of the table.
struct Row {
    verb: &'static str,
    millis: f64,
    /// What the answer told of, or what was changed.
    rows: usize,
    limit: f64,
}

impl Bench {
    /// Measures `work`, which answers how many rows it was about.
    async fn measure(&mut self, verb: &'static str, mut work: impl AsyncFnMut(usize) -> Result<usize>) -> Result<()> {
        let (mut millis, mut rows) = (Vec::new(), 0);
        for round in 0..ROUNDS {
            let began = Instant::now();
            rows = work(round).await?;
            millis.push(began.elapsed().as_secs_f64() * 1e3);
        }
        self.rows.push(Row { verb, millis: median(millis), rows, limit: LIMIT });
        Ok(())
    }

    async fn looks(&mut self) -> Result<()> {
        let signals = self.signals.clone();
        let look = signals.inspect();
        self.measure("counts", async |_| Ok(look.counts().await?.lanes.len())).await?;
        self.measure("receivers", async |_| Ok(look.receivers().await?.len())).await?;
        self.measure("workers", async |_| Ok(look.workers().await?.len())).await?;
        self.measure("parked", async |_| Ok(look.parked().await?.len())).await?;
        self.measure("trends", async |_| Ok(look.trends(Span::default()).await?.receivers.len())).await?;
        self.measure("actions", async |_| Ok(look.actions(None, 100).await?.len())).await?;
        let newest = look.list(&Filter { limit: 1, ..Filter::default() }).await?.deliveries[0].id;
        self.measure("get", async |_| Ok(look.get(newest).await?.into_iter().count())).await?;
        let middle = DeliveryId { signal: SignalId(newest.signal.0 / 2), ..newest };
        let text = |text: &str| Some(text.to_owned());
        let states = |state| vec![state];
        let all = Filter::default;
        for (verb, filter) in [
            ("list", all()),
            ("list, limit 1,000", Filter { limit: 1_000, ..all() }),
            ("list, from the middle", Filter { after: Some(middle), ..all() }),
            ("list, ready", Filter { states: states(State::Ready), ..all() }),
            ("list, running", Filter { states: states(State::Running), ..all() }),
            ("list, dead", Filter { states: states(State::Dead), ..all() }),
            ("list, receiver", Filter { receiver: text("bench.mail"), ..all() }),
            ("list, signal", Filter { signal: text("bench.paid"), ..all() }),
            ("list, older than an hour", Filter { older_than: Some(Duration::from_secs(3_600)), ..all() }),
            ("list, younger than an hour", Filter { younger_than: Some(Duration::from_secs(3_600)), ..all() }),
            ("list, error", Filter { error: text("nothing says this"), ..all() }),
            ("list, error of the dead", Filter { error: text("OO"), states: states(State::Dead), ..all() }),
        ] {
            self.measure(verb, async |_| Ok(look.list(&filter).await?.deliveries.len())).await?;
        }
        Ok(())
    }

    async fn single_deeds(&mut self) -> Result<()> {
        let signals = self.signals.clone();
        let (look, ops) = (signals.inspect(), signals.operate("bench"));
        let ready = look.list(&Filter { limit: 4 * ROUNDS, ..Filter::default() }).await?.deliveries;
        self.measure("cancel", async |round| ops.cancel(ready[round].id).await.map(|()| 1)).await?;
        self.measure("retry", async |round| ops.retry(ready[round].id).await.map(|()| 1)).await?;
        self.measure("discard", async |round| ops.discard(ready[ROUNDS + round].id).await.map(|()| 1)).await?;
        self.measure("pause", async |_| ops.pause("bench.mail").await.map(usize::from)).await?;
        self.measure("resume", async |_| ops.resume("bench.mail").await.map(usize::from)).await?;
        self.measure("retire", async |_| {
            ops.retire("bench.mail", Pending::Keep).await.map(|retired| usize::from(retired.changed))
        })
        .await?;
        self.measure("restore", async |_| ops.restore("bench.mail").await.map(usize::from)).await?;
        let day = Duration::from_secs(86_400);
        let retention = Retention { done: Duration::ZERO, cancelled: day, dead: None, keys: day };
        let store = signals.store();
        self.measure("prune, a batch", async |_| Ok(store.prune(&retention, 1_000, None).await?.deliveries)).await
    }

    /// What is done to many, by the time between two reports.
    async fn many(&mut self) -> Result<()> {
        let signals = self.signals.clone();
        let ops = signals.operate("bench");
        let backlog = Filter { receiver: Some("bench.ship".to_owned()), ..Filter::default() };
        let dead = Filter { states: vec![State::Dead], receiver: Some("bench.mail".to_owned()), ..Filter::default() };

        let mut reports = Reports::new();
        ops.cancel_all(backlog.clone()).dry_run().on_progress(|tally| reports.note(tally.matched)).await?;
        self.rows.push(reports.row("cancel_all, dry run, to each report"));
        let mut reports = Reports::new();
        ops.retry_all(dead).on_progress(|tally| reports.note(tally.changed)).await?;
        self.rows.push(reports.row("retry_all, to each report"));
        let mut reports = Reports::new();
        ops.cancel_all(backlog).on_progress(|tally| reports.note(tally.changed)).await?;
        self.rows.push(reports.row("cancel_all, to each report"));
        let mut reports = Reports::new();
        let now = Duration::ZERO;
        let retention = Retention { done: now, cancelled: now, dead: None, keys: now };
        ops.prune(retention).on_progress(|pruned| reports.note(pruned.deliveries as u64)).await?;
        self.rows.push(reports.row("prune, to each report"));
        Ok(())
    }

    fn report(&self, json: bool) -> ExitCode {
        if json {
            let row = |row: &Row| {
                let Row { verb, millis, rows, limit } = row;
                format!(r#"{{"verb":"{verb}","millis":{millis:.2},"rows":{rows},"limit":{limit}}}"#)
            };
            let rows: Vec<_> = self.rows.iter().map(row).collect();
            println!(r#"{{"bench":"operate","measured":[{}]}}"#, rows.join(","));
        } else {
            println!("{:38} {:>10} {:>9} {:>7}", "verb", "median ms", "rows", "limit");
            for Row { verb, millis, rows, limit } in &self.rows {
                let missed = if millis > limit { "  MISSED" } else { "" };
                println!("{verb:38} {millis:>10.2} {rows:>9} {limit:>7}{missed}");
            }
        }
        if self.rows.iter().all(|row| row.millis <= row.limit) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// How long after each other the reports of progress came.
struct Reports {
    last: Instant,
    millis: Vec<f64>,
    rows: usize,
}

impl Reports {
    fn new() -> Self {
        Self { last: Instant::now(), millis: Vec::new(), rows: 0 }
    }

    fn note(&mut self, rows: u64) {
        self.millis.push(self.last.elapsed().as_secs_f64() * 1e3);
        self.last = Instant::now();
        self.rows = usize::try_from(rows).unwrap_or(usize::MAX);
    }

    /// By the longest: nobody is left without a word.
    fn row(self, verb: &'static str) -> Row {
        let all: f64 = self.millis.iter().sum();
        eprintln!(
            "{verb}: {} reports, {:.1} s in all, median {:.1} ms",
            self.millis.len(),
            all / 1e3,
            median(self.millis.clone())
        );
        Row { verb, millis: self.millis.into_iter().fold(0.0, f64::max), rows: self.rows, limit: PROGRESS }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
