//! `shop status`, and the table of deliveries that the story ends with.

use anyhow::Result;
use base::{Shop, say};
use serde_json::{Value, json};
use signals_runtime::clock::{Timestamp, micros};
use signals_runtime::delivery::{Lane, ReceiverId};
use signals_runtime::operating::Parked;
use signals_runtime::store::{
    AttemptRecord, Bucket, Count, DeliveryDetail, DeliverySummary, Filter, LaneCounts, ReceiverInfo, Span, Trends,
    WorkerRecord,
};

use crate::ops::ago;
use crate::table::Table;

/// Prints receivers, what is parked, the last hour, and workers.
pub(crate) async fn show(shop: &Shop, json: bool) -> Result<()> {
    let look = shop.inspect();
    let now = base::now(shop).await?;
    let (lanes, receivers) = (look.counts().await?.lanes, look.receivers().await?);
    let (parked, trends) = (look.parked().await?, look.trends(Span::default()).await?);
    let workers = look.workers().await?;
    if json {
        let all = json!({
            "receivers": lanes.iter().map(|lane| lane_json(lane, &receivers, &parked)).collect::<Vec<_>>(),
            "trends": trends_json(&trends),
            "workers": workers.iter().map(|worker| worker_json(worker, &receivers)).collect::<Vec<_>>(),
        });
        say!("{all:#}");
        return Ok(());
    }
    say!("{}", lanes_table(&lanes, &receivers, &parked, now));
    say!("\n{}", trends_table(&trends));
    say!("\n{}", workers_table(&workers, &receivers, now));
    Ok(())
}

/// The newest deliveries with their failed attempts, newest signal first.
pub(crate) async fn deliveries(shop: &Shop, limit: usize) -> Result<Vec<DeliveryDetail>> {
    let page = shop.inspect().list(&Filter { limit, ..Filter::default() }).await?;
    let mut details = Vec::with_capacity(page.deliveries.len());
    for summary in page.deliveries {
        details.extend(shop.inspect().get(summary.id).await?); // one that was pruned meanwhile is not shown
    }
    Ok(details)
}

/// Deliveries as a table, with their failed attempts beneath each.
pub(crate) fn deliveries_table(deliveries: &[DeliveryDetail], indent: usize) -> Table<7> {
    let headings = ["delivery", "signal", "receiver", "state", "attempts", "failed", "lost leases"];
    let mut table = Table::new(indent, headings);
    for DeliveryDetail { summary, attempts, .. } in deliveries {
        let state = match summary.death {
            Some(reason) => format!("{} ({reason})", summary.state),
            None => summary.state.to_string(),
        };
        table.row([
            summary.id.to_string(),
            summary.signal.clone(),
            summary.receiver.clone(),
            state,
            summary.counters.attempt.to_string(),
            attempts.len().to_string(),
            summary.counters.lost_leases.to_string(),
        ]);
        for attempt in attempts {
            let life = if summary.life > 0 { format!("life {}, ", attempt.life) } else { String::new() };
            table.note(format!("{life}attempt {}: {}", attempt.attempt, attempt.error));
        }
    }
    table
}

fn lanes_table(lanes: &[LaneCounts], receivers: &[ReceiverInfo], parked: &[Parked], now: Timestamp) -> Table<10> {
    let headings =
        ["receiver", "signal", "version", "ready", "due since", "later", "running", "done", "dead", "cancelled"];
    let mut table = Table::new(0, headings);
    for lane in lanes {
        let [ready, later, running, done, dead, cancelled] =
            [lane.ready, lane.scheduled, lane.running, lane.done, lane.dead, lane.cancelled]
                .map(|count| count.to_string());
        let since = lane.due_since.map_or_else(|| "-".to_owned(), |since| ago(now, since));
        let (receiver, signal, version) = (lane.receiver.clone(), lane.signal.clone(), lane.lane.version.to_string());
        table.row([receiver, signal, version, ready, since, later, running, done, dead, cancelled]);
        let info = receivers.iter().find(|receiver| receiver.id == lane.lane.receiver);
        if info.is_some_and(|receiver| receiver.paused) {
            table.note("paused: its deliveries wait until `shop resume`".to_owned());
        }
        if info.is_some_and(|receiver| receiver.retired) {
            table.note("retired: sends pass it by until `shop restore`".to_owned());
        }
        if let Some(parked) = parked.iter().find(|parked| parked.lane.lane == lane.lane) {
            table.note(format!("parked: {parked}"));
        }
    }
    table
}

/// What each receiver did within the last hour, in all; `--json` has every bucket.
fn trends_table(trends: &Trends) -> Table<3> {
    let mut table = Table::new(0, ["in the last hour", "done", "failed attempts"]);
    for trend in &trends.receivers {
        let sum = |count: fn(&Bucket) -> Count| {
            let counts = trend.buckets.iter().map(count);
            // One bucket beyond its bound makes the sum a lower bound, too.
            let more = counts.clone().any(Count::is_exceeded);
            let sum: u64 = counts.map(|count| count.0.min(Count::BOUND)).sum();
            format!("{sum}{}", if more { "+" } else { "" })
        };
        table.row([trend.name.clone(), sum(|bucket| bucket.done), sum(Bucket::failures)]);
    }
    table
}

