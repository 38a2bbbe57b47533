//! The signals that are sent, with as many receivers as their names say, which do nothing; and those whose receivers note
//! when they start, take a millisecond, or fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use signals_runtime::{BoxError, Delivery, PgTx, State, receiver, signal};

use crate::{by_hand, meter};

macro_rules! facts {
    ($($name:ident = $stable:literal, $prefix:literal: $($receiver:ident = $receiver_name:literal),*;)*) => {$(
        /// Two hundred bytes of JSON, as an ordinary fact has.
        #[signal(name = $stable)]
        #[derive(Clone, Debug)]
        pub(crate) struct $name {
            pub(crate) payment_id: i64,
            pub(crate) order_id: i64,
            pub(crate) amount_cents: i64,
            pub(crate) succeeded: bool,
            pub(crate) reference: String,
        }

        impl $name {
            /// The receivers of it are these.
            #[allow(dead_code, reason = "not every fact is drained")]
            pub(crate) const RECEIVERS: &'static str = $prefix;

            pub(crate) fn new(payment_id: i64) -> Self {
                let reference = format!("{payment_id:0>100}");
                Self { payment_id, order_id: 815, amount_cents: 129_900, succeeded: true, reference }
            }
        }

        $(
            #[receiver(signal = $name, name = $receiver_name)]
            async fn $receiver(fact: &$name) {
                std::hint::black_box(fact.payment_id);
                meter::ran();
            }
        )*
    )*};
}

facts! {
    One = "bench.one", "bench.one.": one_1 = "bench.one.1";
    Three = "bench.three", "bench.three.":
        three_1 = "bench.three.1", three_2 = "bench.three.2", three_3 = "bench.three.3";
    Five = "bench.five", "bench.five.":
        five_1 = "bench.five.1", five_2 = "bench.five.2", five_3 = "bench.five.3", five_4 = "bench.five.4",
        five_5 = "bench.five.5";
    Ten = "bench.ten", "bench.ten.":
        ten_1 = "bench.ten.01", ten_2 = "bench.ten.02", ten_3 = "bench.ten.03", ten_4 = "bench.ten.04",
        ten_5 = "bench.ten.05", ten_6 = "bench.ten.06", ten_7 = "bench.ten.07", ten_8 = "bench.ten.08",
        ten_9 = "bench.ten.09", ten_10 = "bench.ten.10";
    Twenty = "bench.twenty", "bench.twenty.":
        twenty_1 = "bench.twenty.01", twenty_2 = "bench.twenty.02", twenty_3 = "bench.twenty.03",
        twenty_4 = "bench.twenty.04", twenty_5 = "bench.twenty.05", twenty_6 = "bench.twenty.06",
        twenty_7 = "bench.twenty.07", twenty_8 = "bench.twenty.08", twenty_9 = "bench.twenty.09",
        twenty_10 = "bench.twenty.10", twenty_11 = "bench.twenty.11", twenty_12 = "bench.twenty.12",
        twenty_13 = "bench.twenty.13", twenty_14 = "bench.twenty.14", twenty_15 = "bench.twenty.15",
        twenty_16 = "bench.twenty.16", twenty_17 = "bench.twenty.17", twenty_18 = "bench.twenty.18",
        twenty_19 = "bench.twenty.19", twenty_20 = "bench.twenty.20";
}

/// When work was committed and when its receiver started, by its number; both in nanoseconds since this was made.
#[derive(Clone, Debug)]
pub(crate) struct Moments(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    zero: Instant,
    committed: Vec<AtomicU64>,
    started: Vec<AtomicU64>,
    starts: AtomicU64,
}

