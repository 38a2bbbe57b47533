//! What a call of a receiver costs: one allocation, the box of its future, and none for a plain `fn`.
//!
//! A program of its own without the test harness: it counts the allocations of the whole process.

extern crate signals_core as signals_runtime;

use std::alloc::System;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use signals_core::delivery::{DeliveryId, ReceiverId, SignalId};
use signals_runtime::{Body, Context, Delivery, ExtractError, FromContext, Receiver, States, receiver, signal};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[signal]
struct PaymentCompleted {
    payment_id: i64,
    succeeded: bool,
}

struct Attempt(u32);

impl FromContext for Attempt {
    fn from_context(context: &Context) -> Result<Self, ExtractError> {
        Ok(Self(context.delivery().attempt))
    }
}

#[receiver(signal = PaymentCompleted)]
async fn complete_order(payment: &PaymentCompleted, attempt: &mut Attempt) -> Result<(), std::fmt::Error> {
    std::future::ready(()).await;
    attempt.0 += u32::from(payment.succeeded);
    if payment.payment_id == 7 && attempt.0 == 2 { Ok(()) } else { Err(std::fmt::Error) }
}

#[receiver(signal = PaymentCompleted)]
fn mail_receipt(payment: PaymentCompleted, attempt: Attempt) -> Result<(), std::fmt::Error> {
    if payment.payment_id == 7 && attempt.0 == 1 { Ok(()) } else { Err(std::fmt::Error) }
}

fn allocations<R: Receiver>() -> usize {
    let id = DeliveryId { signal: SignalId(1), receiver: ReceiverId(2) };
    let delivery = Delivery::new(id, R::DEF.name, R::DEF.signal.name.into());
    let context = Context::new(delivery, Arc::new(States::default()));
    let payload = br#"{"payment_id":7,"succeeded":true}"#;
    let region = Region::new(ALLOCATOR);
    let result = match R::DEF.body {
        Body::Async(body) => {
            match pin!(body(payload, &context)).poll(&mut std::task::Context::from_waker(Waker::noop())) {
                Poll::Ready(result) => result,
                Poll::Pending => panic!("nothing to wait for"),
            }
        }
        Body::Blocking(body) => body(payload, &context),
    };
    let allocations = region.change().allocations;
    assert!(result.is_ok(), "{result:?}");
    allocations
}

fn main() {
    assert_eq!(allocations::<complete_order>(), 1, "an `async fn` costs the box of its future");
    assert_eq!(allocations::<mail_receipt>(), 0, "a plain `fn` costs nothing");
}
