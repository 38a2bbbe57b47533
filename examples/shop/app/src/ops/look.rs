//! `shop list`, `shop show` and `shop actions`.

use anyhow::{Context as _, Result};
use base::{Shop, say};
use serde_json::{Value, json};
use signals_runtime::clock::Timestamp;
use signals_runtime::delivery::DeliveryId;
use signals_runtime::store::{AttemptRecord, DeliveryDetail, DeliverySummary, Filter};

use super::time::{ago, when};
use crate::status::{attempts_json, summary_json};
use crate::table::Table;

/// One page of deliveries, and where the next begins.
pub(super) async fn list(shop: &Shop, filter: &Filter, json: bool) -> Result<()> {
    let page = shop.inspect().list(filter).await?;
    if json {
        let deliveries: Vec<_> = page.deliveries.iter().map(summary_json).collect();
        say!("{:#}", json!({ "deliveries": deliveries, "next": page.next.map(|next| next.to_string()) }));
        return Ok(());
    }
    let now = base::now(shop).await?;
    let headings = ["delivery", "signal", "receiver", "state", "attempts", "sent", "due", "worker", "lease", "by"];
    let mut table = Table::new(0, headings);
    for summary in page.deliveries {
        let (due, worker, lease) = whereabouts(&summary, now);
        let DeliverySummary { id, signal, receiver, state, death, counters, sent_at, actor, .. } = summary;
        let state = death.map_or_else(|| state.to_string(), |reason| format!("{state} ({reason})"));
        let (attempts, sent, actor) = (counters.attempt.to_string(), ago(now, sent_at), actor.unwrap_or_default());
        table.row([id.to_string(), signal, receiver, state, attempts, sent, due, worker, lease, actor]);
    }
    say!("{table}");
    match page.next {
        Some(next) => say!("there may be more: --after {next}"),
        None => say!("that is all"),
    }
    Ok(())
}

/// One delivery with everything.
pub(super) async fn show(shop: &Shop, id: DeliveryId, json: bool) -> Result<()> {
    let found = shop.inspect().get(id).await?;
    let DeliveryDetail { summary, signal, attempts } =
        found.with_context(|| format!("there is no delivery {id}: done without history, pruned, or never sent"))?;
    let payload = signal.as_ref().map(|signal| String::from_utf8_lossy(&signal.payload).into_owned());
    if json {
        let Value::Object(mut all) = summary_json(&summary) else { unreachable!("a summary is an object") };
        all.insert("failed".to_owned(), attempts_json(&attempts));
        all.insert("payload".to_owned(), json!(payload));
        say!("{:#}", Value::Object(all));
        return Ok(());
    }
    let now = base::now(shop).await?;
    say!("delivery {} of {} for {}", summary.id, summary.signal, summary.receiver);
    say!("  state     {}{}", summary.state, summary.death.map(|reason| format!(" ({reason})")).unwrap_or_default());
    say!("  sent      {}", ago(now, summary.sent_at));
    let (due, worker, lease) = whereabouts(&summary, now);
    for (what, value) in [("due", due), ("worker", worker), ("lease", lease)] {
        if !value.is_empty() {
            say!("  {what:<8}  {value}");
        }
    }
    let counters = summary.counters;
    say!("  attempts  {} in life {}, {} lost leases", counters.attempt, summary.life, counters.lost_leases);
    if let Some(actor) = summary.actor {
        say!("  by        {actor}");
    }
    say!("  payload   {}", payload.as_deref().unwrap_or("forgotten"));
    for AttemptRecord { life, attempt, outcome, error, worker, ended_at, ran } in &attempts {
        let ran = ran.map(|ran| format!("ran {ran:?}, ")).unwrap_or_default();
        say!("  life {life}, attempt {attempt}, {outcome}: {error}");
        say!("    worker {worker}, {ran}ended {}", ago(now, *ended_at));
    }
    Ok(())
}

/// The log of actions, newest first.
pub(super) async fn actions(shop: &Shop, limit: usize, json: bool) -> Result<()> {
    let actions = shop.inspect().actions(None, limit).await?;
    if json {
        let lines: Vec<_> = actions
            .iter()
            .map(|action| {
                json!({
                    "id": action.id.0, "at_us": action.at.as_micros(), "actor": action.actor, "verb": action.verb,
                    "subject": action.subject, "count": action.count,
                })
            })
            .collect();
        say!("{:#}", json!({ "actions": lines }));
        return Ok(());
    }
    let now = base::now(shop).await?;
    let mut table = Table::new(0, ["when", "who", "what", "to", "changed"]);
    for action in actions {
        table.row([ago(now, action.at), action.actor, action.verb, action.subject, action.count.to_string()]);
    }
    say!("{table}");
    Ok(())
}

/// When a delivery is due, who runs it, and when that one's lease ends; what does not apply is empty.
fn whereabouts(summary: &DeliverySummary, now: Timestamp) -> (String, String, String) {
    let moment = |at: Option<Timestamp>| at.map(|at| when(now, at)).unwrap_or_default();
    let worker = summary.worker.map(|worker| worker.to_string()).unwrap_or_default();
    (moment(summary.due_at), worker, moment(summary.lease_until))
}