impl Moments {
    /// Room for so many.
    pub(crate) fn of(count: usize) -> Self {
        let none = || (0..count).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Inner { zero: Instant::now(), committed: none(), started: none(), starts: AtomicU64::new(0) }))
    }

    pub(crate) fn committed(&self, number: i64) {
        self.note(&self.0.committed, number);
    }

    fn started(&self, number: i64) {
        self.note(&self.0.started, number);
        self.0.starts.fetch_add(1, Ordering::Relaxed);
    }

    /// How many have started.
    pub(crate) fn starts(&self) -> u64 {
        self.0.starts.load(Ordering::Relaxed)
    }

    /// When the last one started.
    pub(crate) fn last_start(&self) -> Duration {
        let started = self.0.started.iter().map(|moment| moment.load(Ordering::Relaxed));
        Duration::from_nanos(started.max().unwrap_or(0))
    }

    /// The time since this was made, in which the moments are.
    pub(crate) fn now(&self) -> Duration {
        self.0.zero.elapsed()
    }

    /// From commit to start, in milliseconds, sorted.
    pub(crate) fn latencies(&self) -> Vec<f64> {
        let both = self.0.committed.iter().zip(&self.0.started);
        let read = |moment: &AtomicU64| moment.load(Ordering::Relaxed);
        let both = both.map(|(committed, started)| (read(committed), read(started)));
        let mut latencies: Vec<f64> = both
            .filter(|(committed, started)| *committed > 0 && *started > 0)
            // A receiver may start before its sender has heard of the commit.
            .map(|(committed, started)| started.saturating_sub(committed) as f64 / 1e6)
            .collect();
        latencies.sort_unstable_by(f64::total_cmp);
        latencies
    }

    fn note(&self, moments: &[AtomicU64], number: i64) {
        let moment = usize::try_from(number).ok().and_then(|number| moments.get(number));
        if let Some(moment) = moment {
            let nanos = u64::try_from(self.0.zero.elapsed().as_nanos()).unwrap_or(u64::MAX);
            moment.store(nanos.max(1), Ordering::Relaxed);
        }
    }
}

/// Work whose start is noted.
#[signal(name = "bench.timed")]
#[derive(Clone, Debug)]
pub(crate) struct Timed {
    pub(crate) number: i64,
}

#[receiver(signal = Timed, name = "bench.timed.1")]
async fn timed(work: &Timed, State(moments): State<Moments>) {
    moments.started(work.number);
}

/// Work that is done in a transaction: a row of the application.
#[signal(name = "bench.booked")]
#[derive(Clone, Debug)]
pub(crate) struct Booked {
    pub(crate) number: i64,
    pub(crate) reference: String,
}

impl Booked {
    pub(crate) const RECEIVERS: &'static str = "bench.booked.";

    pub(crate) fn new(number: i64) -> Self {
        Self { number, reference: format!("{number:0>100}") }
    }
}

#[receiver(signal = Booked, name = "bench.booked.1")]
async fn booked(fact: &Booked, tx: &mut PgTx) -> Result<(), BoxError> {
    std::hint::black_box(&fact.reference);
    by_hand::business(tx, fact.number).await?;
    meter::ran();
    Ok(())
}

/// Work that takes a millisecond, and whose start is noted.
#[signal(name = "bench.slow")]
#[derive(Clone, Debug)]
pub(crate) struct Slow {
    pub(crate) number: i64,
}

#[receiver(signal = Slow, name = "bench.slow.1")]
async fn slow(work: &Slow, State(moments): State<Moments>) {
    moments.started(work.number);
    slowly().await;
}

/// The work itself.
pub(crate) async fn slowly() {
    tokio::time::sleep(Duration::from_millis(1)).await; // tidy: not a wait: it is the work
}

/// Work that fails at its first attempt, so many of a hundred.
#[signal(name = "bench.flaky")]
#[derive(Clone, Debug)]
pub(crate) struct Flaky {
    pub(crate) number: i64,
    pub(crate) failing: i64,
}

#[receiver(signal = Flaky, name = "bench.flaky.1", backoff(initial = "10ms", max = "10ms"))]
async fn flaky(work: &Flaky, State(moments): State<Moments>, delivery: Delivery) -> Result<(), std::io::Error> {
    if delivery.attempt == 1 && work.number % 100 < work.failing {
        return Err(std::io::Error::other("as told"));
    }
    moments.started(work.number);
    Ok(())
}
