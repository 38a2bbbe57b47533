//! A little shop: three signals, and receivers of every kind.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use signals_runtime::testing::{TestSignals, TestSignalsBuilder};
use signals_runtime::{BoxError, Delivery, Discard, MemoryTx, Signal as _, State, receiver, signal};

#[signal(name = "payments.PaymentCompleted")]
pub(crate) struct PaymentCompleted {
    pub(crate) payment_id: i64,
}

#[signal(name = "orders.OrderCompleted")]
pub(crate) struct OrderCompleted {
    pub(crate) order_id: i64,
}

/// Called like the other, sent by nobody.
#[signal(name = "loans.PaymentCompleted", allow_unheard)]
pub(crate) struct LoanPaymentCompleted {}

/// Completes the order, and says so.
#[receiver(signal = PaymentCompleted, name = "orders.complete_order")]
pub(crate) async fn complete_order(payment: &PaymentCompleted, tx: &mut MemoryTx) -> Result<(), BoxError> {
    let order_id = payment.payment_id;
    tx.put(format!("order {order_id}"), "completed");
    OrderCompleted { order_id }.send(tx).await?;
    Ok(())
}

/// Takes mails, or does not.
#[derive(Clone, Default)]
pub(crate) struct Mailer {
    pub(crate) is_down: Arc<AtomicBool>,
    mails: Arc<Mutex<Vec<String>>>,
}

impl Mailer {
    pub(crate) fn down() -> Self {
        let mailer = Self::default();
        mailer.is_down.store(true, Ordering::SeqCst);
        mailer
    }

    pub(crate) fn mails(&self) -> Vec<String> {
        self.mails.lock().expect("nobody panics in between").clone()
    }

    fn mail(&self, text: String) -> Result<(), BoxError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err("the mail server is down".into());
        }
        self.mails.lock().expect("nobody panics in between").push(text);
        Ok(())
    }
}

/// Three attempts, a minute apart and more.
#[receiver(
    signal = PaymentCompleted, name = "receipts.mail_receipt",
    max_attempts = 3, backoff(initial = "1m", factor = 2.0, max = "1h"),
)]
pub(crate) async fn mail_receipt(
    payment: &PaymentCompleted,
    State(mailer): State<Mailer>,
    delivery: Delivery,
) -> Result<(), BoxError> {
    mailer.mail(format!("receipt of payment {} under {}", payment.payment_id, delivery.idempotency_key()))
}

/// A plain `fn`, on a thread of its own.
#[receiver(signal = OrderCompleted, name = "receipts.thank")]
pub(crate) fn thank(order: &OrderCompleted, State(mailer): State<Mailer>) -> Result<(), BoxError> {
    mailer.mail(format!("thanks for order {}", order.order_id))
}

/// Never works.
#[receiver(signal = PaymentCompleted, name = "audit.refuse")]
pub(crate) async fn refuse(payment: &PaymentCompleted) -> Result<(), BoxError> {
    Err(Discard::because(format!("payment {} is nobody's", payment.payment_id)).into())
}

/// Waits for what never comes.
#[receiver(signal = PaymentCompleted, name = "audit.wait", timeout = "30s", max_attempts = 1)]
pub(crate) async fn wait(_: PaymentCompleted) {
    std::future::pending::<()>().await;
}

/// Sends the signal that it receives.
#[receiver(signal = PaymentCompleted, name = "audit.echo")]
pub(crate) async fn echo(payment: &PaymentCompleted, tx: &mut MemoryTx) -> Result<(), BoxError> {
    payment.send(tx).await?;
    Ok(())
}

/// The shop with all that works.
pub(crate) fn shop(mailer: &Mailer) -> TestSignalsBuilder {
    TestSignals::builder()
        .receiver::<complete_order>()
        .receiver::<mail_receipt>()
        .receiver::<thank>()
        .state(mailer.clone())
}

pub(crate) const fn paid(payment_id: i64) -> PaymentCompleted {
    PaymentCompleted { payment_id }
}
