//! Random histories: the backend under test must answer and show, step by step, what the reference model does.
//!
//! The one module that names a concrete backend: [`Model`] is the memory backend, which is not so much tested here as the
//! measure. Each run draws others ([`seed`](crate::seed)). A red one is shortened before it is told, together with the command
//! that takes it again, and what it was drawn from. What the environment says:
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `SIGNALS_HISTORIES` | 6 | how many histories each case draws, of 60 steps each |
//! | `SIGNALS_SEED` | another one in each run | what they are drawn from |
//! | `SIGNALS_HISTORY` | | one history as JSON, taken in the place of those that are drawn |

mod search;
mod side;
mod step;

use std::sync::Arc;

use signals_core::Result;
use signals_core::clock::ManualClock;
use signals_runtime::MemoryBackend;
use signals_runtime::backend::memory::MemoryConn;

use crate::{Db, Harness};
use search::search;
use step::Focus;

pub use step::{End, Held, Place, Step};

/// The variable that holds a history.
const REPLAY: &str = "SIGNALS_HISTORY";

/// The variable that says how many histories are drawn.
const HISTORIES: &str = "SIGNALS_HISTORIES";

/// The reference model.
#[derive(Debug)]
pub struct Model(MemoryBackend);

impl Harness for Model {
    type Backend = MemoryBackend;

    async fn open(clock: ManualClock) -> Self {
        Self(MemoryBackend::with_clock(Arc::new(clock)))
    }

    fn backend(&self) -> &MemoryBackend {
        &self.0
    }

    async fn write(conn: &mut MemoryConn, key: &str, value: &str) -> Result<()> {
        conn.put(key, value);
        Ok(())
    }

    async fn read(&self, key: &str) -> Option<String> {
        self.0.committed(key)
    }

    async fn commit_and_begin(conn: &mut MemoryConn) -> Result<bool> {
        conn.commit_and_begin();
        Ok(true)
    }
}

/// I2, T1 to T13: histories of everything that can happen to a delivery.
pub async fn i2_every_history_ends_as_in_the_model<H: Harness>(_: Db<H>) {
    search::<H>("i2_every_history_ends_as_in_the_model", Focus::Everything).await;
}

/// I6, T9: histories of workers that are late, die, and are robbed.
pub async fn i6_t9_histories_of_dying_workers_end_as_in_the_model<H: Harness>(_: Db<H>) {
    search::<H>("i6_t9_histories_of_dying_workers_end_as_in_the_model", Focus::Dying).await;
}

/// I8, T5 to T8: histories of attempts that fail, are put off, and come back.
pub async fn i8_t5_histories_of_failures_end_as_in_the_model<H: Harness>(_: Db<H>) {
    search::<H>("i8_t5_histories_of_failures_end_as_in_the_model", Focus::Failing).await;
}

/// I4, T10 to T13: histories of what people decide and time forgets.
pub async fn i4_t10_histories_of_decisions_end_as_in_the_model<H: Harness>(_: Db<H>) {
    search::<H>("i4_t10_histories_of_decisions_end_as_in_the_model", Focus::Deciding).await;
}

/// I15, I12: histories of receivers that are renamed, rolled back and merged.
pub async fn i15_histories_of_names_end_as_in_the_model<H: Harness>(_: Db<H>) {
    search::<H>("i15_histories_of_names_end_as_in_the_model", Focus::Renaming).await;
}

/// Takes one history, a JSON array as a failed case prints it.
///
/// # Panics
///
/// Panics when it is none, or the backend differs from the model.
pub async fn replay<H: Harness>(history: &str) {
    search::replay::<H>(history).await;
}
