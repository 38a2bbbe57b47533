//! The last act, when the storm is over: workers hold deliveries for longer than a lease, one of them is killed, and one is
//! stopped.
//!
//! In the storm a stopped writer or a crowd of them excuses nearly every late recovery, and nothing is held for so long
//! that it must be renewed. Here nobody is in the way: what the two held is taken over as L1 says, without an excuse, and
//! what the living hold is theirs to the end, because they renew it.
//!
//! The one that was stopped goes on when others have begun all that it held and its own receivers are due to return. So it has
//! acknowledgements at once, before its keeper hears from the database that the leases are lost, and only the fence keeps them
//! out. It must be told that one was refused, or the act is played again. (One that goes on as soon as it is robbed lets go what
//! it holds in most cases, and says nothing that could be refused.)

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use signals_runtime::Signals;
use signals_runtime::clock::micros;

use crate::app::{LONG, Order};
use crate::database::{Database, Host};
use crate::fleet::Fleet;
use crate::leases::Leases;
use crate::member::moment;
use crate::nemesis::WORKERS;
use crate::sender::send_together;
use crate::told::refused;
use crate::{LEASE, Line, Log};

/// How many deliveries are held: the living have slots for what the dead leave behind, so that none waits for one.
const HELD: usize = 6 * WORKERS;

/// How long the one is stopped at most, should nobody take over what it held.
const STOPPED: Duration = LEASE.saturating_mul(3);

/// How long it may take to be told what the database says to its acknowledgements.
const TOLD: Duration = Duration::from_secs(10);

/// So many bytes at the end of the record of effects have all of this act.
const TAIL: u64 = 64 * 1024;

/// How often it is played at most: a machine that stalls for half a second excuses what it should have shown.
pub(crate) const ROUNDS: usize = 3;

/// So many recoveries must be judged under L1 without an excuse: nearly all that the last act leaves to the living.
pub(crate) const MUST_JUDGE: u64 = 10;

/// How long the workers may take to be quiet, and then to take everything.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Plays it for the `round`th time, until the one that was stopped was refused; what is to come of the rest takes another lease.
/// Answers what kept it from being played: the machine stalled, the workers do not take what was sent, or nothing was refused.
/// The campaign before it is judged all the same.
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
    let [buried, stopped, ..] = most[..] else {
        return Ok(Some("one worker has everything".to_owned()));
    };
    fleet.bury(buried)?;
    fleet.stop(stopped, STOPPED).await?;
    // They renew no more: what is seen now is the end of their leases.
    leases.watch(signals).await?;
    come_too_late(fleet, stopped, first).await
}

/// Continues the `zombie` when it can only come too late for what it held from number `first` on, and waits until it was told so;
/// or says what kept it from that.
async fn come_too_late(fleet: &mut Fleet<impl Host>, zombie: u32, first: i64) -> anyhow::Result<Option<String>> {
    let stopped = Instant::now();
    while !is_overtaken(&fleet.effects().read_last(TAIL), zombie, first, moment()) {
        if stopped.elapsed() >= STOPPED {
            return Ok(Some("not all that the stopped one held was taken over while it was stopped".to_owned()));
        }
        fleet.look_after()?;
        // tidy: not a wait: the pause of a poll with a deadline
        tokio::time::sleep(LOOK).await;
    }
    let (before, woken) = (fleet.files().told(), Instant::now());
    fleet.wake(zombie);
    while !fleet.files().told_since(before)?.lines().filter_map(refused).any(|refusal| refusal.pid == zombie) {
        if woken.elapsed() >= TOLD {
            return Ok(Some(
                "the stopped one came too late, and was told of no outcome that it was refused".to_owned(),
            ));
        }
        fleet.look_after()?;
        // tidy: not a wait: the pause of a poll with a deadline
        tokio::time::sleep(LOOK).await;
    }
    Ok(None)
}

/// Whether all that `zombie` began from number `first` on was begun by another after it, and is due to return by `now`, as their
/// receivers wrote.
fn is_overtaken(effects: &[Line], zombie: u32, first: i64, now: i64) -> bool {
    let starts = || effects.iter().filter(|line| line.what == "plain" && line.number >= first);
    let mut own = starts().filter(|line| line.pid == zombie).peekable();
    own.peek().is_some()
        && own.all(|own| {
            let is_due = own.at + micros(Order { number: own.number }.holds()) <= now;
            is_due && starts().any(|other| other.number == own.number && other.pid != zombie && other.at > own.at)
        })
}

/// How many of the deliveries from `first` on began in which process, as their receivers wrote.
fn holders(effects: &Log, first: i64) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for line in effects.read_last(TAIL).iter().filter(|line| line.what == "plain" && line.number >= first) {
        *counts.entry(line.pid).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_stopped_is_overtaken_when_others_began_all_of_it_and_its_own_is_due_to_return() {
        let holds = micros(Order { number: LONG }.holds());
        let line = |pid, number, at| Line { what: "plain".to_owned(), number, attempt: 1, at, pid };
        let mut effects = vec![line(7, 3, 1), line(7, LONG, 10), line(7, LONG + 1, 20), line(8, LONG, 30)];
        let is = |effects: &[Line], now| is_overtaken(effects, 7, LONG, now);
        assert!(!is(&effects, 20 + holds), "nobody has the second");
        effects.push(line(8, LONG + 1, 40));
        assert_eq!([is(&effects, 19 + holds), is(&effects, 20 + holds)], [false, true]);
        effects.push(line(7, LONG + 2, 50));
        assert!(!is(&effects, 50 + holds));
        assert!(!is(&effects[..1], 50 + holds), "it held nothing of this act");
    }
}
