//! What a worker finds when it calls a receiver's body: decoded, extracted, called, and the result handed back.

extern crate signals_core as signals_runtime;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use signals_core::delivery::{DeliveryId, ReceiverId, SignalId};
use signals_runtime::{
    Body, Context, Delivery, ExtractError, FromContext, Receiver, RunError, States, receiver, signal,
};

#[signal]
struct PaymentCompleted {
    payment_id: i64,
}

/// What the receivers did.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<String>>>);

impl Log {
    fn write(&self, line: String) {
        self.0.lock().expect("no receiver panics").push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no receiver panics").clone()
    }
}

impl FromContext for Log {
    fn from_context(context: &Context) -> Result<Self, ExtractError> {
        context.state::<Self>().cloned().ok_or_else(|| ExtractError::new("no log"))
    }
}

/// Writes into the log when it is dropped, as a transaction goes back to the worker.
struct Lent(Log, u32);

impl FromContext for Lent {
    fn from_context(context: &Context) -> Result<Self, ExtractError> {
        Log::from_context(context).map(|log| Self(log, 0))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.write(format!("handed back after {}", self.1));
    }
}

#[derive(Debug)]
struct Refused(i64);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "payment {} was refused", self.0)
    }
}

impl std::error::Error for Refused {}

#[receiver(signal = PaymentCompleted)]
async fn complete_order(
    PaymentCompleted { payment_id }: PaymentCompleted,
    lent: &mut Lent,
    log: Log,
    delivery: &Delivery,
) -> Result<(), Refused> {
    std::future::ready(()).await;
    lent.1 += 1;
    log.write(format!("payment {payment_id}, attempt {}", delivery.attempt));
    if payment_id == 0 { Err(Refused(payment_id)) } else { Ok(()) }
}

#[receiver(signal = PaymentCompleted)]
fn mail_receipt(payment: &PaymentCompleted, log: &Log) -> Result<(), Refused> {
    log.write(format!("mail for {}", payment.payment_id));
    if payment.payment_id == 0 { Err(Refused(0)) } else { Ok(()) }
}

#[receiver(signal = PaymentCompleted)]
async fn forget_it(_payment: PaymentCompleted) {}

/// Runs the receiver once; no receiver here waits for anything.
fn run<R: Receiver>(payload: &str, log: Option<&Log>) -> Result<(), RunError> {
    let mut states = States::default();
    if let Some(log) = log {
        states.insert(log.clone());
    }
    let id = DeliveryId { signal: SignalId(1), receiver: ReceiverId(2) };
    let delivery = Delivery::new(id, R::DEF.name, R::DEF.signal.name.into());
    let context = Context::new(delivery, Arc::new(states));
    match R::DEF.body {
        Body::Async(body) => {
            let future = pin!(body(payload.as_bytes(), &context));
            match future.poll(&mut std::task::Context::from_waker(Waker::noop())) {
                Poll::Ready(result) => result,
                Poll::Pending => panic!("nothing to wait for"),
            }
        }
        Body::Blocking(body) => body(payload.as_bytes(), &context),
    }
}

#[test]
fn an_async_receiver_gets_its_payload_and_its_extractors() {
    let log = Log::default();
    run::<complete_order>(r#"{"payment_id":7}"#, Some(&log)).expect("it succeeds");
    assert_eq!(log.lines(), ["payment 7, attempt 1", "handed back after 1"]);
}

#[test]
fn a_blocking_receiver_gets_its_payload_and_its_extractors() {
    let log = Log::default();
    run::<mail_receipt>(r#"{"payment_id":7}"#, Some(&log)).expect("it succeeds");
    assert_eq!(log.lines(), ["mail for 7"]);
}

#[test]
fn an_error_comes_back_as_it_was() {
    let log = Log::default();
    for result in [
        run::<complete_order>(r#"{"payment_id":0}"#, Some(&log)),
        run::<mail_receipt>(r#"{"payment_id":0}"#, Some(&log)),
    ] {
        match result {
            Err(RunError::Failed(error)) => assert_eq!(error.downcast_ref::<Refused>().map(|error| error.0), Some(0)),
            other => panic!("expected the receiver's error, got {other:?}"),
        }
    }
}

#[test]
fn a_payload_that_does_not_decode_is_told_apart_and_runs_nothing() {
    let log = Log::default();
    for result in [
        run::<complete_order>(r#"{"payment_id":"seven"}"#, Some(&log)),
        run::<mail_receipt>("{}", Some(&log)),
        run::<forget_it>("", Some(&log)),
    ] {
        assert!(matches!(result, Err(RunError::Undecodable(_))), "{result:?}");
    }
    assert_eq!(log.lines(), [""; 0]);
}

#[test]
fn a_missing_extractor_is_told_apart() {
    for result in [run::<complete_order>(r#"{"payment_id":7}"#, None), run::<mail_receipt>(r#"{"payment_id":7}"#, None)]
    {
        assert!(matches!(result, Err(RunError::Extract(_))), "{result:?}");
    }
}

#[test]
fn a_receiver_that_returns_nothing_succeeds() {
    run::<forget_it>(r#"{"payment_id":7}"#, None).expect("it succeeds");
}
