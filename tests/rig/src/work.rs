//! The signals of the tests with processes, and receivers that do what the payload tells them.

use std::time::Duration;

use signals_runtime::{Delivery, SqliteTx, State, receiver, signal};

use crate::Log;

/// Something to work on.
#[signal(name = "rig.work")]
#[derive(Debug)]
pub struct Work {
    /// Which.
    pub number: i64,
    /// How long the plain receiver holds it, in milliseconds.
    pub hold_ms: u64,
}

/// Something that is done in a way that a worker must survive.
#[signal(name = "rig.trouble")]
#[derive(Debug)]
pub struct Trouble {
    /// Which.
    pub number: i64,
    /// How it is done.
    pub how: How,
    /// For how long, in milliseconds.
    pub hold_ms: u64,
}

/// The ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum How {
    /// An async receiver blocks the thread of its runtime.
    Block,
    /// The process aborts.
    Abort,
}

/// Something that blocks the runtime for a long time, and may.
#[signal(name = "rig.blockade")]
#[derive(Debug)]
pub struct Blockade {
    /// Which.
    pub number: i64,
}

/// Something that a blocking receiver works on, longer than it may.
#[signal(name = "rig.stubborn")]
#[derive(Debug)]
pub struct Stubborn {
    /// Which.
    pub number: i64,
    /// For how long, in milliseconds.
    pub hold_ms: u64,
}

/// Something that is written while the thread is blocked, and with it everybody else's way to write.
#[signal(name = "rig.hogging")]
#[derive(Debug)]
pub struct Hogging {
    /// Which.
    pub number: i64,
    /// For how long, in milliseconds.
    pub hold_ms: u64,
}

/// Something large.
#[signal(name = "rig.form")]
#[derive(Debug)]
pub struct Form {
    /// Which.
    pub number: i64,
    /// What it is large with.
    pub text: String,
}

/// Something that needs nothing done.
#[signal(name = "rig.nothing")]
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

/// A plain receiver that holds its delivery for as long as it is told.
#[receiver(signal = Work, name = "rig.hold")]
async fn hold(work: &Work, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    log.write("start", work.number, delivery.attempt)?;
    // tidy: not a wait: it is the work
    tokio::time::sleep(Duration::from_millis(work.hold_ms)).await;
    log.write("end", work.number, delivery.attempt)
}

/// A plain receiver of something large.
#[receiver(signal = Form, name = "rig.form")]
async fn form(form: &Form, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    log.write("start", form.number, delivery.attempt)
}

/// Makes trouble, as told.
#[receiver(signal = Trouble, name = "rig.trouble", timeout = "500ms", max_attempts = 1)]
async fn trouble(trouble: &Trouble, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    log.write("start", trouble.number, delivery.attempt)?;
    match trouble.how {
        // tidy: not a wait: it is the work
        How::Block => std::thread::sleep(Duration::from_millis(trouble.hold_ms)),
        How::Abort => std::process::abort(),
    }
    log.write("end", trouble.number, delivery.attempt)
}

/// Blocks a thread of the runtime for longer than any test runs.
#[receiver(signal = Blockade, name = "rig.blockade", timeout = "5m")]
async fn blockade(blockade: &Blockade, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    log.write("start", blockade.number, delivery.attempt)?;
    // tidy: not a wait: it is the work
    std::thread::sleep(Duration::from_secs(60));
    Ok(())
}

/// A blocking receiver that does not look at the clock.
#[receiver(signal = Stubborn, name = "rig.stubborn", timeout = "300ms", max_attempts = 1, concurrency = 1)]
fn stubborn(stubborn: &Stubborn, State(log): State<Log>, delivery: Delivery) -> std::io::Result<()> {
    log.write("start", stubborn.number, delivery.attempt)?;
    // tidy: not a wait: it is the work
    std::thread::sleep(Duration::from_millis(stubborn.hold_ms));
    log.write("end", stubborn.number, delivery.attempt)
}

/// A transactional receiver with one effect: a row that a second effect would violate.
#[receiver(signal = Work, name = "rig.effect", timeout = "300ms")]
async fn effect(work: &Work, tx: &mut SqliteTx, State(log): State<Log>, delivery: Delivery) -> anyhow::Result<()> {
    log.write("effect", work.number, delivery.attempt)?;
    sqlx::query("INSERT INTO effect (number) VALUES ($1)").bind(work.number).execute(&mut **tx).await?;
    Ok(())
}

/// A transactional receiver that blocks its thread, and does not look at the clock.
#[receiver(signal = Hogging, name = "rig.hogging", timeout = "900ms", max_attempts = 2, backoff(initial = "50ms"))]
async fn hogging(
    hogging: &Hogging,
    tx: &mut SqliteTx,
    State(log): State<Log>,
    delivery: Delivery,
) -> anyhow::Result<()> {
    log.write("start", hogging.number, delivery.attempt)?;
    sqlx::query("INSERT INTO effect (number) VALUES ($1)").bind(hogging.number).execute(&mut **tx).await?;
    if delivery.attempt == 1 {
        // tidy: not a wait: it is the work
        std::thread::sleep(Duration::from_millis(hogging.hold_ms));
    }
    Ok(log.write("end", hogging.number, delivery.attempt)?)
}

/// Does nothing.
#[receiver(signal = Nothing, name = "rig.nothing")]
async fn nothing(_nothing: &Nothing) {}
