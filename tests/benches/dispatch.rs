//! What lies between a row and the receiver's code (goal P11): the look-up of a lane, then context, decoding, extraction
//! and the first poll. No time-out, no tracing. Run by `cargo xtask bench dispatch`, which holds the goals.
//!
//! Decoding alone is measured in the same rounds, interleaved, and subtracted round by round; medians are printed. The
//! receiver's future is ready at its first poll, so its release is part of the value.

extern crate signals_core as signals_runtime;

use std::alloc::System;
use std::any::Any;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Instant;

use signals_core::delivery::{DeliveryId, Lane, ReceiverId, SignalId};
use signals_core::payload::decode;
use signals_core::{Body, Context, Delivery, Receiver, ReceiverDef, States, receiver, signal};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// As many lanes as a large program has.
const LANES: i64 = 300;
const ROUNDS: usize = 41;
const CALLS: u32 = 20_000;
const PAYLOAD: &[u8] = br#"{"payment_id":4711,"order_id":815,"amount_cents":129900,"succeeded":true}"#;

/// The signal.
#[signal(name = "bench.payment")]
#[derive(Debug)]
pub struct Payment {
    /// A number.
    pub payment_id: i64,
    /// A number.
    pub order_id: i64,
    /// A number.
    pub amount_cents: i64,
    /// A flag.
    pub succeeded: bool,
}

#[receiver(signal = Payment, name = "bench.plain")]
async fn plain(payment: &Payment) {
    black_box(payment.payment_id);
}

#[receiver(signal = Payment, name = "bench.extracting")]
async fn extracting(payment: &Payment, delivery: Delivery) {
    black_box((payment.payment_id, delivery.attempt));
}

fn main() {
    let row = Row::new();
    let lanes: HashMap<Lane, &'static ReceiverDef> =
        (0..LANES).map(|id| (lane(id), <plain as Receiver>::DEF)).collect();

    let mut rounds = Rounds::default();
    for _ in 0..ROUNDS {
        rounds.look_up.push(nanos(|call| {
            black_box(lanes.get(&lane(i64::from(call) * 7919 % LANES)));
        }));
        let decode = nanos(|_| {
            black_box(decode::<Payment>(black_box(PAYLOAD), usize::MAX).is_ok());
        });
        rounds.decode.push(decode);
        rounds.plain.push(nanos(|_| run(<plain as Receiver>::DEF, &row.context())) - decode);
        rounds.extracting.push(nanos(|_| run(<extracting as Receiver>::DEF, &row.context())) - decode);
    }
    let decoding = allocations(|| assert!(decode::<Payment>(PAYLOAD, usize::MAX).is_ok(), "the payload decodes"));
    let running = allocations(|| run(<plain as Receiver>::DEF, &row.context()));

    println!("look-up: {:.1} ns", median(rounds.look_up));
    println!("decode alone: {:.1} ns", median(rounds.decode));
    println!("dispatch beyond decoding: {:.1} ns", median(rounds.plain));
    println!("allocations beyond decoding: {}", running - decoding);
    println!("dispatch with an extractor: {:.1} ns", median(rounds.extracting));
}

/// What a worker has in hand when it looks a receiver up.
struct Row {
    signal: Arc<str>,
    states: Arc<States>,
    /// What the worker shares with the attempt and its keeper; made when the attempt enters the worker's table.
    scope: Arc<dyn Any + Send + Sync>,
}

impl Row {
    fn new() -> Self {
        Self { signal: "bench.payment".into(), states: Arc::default(), scope: Arc::new(0_u64) }
    }

    /// The context of an attempt.
    fn context(&self) -> Context {
        let id = DeliveryId { signal: SignalId(1), receiver: ReceiverId(2) };
        let delivery = Delivery::new(id, <plain as Receiver>::DEF.name, Arc::clone(&self.signal));
        Context::new(delivery, Arc::clone(&self.states)).with_runtime(self.scope.clone())
    }
}

/// Decodes, extracts, and polls the receiver's future for the first time.
fn run(def: &'static ReceiverDef, context: &Context) {
    let Body::Async(body) = black_box(def.body) else { unreachable!("the receivers of this bench are async") };
    let mut future = body(black_box(PAYLOAD), context);
    let polled = future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(Ok(()))), "the receiver is ready at once");
}

#[derive(Default)]
struct Rounds {
    look_up: Vec<f64>,
    decode: Vec<f64>,
    plain: Vec<f64>,
    extracting: Vec<f64>,
}

fn lane(id: i64) -> Lane {
    Lane { receiver: ReceiverId(id), version: 1 }
}

/// The time of one call, the mean of many.
fn nanos(mut call: impl FnMut(u32)) -> f64 {
    let started = Instant::now();
    for number in 0..CALLS {
        call(number);
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

fn allocations(call: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    call();
    region.change().allocations
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
