//! One process, its wire, and what becomes of both.

use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use signals_cluster::{Flow, Wire};
use signals_runtime::clock::{Clock as _, SystemClock};

use crate::nemesis::Ill;

/// What happened to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Killed,
    Stopped,
    /// It was stopped, or in a black hole, and goes on.
    Continued,
    /// It lost its database. Once it is connected again, it tells.
    Cut,
    Asked,
    /// It has ended as it was asked to.
    Ended,
    /// SIGTERM ended it, as it does with a process that does not listen yet.
    Felled,
    /// It was never touched, and here the record ends.
    Spared,
}

impl What {
    /// Whether the process is no more, so that another may have its number.
    pub(crate) const fn is_an_end(self) -> bool {
        matches!(self, Self::Killed | Self::Ended | Self::Felled)
    }
}

/// What happened to which process, and when, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) pid: u32,
    pub(crate) what: What,
    pub(crate) at: i64,
}

/// When the database was out of reach, and for whom, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// One process; `None`: everybody.
    pub(crate) pid: Option<u32>,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) ill: Ill,
}

/// A process of the fleet.
pub(crate) struct Member {
    pub(crate) child: Child,
    wire: Option<Wire>,
    /// The black hole that it is in: since when, until when, and whether its connections outlive that.
    hole: Option<(i64, Instant, bool)>,
}

impl Member {
    pub(crate) const fn new(child: Child, wire: Option<Wire>) -> Self {
        Self { child, wire, hole: None }
    }

    pub(crate) const fn is_in_hole(&self) -> bool {
        self.hole.is_some()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(&mut self) -> anyhow::Result<Fate> {
        let fate = Fate { pid: self.pid(), what: What::Killed, at: moment() };
        self.child.kill()?;
        self.child.wait()?;
        Ok(fate)
    }

    /// Its connections are cut, or bytes flow no more for so long. Those of every other hole outlive it.
    /// A cut is over at once, and answered; a hole is when it is left.
    pub(crate) fn lose_wire(&mut self, ill: Ill, lasts: Duration) -> Option<(Fate, Option<Outage>)> {
        let (Some(wire), None) = (&self.wire, self.hole) else { return None };
        let at = moment();
        let outage = match ill {
            Ill::Hole => {
                wire.flow(Flow::Hole);
                self.hole = Some((at, Instant::now() + lasts, lasts.as_millis().is_multiple_of(2)));
                None
            }
            Ill::Cut | Ill::Terminate | Ill::Restart | Ill::Crash | Ill::Kill | Ill::Exhaust => {
                wire.cut();
                Some(Outage { pid: Some(self.pid()), from: at, to: at, ill })
            }
        };
        Some((Fate { pid: self.pid(), what: What::Cut, at }, outage))
    }

    /// Out of a black hole whose time is over: what it was, and that the process goes on, when its connections live.
    pub(crate) fn leave_hole(&mut self) -> Option<(Outage, Option<Fate>)> {
        let (from, _, outlived) = self.hole.take_if(|(_, until, _)| Instant::now() >= *until)?;
        let wire = self.wire.as_ref()?;
        if !outlived {
            wire.cut();
        }
        wire.flow(Flow::Open);
        let (pid, to) = (self.pid(), moment());
        let continued = outlived.then_some(Fate { pid, what: What::Continued, at: to });
        Some((Outage { pid: Some(pid), from, to, ill: Ill::Hole }, continued))
    }
}

/// The end of the process that started this one ends this one, also when it was killed, and also when this one is stopped.
/// Where the system does not know such a thing, whoever kills a campaign cleans up.
pub(crate) fn end_with_the_campaign() -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

/// This moment, in microseconds since the epoch.
pub(crate) fn moment() -> i64 {
    SystemClock.now().as_micros()
}
