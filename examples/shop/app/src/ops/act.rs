//! What is done, and what is said of it. Answers go to standard output, progress to standard error.

use anyhow::Result;
use base::{Shop, say};
use serde_json::{Value, json};
use signals_runtime::delivery::DeliveryId;
use signals_runtime::operating::{Pending, Tally};
use signals_runtime::store::{Filter, Retention, Switch, Verb, Verdict};

use super::How;

/// One delivery.
pub(super) async fn one(shop: &Shop, verb: Verb, delivery: DeliveryId, how: &How) -> Result<()> {
    if how.dry_run {
        would(shop, verb, delivery).await?;
        answer(how, json!({ "delivery": delivery.to_string(), "verb": verb.as_str(), "dry_run": true }), || {
            format!("would {verb} delivery {delivery}; nothing was changed")
        });
        return Ok(());
    }
    let ops = shop.operate(&*how.actor);
    match verb {
        Verb::Retry => ops.retry(delivery).await?,
        Verb::Cancel => ops.cancel(delivery).await?,
        _ => ops.discard(delivery).await?,
    }
    let becomes = match verb {
        Verb::Retry => "is ready again, in a new life; a worker runs it",
        Verb::Cancel => "is cancelled",
        _ => "is a dead letter",
    };
    answer(how, json!({ "delivery": delivery.to_string(), "verb": verb.as_str(), "dry_run": false }), || {
        format!("delivery {delivery} {becomes}")
    });
    Ok(())
}

/// The refusal that one delivery would meet, as it stands now.
async fn would(shop: &Shop, verb: Verb, delivery: DeliveryId) -> signals_runtime::Result<()> {
    let verdict = match shop.inspect().get(delivery).await?.map(|detail| detail.summary.state) {
        None => Verdict::NotFound,
        Some(state) if verb.changes().contains(&state) => Verdict::Done,
        Some(state) => Verdict::WrongState(state),
    };
    verdict.into_result(delivery, verb)
}

/// All that match.
pub(super) async fn all(shop: &Shop, verb: Verb, filter: Filter, how: &How) -> Result<()> {
    let ops = shop.operate(&*how.actor);
    let bulk = match verb {
        Verb::Retry => ops.retry_all(filter),
        Verb::Cancel => ops.cancel_all(filter),
        _ => ops.discard_all(filter),
    };
    let bulk = if how.dry_run { bulk.dry_run() } else { bulk };
    let tally = bulk.on_progress(progress).await?;
    let Tally { matched, changed, passed_over, .. } = tally;
    answer(how, json!({ "verb": verb.as_str(), "dry_run": how.dry_run, "tally": tally_json(tally) }), || {
        if how.dry_run {
            format!("{matched} deliveries match; nothing was changed")
        } else {
            format!("{verb}: {changed} of {matched} deliveries, {passed_over} passed over because they moved first")
        }
    });
    Ok(())
}

/// A receiver.
pub(super) async fn switch(shop: &Shop, switch: Switch, receiver: &str, how: &How) -> Result<()> {
    let ops = shop.operate(&*how.actor);
    let (changed, is) = match switch {
        Switch::Pause => (ops.pause(receiver).await?, "paused: its deliveries wait"),
        Switch::Resume => (ops.resume(receiver).await?, "not paused"),
        Switch::Restore => (ops.restore(receiver).await?, "not retired: sends reach it"),
        Switch::Retire => (ops.retire(receiver, Pending::Keep).await?.changed, "retired: sends pass it by"),
    };
    let verb = switch.verb().as_str();
    answer(how, json!({ "receiver": receiver, "verb": verb, "changed": changed }), || {
        format!("{receiver} is {}{is}", if changed { "now " } else { "already " })
    });
    Ok(())
}

/// A receiver goes, with what is pending for it or without.
pub(super) async fn retire(shop: &Shop, receiver: &str, pending: Pending, how: &How) -> Result<()> {
    let ops = shop.operate(&*how.actor);
    let retire = ops.retire(receiver, pending).on_progress(progress);
    let retired = if how.dry_run { retire.dry_run() } else { retire }.await?;
    let value = json!({
        "receiver": receiver, "verb": "retire", "dry_run": how.dry_run, "changed": retired.changed,
        "cancelled": tally_json(retired.cancelled),
    });
    answer(how, value, || {
        let Tally { matched, changed, .. } = retired.cancelled;
        let is = match (how.dry_run, retired.changed) {
            (_, false) => "is already retired",
            (true, true) => "would be retired",
            (false, true) => "is now retired",
        };
        match (pending, how.dry_run) {
            (Pending::Keep, false) => format!("{receiver} {is}; what is pending for it is still run"),
            (Pending::Keep, true) => format!("{receiver} {is}, what is pending for it still run; nothing was changed"),
            (Pending::Cancel, false) => format!("{receiver} {is}; {changed} deliveries are cancelled"),
            (Pending::Cancel, true) => format!("{receiver} {is}, {matched} deliveries cancelled; nothing was changed"),
        }
    });
    Ok(())
}

/// What is settled and old.
pub(super) async fn prune(shop: &Shop, retention: Retention, how: &How) -> Result<()> {
    let told = |so_far: &signals_runtime::store::Pruned| eprintln!("{} deliveries forgotten so far", so_far.deliveries);
    let pruned = shop.operate(&*how.actor).prune(retention).on_progress(told).await?;
    answer(how, json!({ "verb": "prune", "deliveries": pruned.deliveries, "keys": pruned.keys }), || {
        format!("forgotten: {} settled deliveries and {} idempotency keys", pruned.deliveries, pruned.keys)
    });
    Ok(())
}

fn progress(so_far: &Tally) {
    eprintln!("{} matched, {} changed, {} passed over so far", so_far.matched, so_far.changed, so_far.passed_over);
}

fn tally_json(Tally { matched, changed, passed_over, .. }: Tally) -> Value {
    json!({ "matched": matched, "changed": changed, "passed_over": passed_over })
}

fn answer(how: &How, json: Value, text: impl FnOnce() -> String) {
    if how.json {
        say!("{json:#}");
    } else {
        say!("{}", text());
    }
}
