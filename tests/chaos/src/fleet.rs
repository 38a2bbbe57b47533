//! The processes: started, killed, stopped, continued, cut off, asked to end; and the record of what became of each.

mod aftercare;
mod ills;
mod start;

use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use self::aftercare::Zombie;
use self::ills::in_no_hole;
use crate::Log;
use crate::database::Host;
use crate::facts::Seen;
use crate::files::Files;
use crate::leases::Leases;
use crate::member::{Fate, Member, Outage, What, moment};
use crate::nemesis::{Act, Deed, Ill, SENDERS, Victim, WORKERS};

/// All processes, and what they are over.
pub(crate) struct Fleet<H> {
    host: H,
    files: Files,
    seed: u64,
    workers: Vec<Member>,
    senders: Vec<Member>,
    zombies: Vec<Zombie>,
    /// Asked to end; they must by then.
    leaving: Vec<(Member, Instant)>,
    pub(crate) fates: Vec<Fate>,
    pub(crate) outages: Vec<Outage>,
    /// What was done to the database and to wires, also to those whose owner did not live to see the end of it.
    pub(crate) ills: Vec<Ill>,
    /// What should not have happened: a process that ended by itself, or did not when asked.
    pub(crate) surprises: Vec<(&'static str, String)>,
}

impl<H: Host> Fleet<H> {
    pub(crate) async fn start(host: H, files: Files, seed: u64) -> anyhow::Result<Self> {
        let mut fleet = Self {
            host,
            files,
            seed,
            workers: Vec::new(),
            senders: Vec::new(),
            zombies: Vec::new(),
            leaving: Vec::new(),
            fates: Vec::new(),
            outages: Vec::new(),
            ills: Vec::new(),
            surprises: Vec::new(),
        };
        for _ in 0..WORKERS {
            let worker = fleet.worker().await?;
            fleet.workers.push(worker);
        }
        for slot in 0..SENDERS {
            let sender = fleet.sender(slot).await?;
            fleet.senders.push(sender);
        }
        Ok(fleet)
    }

    /// Where it is written what everybody does and tells.
    pub(crate) const fn files(&self) -> &Files {
        &self.files
    }

    /// What receivers did.
    pub(crate) fn effects(&self) -> Log {
        Log(self.files.effects.clone())
    }

    /// The worker that `act` will stop.
    pub(crate) fn to_stop(&self, act: Act) -> Option<u32> {
        match (act.victim, act.deed) {
            (Victim::Worker(slot), Deed::Stop(_)) => Some(self.workers[slot].pid()),
            (Victim::Worker(_) | Victim::Sender(_) | Victim::Database, _) => None,
        }
    }

    /// Does `act`.
    pub(crate) async fn suffer(&mut self, act: Act) -> anyhow::Result<()> {
        self.look_after()?;
        match (act.victim, act.deed) {
            (Victim::Database, Deed::Ill(ill, lasts)) => self.fall_ill(ill, lasts, act.meanwhile).await?,
            (Victim::Database, Deed::Kill | Deed::Stop(_) | Deed::Ask) => anyhow::bail!("no database does {act:?}"),
            (Victim::Sender(slot), Deed::Ill(ill, lasts)) => {
                let lost = in_no_hole(&mut self.senders, slot).and_then(|member| member.lose_wire(ill, lasts));
                self.lost_wire(ill, lost);
            }
            (Victim::Worker(slot), Deed::Ill(ill, lasts)) => {
                let lost = in_no_hole(&mut self.workers, slot).and_then(|member| member.lose_wire(ill, lasts));
                self.lost_wire(ill, lost);
            }
            (Victim::Sender(slot), Deed::Kill | Deed::Stop(_) | Deed::Ask) => {
                // First one, then the other: they write the same numbers.
                self.fates.push(self.senders[slot].kill()?);
                self.senders[slot] = self.sender(slot).await?;
            }
            (Victim::Worker(slot), Deed::Kill) => {
                self.fates.push(self.workers[slot].kill()?);
                self.workers[slot] = self.worker().await?;
            }
            (Victim::Worker(slot), Deed::Stop(span)) => self.stop(self.workers[slot].pid(), span).await?,
            (Victim::Worker(slot), Deed::Ask) => {
                let asked = self.replace_worker(slot).await?;
                self.ask(asked)?;
            }
        }
        Ok(())
    }

    /// Puts workers where none are any more.
    pub(crate) async fn fill_up(&mut self) -> anyhow::Result<()> {
        while self.workers.len() < WORKERS {
            let worker = self.worker().await?;
            self.workers.push(worker);
        }
        Ok(())
    }

    /// What was seen so far, as if all ended now.
    pub(crate) fn seen(&self, leases: &Leases) -> Seen {
        let at = moment();
        let spared = self.workers.iter().map(|worker| Fate { pid: worker.pid(), what: What::Spared, at });
        Seen {
            fates: self.fates.iter().copied().chain(spared).collect(),
            outages: self.outages.clone(),
            ills: self.ills.clone(),
            surprises: self.surprises.clone(),
            leases: leases.clone(),
        }
    }

    /// Kills worker `pid`, and puts nobody in its place.
    pub(crate) fn bury(&mut self, pid: u32) -> anyhow::Result<()> {
        for mut worker in self.workers.extract_if(.., |worker| worker.pid() == pid) {
            self.fates.push(worker.kill()?);
        }
        Ok(())
    }

    /// Another worker in this place; the one that had it.
    async fn replace_worker(&mut self, slot: usize) -> anyhow::Result<Member> {
        let heir = self.worker().await?;
        Ok(std::mem::replace(&mut self.workers[slot], heir))
    }

    fn tell(&mut self, pid: u32, signal: Signal, what: What) -> anyhow::Result<()> {
        self.fates.push(Fate { pid, what, at: moment() });
        let pid = Pid::from_raw(pid.try_into()?).ok_or_else(|| anyhow::anyhow!("0 is no process"))?;
        Ok(kill_process(pid, signal)?)
    }

    async fn worker(&self) -> anyhow::Result<Member> {
        start::worker::<H::Database>(&self.files, self.host.way().await?)
    }

    async fn sender(&self, slot: usize) -> anyhow::Result<Member> {
        start::sender::<H::Database>(&self.files, self.host.way().await?, slot, self.seed)
    }

    fn members(&self) -> impl Iterator<Item = &Member> {
        let leaving = self.leaving.iter().map(|(member, _)| member);
        let zombies = self.zombies.iter().map(|zombie| &zombie.member);
        self.workers.iter().chain(&self.senders).chain(leaving).chain(zombies)
    }

    /// Everybody who is not stopped.
    fn awake_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        let leaving = self.leaving.iter_mut().map(|(member, _)| member);
        let zombies = self.zombies.iter_mut().filter(|zombie| zombie.awake).map(|zombie| &mut zombie.member);
        self.workers.iter_mut().chain(&mut self.senders).chain(leaving).chain(zombies)
    }
}

impl<H> Drop for Fleet<H> {
    fn drop(&mut self) {
        let leaving = self.leaving.iter_mut().map(|(member, _)| member);
        let zombies = self.zombies.iter_mut().map(|zombie| &mut zombie.member);
        for member in self.workers.iter_mut().chain(&mut self.senders).chain(leaving).chain(zombies) {
            let _ = member.child.kill();
            let _ = member.child.wait();
        }
    }
}
