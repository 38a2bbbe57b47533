//! The piece of work that all queues are given: two hundred bytes of JSON.

use serde::{Deserialize, Serialize};

/// A payment, as an ordinary fact has it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Work {
    pub(crate) number: i64,
    pub(crate) order_id: i64,
    pub(crate) amount_cents: i64,
    pub(crate) succeeded: bool,
    pub(crate) reference: String,
}

impl Work {
    pub(crate) fn new(number: i64) -> Self {
        let reference = format!("{number:0>100}");
        Self { number, order_id: 815, amount_cents: 129_900, succeeded: true, reference }
    }
}

/// So many, in chunks that one statement takes.
pub(crate) fn chunks(count: i64) -> impl Iterator<Item = std::ops::Range<i64>> {
    const CHUNK: i64 = 2_000;
    (0..count).step_by(CHUNK as usize).map(move |first| first..count.min(first + CHUNK))
}