fn workers_table(workers: &[WorkerRecord], receivers: &[ReceiverInfo], now: Timestamp) -> Table<5> {
    let mut table = Table::new(0, ["worker", "host", "process", "build", "seen"]);
    for worker in workers {
        let (host, build) = (worker.host.clone(), worker.build.clone());
        table.row([worker.incarnation.to_string(), host, worker.pid.to_string(), build, ago(now, worker.seen)]);
        for lane in &worker.lanes {
            table.note(format!("runs {} version {}", name_of(lane.receiver, receivers), lane.version));
        }
    }
    if workers.is_empty() {
        table.note("no worker was seen within the last minute: `shop worker` starts one".to_owned());
    }
    table
}

/// A receiver's name; its id when it was registered after the names were read.
fn name_of(id: ReceiverId, receivers: &[ReceiverInfo]) -> String {
    receivers.iter().find(|receiver| receiver.id == id).map_or_else(|| id.to_string(), |known| known.name.clone())
}

fn lane_json(lane: &LaneCounts, receivers: &[ReceiverInfo], parked: &[Parked]) -> Value {
    let info = receivers.iter().find(|receiver| receiver.id == lane.lane.receiver);
    let parked = parked.iter().find(|parked| parked.lane.lane == lane.lane).map(ToString::to_string);
    json!({
        "receiver": lane.receiver, "signal": lane.signal, "version": lane.lane.version,
        "ready": count_json(lane.ready), "scheduled": count_json(lane.scheduled), "running": count_json(lane.running),
        "done": count_json(lane.done), "dead": count_json(lane.dead), "cancelled": count_json(lane.cancelled),
        "due_since_us": lane.due_since.map(Timestamp::as_micros), "parked": parked,
        "paused": info.is_some_and(|receiver| receiver.paused), "retired": info.is_some_and(|receiver| receiver.retired),
    })
}

/// A number where it is exact, `"10,000+"` where it is not.
fn count_json(count: Count) -> Value {
    if count.is_exceeded() { json!(count.to_string()) } else { json!(count.0) }
}

fn trends_json(trends: &Trends) -> Value {
    let bucket = |bucket: &Bucket| {
        let failed: serde_json::Map<_, _> =
            bucket.failed.iter().map(|(outcome, count)| (outcome.to_string(), count_json(*count))).collect();
        json!({ "done": count_json(bucket.done), "failed": failed })
    };
    let receivers: serde_json::Map<_, _> =
        trends.receivers.iter().map(|trend| (trend.name.clone(), trend.buckets.iter().map(bucket).collect())).collect();
    json!({
        "starts_us": trends.starts.iter().map(|start| start.as_micros()).collect::<Vec<_>>(),
        "bucket_seconds": trends.bucket.as_secs(), "receivers": receivers,
    })
}

fn worker_json(worker: &WorkerRecord, receivers: &[ReceiverInfo]) -> Value {
    let lane = |lane: &Lane| json!({ "receiver": name_of(lane.receiver, receivers), "version": lane.version });
    json!({
        "incarnation": worker.incarnation.to_string(), "host": worker.host, "process": worker.pid, "build": worker.build,
        "lanes": worker.lanes.iter().map(lane).collect::<Vec<_>>(),
        "started_us": worker.started.as_micros(), "seen_us": worker.seen.as_micros(),
    })
}

/// A delivery, as every listing tells it.
pub(crate) fn summary_json(summary: &DeliverySummary) -> Value {
    json!({
        "id": summary.id.to_string(), "signal": summary.signal, "receiver": summary.receiver,
        "version": summary.lane.version, "state": summary.state.as_str(), "life": summary.life,
        "attempt": summary.counters.attempt, "lost_leases": summary.counters.lost_leases,
        "sent_us": summary.sent_at.as_micros(), "due_us": summary.due_at.map(Timestamp::as_micros),
        "settled_us": summary.settled_at.map(Timestamp::as_micros), "death": summary.death.map(|reason| reason.as_str()),
        "worker": summary.worker.map(|worker| worker.to_string()),
        "lease_until_us": summary.lease_until.map(Timestamp::as_micros), "actor": summary.actor,
    })
}

/// Failed attempts and lost leases.
pub(crate) fn attempts_json(attempts: &[AttemptRecord]) -> Value {
    attempts
        .iter()
        .map(|attempt| {
            json!({
                "life": attempt.life, "attempt": attempt.attempt, "outcome": attempt.outcome.as_str(),
                "error": attempt.error, "worker": attempt.worker.to_string(), "ended_us": attempt.ended_at.as_micros(),
                "ran_us": attempt.ran.map(micros),
            })
        })
        .collect()
}
