//! `shop status`, and the table of deliveries that the story ends with.

use anyhow::Result;
use base::{Shop, say};
use serde_json::{Value, json};
use signals_runtime::clock::Timestamp;
use signals_runtime::delivery::Lane;
use signals_runtime::store::{DeliveryDetail, Filter, LaneCounts, WorkerRecord};

use crate::table::Table;

/// How many deliveries `shop status` shows.
const NEWEST: usize = 50;

/// Prints receivers, workers and the newest deliveries.
pub(crate) async fn show(shop: &Shop, json: bool) -> Result<()> {
    let counts = shop.inspect().counts().await?;
    let parked: Vec<_> = shop.inspect().parked().await?.into_iter().map(|parked| parked.lane.lane).collect();
    let workers = shop.inspect().workers().await?;
    let deliveries = deliveries(shop, NEWEST).await?;
    if json {
        let all = json!({
            "receivers": counts.lanes.iter().map(|lane| lane_json(lane, &parked)).collect::<Vec<_>>(),
            "workers": workers.iter().map(worker_json).collect::<Vec<_>>(),
            "deliveries": deliveries.iter().map(delivery_json).collect::<Vec<_>>(),
        });
        say!("{all:#}");
        return Ok(());
    }
    say!("{}", lanes_table(&counts.lanes, &parked));
    say!("\n{}", workers_table(&workers));
    if deliveries.is_empty() {
        say!("\nno deliveries: nothing was sent yet, or all of it was forgotten");
    } else {
        say!("\n{}", deliveries_table(&deliveries, 0));
    }
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

fn lanes_table(lanes: &[LaneCounts], parked: &[Lane]) -> Table<8> {
    let mut table = Table::new(0, ["receiver", "signal", "ready", "later", "running", "done", "dead", "cancelled"]);
    for lane in lanes {
        let [ready, later, running, done, dead, cancelled] =
            [lane.ready, lane.scheduled, lane.running, lane.done, lane.dead, lane.cancelled]
                .map(|count| count.to_string());
        table.row([lane.receiver.clone(), lane.signal.clone(), ready, later, running, done, dead, cancelled]);
        if parked.contains(&lane.lane) {
            let version = lane.lane.version;
            table.note(format!("parked: no worker and no receiver of this build knows it in version {version}"));
        }
    }
    table
}

fn workers_table(workers: &[WorkerRecord]) -> Table<4> {
    let mut table = Table::new(0, ["worker", "host", "process", "lanes"]);
    for worker in workers {
        let lanes = worker.lanes.len().to_string();
        table.row([worker.incarnation.to_string(), worker.host.clone(), worker.pid.to_string(), lanes]);
    }
    if workers.is_empty() {
        table.note("no worker was seen within the last minute: `shop worker` starts one".to_owned());
    }
    table
}

fn lane_json(lane: &LaneCounts, parked: &[Lane]) -> Value {
    json!({
        "receiver": lane.receiver, "signal": lane.signal, "version": lane.lane.version,
        "ready": lane.ready.0, "scheduled": lane.scheduled.0, "running": lane.running.0,
        "done": lane.done.0, "dead": lane.dead.0, "cancelled": lane.cancelled.0, "parked": parked.contains(&lane.lane),
    })
}

fn worker_json(worker: &WorkerRecord) -> Value {
    json!({
        "incarnation": worker.incarnation.to_string(), "host": worker.host, "process": worker.pid, "build": worker.build,
        "started": worker.started.as_micros(), "seen": worker.seen.as_micros(),
    })
}

fn delivery_json(DeliveryDetail { summary, attempts, .. }: &DeliveryDetail) -> Value {
    let attempts: Vec<_> = attempts
        .iter()
        .map(|attempt| {
            json!({
                "life": attempt.life, "attempt": attempt.attempt, "outcome": attempt.outcome.as_str(),
                "error": attempt.error, "ended": attempt.ended_at.as_micros(),
            })
        })
        .collect();
    json!({
        "id": summary.id.to_string(), "signal": summary.signal, "receiver": summary.receiver,
        "state": summary.state.as_str(), "life": summary.life, "attempt": summary.counters.attempt,
        "lost_leases": summary.counters.lost_leases, "sent": summary.sent_at.as_micros(),
        "due": summary.due_at.map(Timestamp::as_micros), "death": summary.death.map(|reason| reason.as_str()),
        "failed": attempts,
    })
}
