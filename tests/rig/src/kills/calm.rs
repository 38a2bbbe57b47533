//! The last act, when the storm is over: workers hold deliveries for longer than a lease, and two of them are killed.
//!
//! In the storm a stopped writer or a crowd of them excuses nearly every late recovery, and nothing is held for so long
//! that it must be renewed. Here nobody is in the way: what the dead held is taken over as L1 says, without an excuse, and
//! what the living hold is theirs to the end, because they renew it.

use std::time::{Duration, Instant};

use anyhow::ensure;
use signals_runtime::{Signals, SqliteBackend};

use super::app::LONG;
use super::fleet::Fleet;
use super::leases::Leases;
use super::nemesis::WORKERS;
use super::sender::send;
use crate::Log;

/// How many deliveries are held: the living have slots for what the dead leave behind, so that none waits for one.
const HELD: usize = 6 * WORKERS;

/// How many workers are killed: those that hold most.
const KILLED: usize = 2;

/// So many recoveries must be judged under L1 without an excuse: nearly all that the last act leaves to the living.
pub(super) const MUST_JUDGE: u64 = 10;

/// How long the workers may take to be quiet, and to take everything.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Plays it, as far as the kills; what is to come of it takes another two leases.
///
/// # Errors
///
/// Returns an error when the workers do not take what was sent.
pub(super) async fn last_act(
    fleet: &mut Fleet,
    signals: &Signals<SqliteBackend>,
    leases: &mut Leases,
    journal: &Log,
) -> anyhow::Result<()> {
    let began = Instant::now();
    while !fleet.is_quiet() {
        ensure!(began.elapsed() < PATIENCE, "somebody who was asked to end is still there");
        fleet.look_after()?;
        // tidy: not a wait: the pause of a poll with a deadline
        tokio::time::sleep(LOOK).await;
    }
    for number in (LONG..).take(HELD) {
        send(signals, journal, number).await?;
    }
    let holders = loop {
        leases.watch(signals).await?;
        let (running, holders) = leases.running();
        if running == HELD {
            break holders;
        }
        ensure!(began.elapsed() < PATIENCE, "{running} of {HELD} are running");
        fleet.look_after()?;
        // tidy: not a wait: the pause of a poll with a deadline
        tokio::time::sleep(LOOK).await;
    };
    for pid in holders.into_iter().take(KILLED) {
        fleet.bury(pid)?;
    }
    // They renew no more: what is seen now is the end of their leases.
    leases.watch(signals).await
}
