//! The signal of the tests with a server, and receivers that do what the payload tells them.

use std::time::Duration;

use signals_runtime::{Delivery, PgTx, State, receiver, signal};

use crate::Log;

/// The signal.
pub const WORK: &str = "rig.work";

/// The plain receiver, which writes into the log.
pub const HOLD: &str = "rig.hold";

/// The transactional receiver, which writes a row.
pub const EFFECT: &str = "rig.effect";

/// Something to work on.
#[signal(name = "rig.work")]
#[derive(Clone, Debug)]
pub struct Work {
    /// Which.
    pub number: i64,
    /// How long the plain receiver holds it, in milliseconds.
    pub hold_ms: u64,
    /// After how many milliseconds it is due.
    pub delay_ms: u64,
    /// Of a hundred, so many fail at their first attempt; which ones is decided by their numbers.
    pub failing: u8,
    /// How the plain receiver holds it.
    pub how: How,
}

/// The ways to hold something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum How {
    /// As it should be done.
    Well,
    /// The thread of the runtime is blocked.
    Blocking,
    /// The process aborts.
    Aborting,
}

impl Work {
    /// Something that is done at once.
    #[must_use]
    pub fn light(number: i64) -> Self {
        Self { number, hold_ms: 0, delay_ms: 0, failing: 0, how: How::Well }
    }

    /// Something that is held for a while.
    #[must_use]
    pub fn held(number: i64, hold: Duration) -> Self {
        Self { hold_ms: u64::try_from(hold.as_millis()).unwrap_or(u64::MAX), ..Self::light(number) }
    }

    fn attempt(&self, attempt: u32) -> anyhow::Result<()> {
        let drawn = self.number.wrapping_mul(7_919).rem_euclid(100);
        anyhow::ensure!(attempt > 1 || drawn >= i64::from(self.failing), "as told, work {} fails", self.number);
        Ok(())
    }
}

/// Its effect is outside of the database: lines of the log.
#[receiver(signal = Work, name = "rig.hold", timeout = "2m", backoff(initial = "50ms", max = "500ms"))]
async fn hold(work: &Work, State(log): State<Log>, delivery: Delivery) -> anyhow::Result<()> {
    log.write("start", work.number, delivery.attempt)?;
    work.attempt(delivery.attempt)?;
    let held = Duration::from_millis(work.hold_ms);
    match work.how {
        // tidy: not a wait: it is the work
        How::Well => tokio::time::sleep(held).await,
        // tidy: not a wait: it is the work
        How::Blocking => std::thread::sleep(held),
        How::Aborting => std::process::abort(),
    }
    Ok(log.write("end", work.number, delivery.attempt)?)
}

/// Its effect is a row.
#[receiver(signal = Work, name = "rig.effect", timeout = "10s", backoff(initial = "50ms", max = "500ms"))]
async fn effect(work: &Work, tx: &mut PgTx, delivery: Delivery) -> anyhow::Result<()> {
    sqlx::query("INSERT INTO effect (number) VALUES ($1)").bind(work.number).execute(&mut **tx).await?;
    // The row goes with the failure.
    work.attempt(delivery.attempt)
}
