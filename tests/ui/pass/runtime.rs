use signals_runtime::{
    CancelReason, Cancelled, Delivery, Discard, MemoryTx, Receiver, Signal as _, SqliteTx, State, receiver, signal,
};

#[signal]
pub struct PaymentCompleted {
    id: i64,
}

#[derive(Clone)]
struct Mailer;

/// Everything that the runtime has to give, and a send from inside.
#[receiver(signal = PaymentCompleted, timeout = "2s")]
async fn complete_order(
    payment: &PaymentCompleted,
    tx: &mut SqliteTx,
    State(Mailer): State<Mailer>,
    cancelled: Cancelled,
    delivery: &Delivery,
) -> anyhow::Result<()> {
    sqlx::query("SELECT $1").bind(payment.id).execute(&mut **tx).await?;
    PaymentCompleted { id: payment.id + 1 }.send(tx).await?;
    if cancelled.reason() == Some(CancelReason::Timeout) || delivery.attempt > 2 {
        return Err(Discard.into());
    }
    Ok(())
}

#[receiver(signal = PaymentCompleted)]
async fn waits(_: PaymentCompleted, cancelled: &Cancelled, _: State<(Mailer, u8)>) {
    cancelled.cancelled().await;
}

#[receiver(signal = PaymentCompleted)]
fn computes(_: &PaymentCompleted, cancelled: Cancelled, mut number: State<u64>) {
    while !cancelled.is_cancelled() {
        *number += 1;
    }
}

#[receiver(signal = PaymentCompleted)]
async fn in_memory(_: &PaymentCompleted, tx: &mut MemoryTx) -> signals_runtime::Result<()> {
    PaymentCompleted { id: 1 }.send(tx).await.map(drop)
}

fn main() {
    let needs = complete_order::DEF.needs();
    assert!(needs.is_transactional());
    assert_eq!(needs.states().len(), 1);
    assert!(in_memory::DEF.needs().is_transactional());
    assert!(!waits::DEF.needs().is_transactional());
    assert!(computes::DEF.body.is_blocking());
}
