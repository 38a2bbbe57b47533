//! What happens, act by act.

use std::time::Instant;

use anyhow::{Context as _, Result};
use base::say;
use hyper::StatusCode;
use signals_runtime::delivery::{SignalId, State};
use signals_runtime::store::{AttemptOutcome, DeathReason, Filter};

use super::check::{claim, signal, until};
use super::process::WorkerProcess;
use super::{LEASE, Story, check};
use crate::table::Table;
use crate::worker::Fault;
use crate::{facts, status};

const COMPLETE_ORDER: &str = "orders.receivers.complete_order";
const MAIL_RECEIPT: &str = "receipts.receivers.mail_receipt";
const EXPORT_ORDER: &str = "analytics.receivers.export_order";
const COUNT_SALE: &str = "analytics.receivers.count_sale";
const SCORE_FRAUD: &str = "analytics.receivers.score_fraud";

const ORDERS: &str = "/orders";
const WEBHOOK: &str = "/webhooks/payments";

/// Plays all acts.
pub(crate) async fn play(story: &mut Story) -> Result<()> {
    let worker = story.start_worker(&[Fault::Mail, Fault::Score]).await?;
    order_is_paid(story, &worker).await?;
    webhook_misbehaves(story).await?;
    transaction_rolls_back(story).await?;
    receiver_panics(story, &worker).await?;
    worker_stops(story, worker).await?;
    let worker = worker_is_killed(story).await?;
    show_the_end(story).await?;
    let status = worker.stop().await?;
    claim("the last worker exits with 0 as well", &status.code(), &Some(0))
}

