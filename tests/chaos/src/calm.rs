//! The last act, when the storm is over: workers hold deliveries for longer than a lease, one of them is killed, and one is
//! stopped.
//!
//! In the storm a stopped writer or a crowd of them excuses nearly every late recovery, and nothing is held for so long
//! that it must be renewed. Here nobody is in the way: what the two held is taken over as L1 says, without an excuse, and
//! what the living hold is theirs to the end, because they renew it. The one that was stopped goes on as soon as others have
//! what it held, and is through with it long before they are: only the fence keeps its acknowledgements out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use signals_runtime::Signals;

use crate::LEASE;
use crate::Log;
use crate::app::LONG;
use crate::database::{Database, Host};
use crate::fleet::Fleet;
use crate::leases::Leases;
use crate::nemesis::WORKERS;
use crate::sender::send_together;

/// How many deliveries are held: the living have slots for what the dead leave behind, so that none waits for one.
const HELD: usize = 6 * WORKERS;

/// How long the stopped one is stopped, when nobody takes anything over.
const STOPPED: Duration = LEASE.saturating_mul(2);

/// How often it is played at most: a machine that stalls for half a second excuses what it should have shown.
pub(crate) const ROUNDS: usize = 3;

/// So many recoveries must be judged under L1 without an excuse: nearly all that the last act leaves to the living.
pub(crate) const MUST_JUDGE: u64 = 10;

/// How long the workers may take to be quiet, and then to take everything.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Plays it for the `round`th time, as far as the kills; what is to come of it takes another two leases. Answers what kept it from being played: the
/// machine stalled, or the workers do not take what was sent. The campaign before it is judged all the same.
///
/// # Errors
///
/// Returns the database's error, or says that a process ended by itself.
pub(crate) async fn last_act<H: Host>(
    fleet: &mut Fleet<H>,
    signals: &Signals<<H::Database as Database>::Backend>,
    leases: &mut Leases,
    journal: &Log,
    round: usize,
) -> anyhow::Result<Option<String>> {
    fleet.fill_up().await?;
    let first = LONG + i64::try_from(round * HELD)?;
    let began = Instant::now();
    while !fleet.is_quiet() {
        if began.elapsed() > PATIENCE {
            return Ok(Some("somebody who was asked to end is still there".to_owned()));
        }
        fleet.look_after()?;
        // tidy: not a wait: the pause of a poll with a deadline
        tokio::time::sleep(LOOK).await;
    }
    // In one transaction, so that they run at the same time.
    if !send_together::<H::Database>(signals, journal, (first..).take(HELD)).await? {
        return Ok(Some("what was to be held could not be sent".to_owned()));
    }
    let began = Instant::now();
    let mut most = 0;
    let holders = loop {
        leases.watch(signals).await?;
        let (running, holders) = (leases.running(), holders(&fleet.effects(), first));
        if running == HELD && holders.values().sum::<usize>() >= HELD {
            break holders;
        }
        // What a worker claims ahead of its slots begins when another is through.
        most = most.max(running);
        if running < most || began.elapsed() > PATIENCE {
            return Ok(Some(format!("not all {HELD} ran at once: {most} did, and now {running} do")));
        }
        fleet.look_after()?;
        // tidy: not a wait: the pause of a poll with a deadline
        tokio::time::sleep(LOOK).await;
    };
    // Those that hold most.
    let mut most: Vec<u32> = holders.keys().copied().collect();
    most.sort_by_key(|pid| std::cmp::Reverse(holders[pid]));
    let [first, second, ..] = most[..] else {
        return Ok(Some("one worker has everything".to_owned()));
    };
    fleet.bury(first)?;
    fleet.stop(second, STOPPED).await?;
    // They renew no more: what is seen now is the end of their leases.
    leases.watch(signals).await?;
    Ok(None)
}

/// How many of the deliveries from `first` on began in which process, as their receivers wrote.
fn holders(effects: &Log, first: i64) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for line in effects.read().iter().filter(|line| line.what == "plain" && line.number >= first) {
        *counts.entry(line.pid).or_default() += 1;
    }
    counts
}