async fn order_is_paid(story: &Story, worker: &WorkerProcess) -> Result<()> {
    say!("\n1. An order is placed and paid, while the mail server is down");
    let placed = story.http.post(ORDERS, r#"{"order_id":1001,"amount_cents":4990}"#, StatusCode::CREATED).await?;
    worker.says("order 1001 exported").await?;
    let notice = r#"{"event_id":"evt_1","payment_id":1001,"succeeded":true}"#;
    let paid = signal(&story.http.post(WEBHOOK, notice, StatusCode::OK).await?)?;
    worker.says("receipt of payment 1001 mailed").await?;

    story.wait(signal(&placed)?, EXPORT_ORDER, State::Done).await?;
    story.wait(paid, COMPLETE_ORDER, State::Done).await?;
    story.wait(paid, SCORE_FRAUD, State::Done).await?;
    story.wait(paid, COUNT_SALE, State::Done).await?;
    let mail = story.wait(paid, MAIL_RECEIPT, State::Done).await?;

    let order = facts::order(&story.shop, 1001).await?.context("order 1001 is gone")?;
    let seen = (order.status.as_str(), order.completions, order.payment.as_str());
    claim(
        "order 1001 is completed once, by a receiver that shares a transaction with its delivery",
        &seen,
        &("completed", 1, "paid"),
    )?;
    let failed: Vec<_> = mail.attempts.iter().map(|attempt| attempt.outcome).collect();
    let seen = (mail.summary.counters.attempt, failed.as_slice());
    claim(
        "its receipt was mailed at the third attempt, after two failed ones",
        &seen,
        &(3, &[AttemptOutcome::Error; 2][..]),
    )?;
    claim("one mail was sent", &facts::mails(&story.folders.mail, 1001)?, &1)
}

async fn webhook_misbehaves(story: &Story) -> Result<()> {
    say!("\n2. The payment processor repeats itself, then talks nonsense");
    let before = story.snapshot().await?;
    let notice = r#"{"event_id":"evt_1","payment_id":1001,"succeeded":true}"#;
    let repeated = story.http.post(WEBHOOK, notice, StatusCode::OK).await?;
    claim("the same notice again is the same signal again", &repeated["repeated"], &true.into())?;
    story.http.post(WEBHOOK, r#"{"event_id":"evt_2","payment_id":"#, StatusCode::BAD_REQUEST).await?;
    let notice = r#"{"event_id":"evt_3","payment_id":4711,"succeeded":true}"#;
    story.http.post(WEBHOOK, notice, StatusCode::NOT_FOUND).await?;
    claim("none of the three added a delivery", &story.snapshot().await?, &before)?;
    let order = facts::order(&story.shop, 1001).await?.context("order 1001 is gone")?;
    claim("order 1001 is still completed once", &order.completions, &1)
}

async fn transaction_rolls_back(story: &Story) -> Result<()> {
    say!("\n3. An order is sent as a signal, then its payment is refused in the same transaction");
    let before = story.snapshot().await?;
    let order = r#"{"order_id":1002,"amount_cents":200000000}"#;
    story.http.post(ORDERS, order, StatusCode::UNPROCESSABLE_ENTITY).await?;
    claim("nothing is left of the order", &facts::order(&story.shop, 1002).await?, &None)?;
    claim("nothing is left of its signal: nobody hears of it", &story.snapshot().await?, &before)
}

async fn receiver_panics(story: &Story, worker: &WorkerProcess) -> Result<()> {
    say!("\n4. A receiver panics at every attempt");
    let placed = story.http.post(ORDERS, r#"{"order_id":1002,"amount_cents":129900}"#, StatusCode::CREATED).await?;
    let notice = r#"{"event_id":"evt_4","payment_id":1002,"succeeded":true}"#;
    let paid = signal(&story.http.post(WEBHOOK, notice, StatusCode::OK).await?)?;
    let letter = story.wait(paid, SCORE_FRAUD, State::Dead).await?;
    for receiver in [COMPLETE_ORDER, MAIL_RECEIPT, COUNT_SALE] {
        story.wait(paid, receiver, State::Done).await?;
    }
    story.wait(signal(&placed)?, EXPORT_ORDER, State::Done).await?;
    worker.says("delivery is dead").await?;

    let outcomes: Vec<_> = letter.attempts.iter().map(|attempt| attempt.outcome).collect();
    let seen = (letter.summary.death, outcomes.as_slice());
    let expected = (Some(DeathReason::Exhausted), &[AttemptOutcome::Panic; 3][..]);
    claim("after three attempts its delivery is a dead letter, with every error kept", &seen, &expected)?;
    let payload = letter.signal.context("the dead letter has no payload")?.payload;
    let payload: serde_json::Value = serde_json::from_slice(&payload).context("the payload is not JSON")?;
    claim(&format!("its payload is kept: {payload}"), &payload["payment_id"], &1002.into())?;
    let order = facts::order(&story.shop, 1002).await?.context("order 1002 is gone")?;
    let seen = (order.completions, facts::mails(&story.folders.mail, 1002)?);
    claim(
        "the other receivers of the same signal are done: order 1002 is completed, its receipt mailed",
        &seen,
        &(1, 1),
    )
}

async fn worker_stops(story: &Story, worker: WorkerProcess) -> Result<()> {
    say!("\n5. The worker is told to stop (SIGTERM)");
    let status = worker.stop().await?;
    claim("it exits with 0", &status.code(), &Some(0))?;
    claim("no delivery is left running", &running(story).await?, &0)
}

async fn worker_is_killed(story: &mut Story) -> Result<WorkerProcess> {
    say!("\n6. A worker is killed (SIGKILL) in the middle of an export");
    let worker = story.start_worker(&[Fault::Export]).await?;
    let placed = story.http.post(ORDERS, r#"{"order_id":1003,"amount_cents":1250}"#, StatusCode::CREATED).await?;
    let placed = signal(&placed)?;
    worker.says("export of order 1003 begins").await?;
    let part = story.folders.exports.join("order-1003.json.part");
    until("the export to begin", check::SOON, async || Ok(part.exists().then_some(()))).await?;
    story.wait(placed, EXPORT_ORDER, State::Running).await?;
    worker.kill().await?;
    say!("  killed; its delivery is still leased to it");
    story.wait(placed, EXPORT_ORDER, State::Running).await?;

    let worker = story.start_worker(&[]).await?;
    let connected = Instant::now();
    worker.says("order 1003 exported").await?;
    let took = connected.elapsed();
    recovered(story, placed).await?;
    claim(
        &format!("it was done {:.1} s after the new worker came: within the lease + 1 s", took.as_secs_f64()),
        &(took < LEASE + std::time::Duration::from_secs(1)),
        &true,
    )?;
    Ok(worker)
}

async fn recovered(story: &Story, placed: SignalId) -> Result<()> {
    let export = story.wait(placed, EXPORT_ORDER, State::Done).await?;
    let outcomes: Vec<_> = export.attempts.iter().map(|attempt| attempt.outcome).collect();
    let seen = (export.summary.counters.lost_leases, outcomes.as_slice());
    claim("the new worker took the delivery over: one lost lease", &seen, &(1, &[AttemptOutcome::LeaseLost][..]))?;
    let exported = story.folders.exports.join("order-1003.json");
    claim("order 1003 is exported", &exported.exists(), &true)
}

async fn show_the_end(story: &Story) -> Result<()> {
    say!("\n7. What the database says in the end");
    let mut deliveries = status::deliveries(&story.shop, 1_000).await?;
    deliveries.reverse(); // oldest first
    say!("{}\n", status::deliveries_table(&deliveries, 2));
    let mut table = Table::new(2, ["order", "amount", "status", "completed", "payment", "mails"]);
    for order in facts::orders(&story.shop).await? {
        let amount = format!("{}.{:02}", order.cents / 100, order.cents % 100);
        let completed = format!("{} x", order.completions);
        let mails = facts::mails(&story.folders.mail, order.id)?.to_string();
        table.row([order.id.to_string(), amount, order.status, completed, order.payment, mails]);
    }
    say!("{table}\n");
    let counted = facts::sales(&story.shop).await?;
    claim(
        "each sale was counted once, however often the processor told of it",
        &counted,
        &[(1001, 1), (1002, 1)].into(),
    )?;
    let unsettled = deliveries.iter().filter(|delivery| !delivery.summary.state.is_settled()).count();
    claim("nothing is lost and nothing waits: every delivery is done or a dead letter", &unsettled, &0)
}

async fn running(story: &Story) -> Result<usize> {
    let filter = Filter { states: vec![State::Running], ..Filter::default() };
    Ok(story.shop.inspect().list(&filter).await?.deliveries.len())
}
