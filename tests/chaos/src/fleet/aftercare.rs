//! What becomes of those who were stopped, or asked to end, and who sees to it.

use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::Signal;

use super::Fleet;
use crate::database::Host;
use crate::member::{Fate, Member, Outage, What, moment};

/// A worker that was stopped, and whose place another has taken.
pub(super) struct Zombie {
    pub(super) member: Member,
    wakes: Instant,
    pub(super) awake: bool,
}

/// For how long a zombie goes on before it is asked to end.
const HAUNTS: Duration = Duration::from_secs(1);

/// Who has not ended by then hangs. Whether it ended in time is for the checker to say, who knows what it waited for.
const HANGS: Duration = Duration::from_secs(60);

impl<H: Host> Fleet<H> {
    /// The zombies that are still stopped.
    pub(crate) fn asleep(&self) -> Vec<u32> {
        self.zombies.iter().filter(|zombie| !zombie.awake).map(|zombie| zombie.member.pid()).collect()
    }

    /// Continues this zombie the next time that everybody is looked after.
    pub(crate) fn wake(&mut self, pid: u32) {
        for zombie in self.zombies.iter_mut().filter(|zombie| zombie.member.pid() == pid) {
            zombie.wakes = zombie.wakes.min(Instant::now());
        }
    }

    /// Stops worker `pid` for so long at most; another has its place.
    pub(crate) async fn stop(&mut self, pid: u32, span: Duration) -> anyhow::Result<()> {
        let slot = self.workers.iter().position(|worker| worker.pid() == pid).context("it is no worker of ours")?;
        self.tell(pid, Signal::STOP, What::Stopped)?;
        let member = self.replace_worker(slot).await?;
        self.zombies.push(Zombie { member, wakes: Instant::now() + span, awake: false });
        Ok(())
    }

    /// Whether all that is left are workers that nothing has happened to.
    pub(crate) fn is_quiet(&self) -> bool {
        self.senders.is_empty()
            && self.zombies.is_empty()
            && self.leaving.is_empty()
            && !self.workers.iter().any(Member::is_in_hole)
    }

    /// Continues who has been stopped for long enough, and sees to who was asked to end, or ended unasked.
    pub(crate) fn look_after(&mut self) -> anyhow::Result<()> {
        let ended: Vec<(Outage, Option<Fate>)> = self.awake_mut().filter_map(Member::leave_hole).collect();
        for (outage, fate) in ended {
            self.outages.push(outage);
            self.fates.extend(fate);
        }
        self.look_after_zombies()?;
        for member in self.workers.iter_mut().chain(&mut self.senders) {
            if let Some(status) = member.child.try_wait()? {
                anyhow::bail!("process {} ended by itself: {status}", member.child.id());
            }
        }
        self.look_after_leaving()
    }

    fn look_after_zombies(&mut self) -> anyhow::Result<()> {
        let now = Instant::now();
        for mut zombie in std::mem::take(&mut self.zombies) {
            if !zombie.awake && now >= zombie.wakes {
                zombie.awake = true;
                self.tell(zombie.member.pid(), Signal::CONT, What::Continued)?;
            }
            if zombie.awake && now >= zombie.wakes + HAUNTS {
                self.ask(zombie.member)?;
            } else {
                self.zombies.push(zombie);
            }
        }
        Ok(())
    }

    fn look_after_leaving(&mut self) -> anyhow::Result<()> {
        let mut still = Vec::new();
        for (mut member, by) in std::mem::take(&mut self.leaving) {
            match member.child.try_wait()? {
                Some(status) if status.success() => {
                    self.fates.push(Fate { pid: member.pid(), what: What::Ended, at: moment() });
                }
                Some(status) if status.signal() == Some(Signal::TERM.as_raw()) => {
                    self.fates.push(Fate { pid: member.pid(), what: What::Felled, at: moment() });
                }
                Some(status) => self.surprises.push(("L2", format!("{} was asked to end: {status}", member.pid()))),
                None if Instant::now() > by => {
                    self.surprises.push(("L2", format!("{} was asked to end and did not", member.pid())));
                    member.child.kill()?;
                    member.child.wait()?;
                }
                None => still.push((member, by)),
            }
        }
        self.leaving = still;
        Ok(())
    }

    /// The end of the killing: the senders go, the workers go on.
    pub(crate) fn calm_down(&mut self) -> anyhow::Result<()> {
        for mut sender in std::mem::take(&mut self.senders) {
            self.fates.push(sender.kill()?);
        }
        for zombie in self.zombies.iter_mut().filter(|zombie| !zombie.awake) {
            zombie.wakes = Instant::now();
        }
        self.look_after()
    }

    /// Asks everybody to end, and waits for that. Who was never touched is written down as such.
    pub(crate) async fn dismiss(&mut self) -> anyhow::Result<()> {
        for worker in std::mem::take(&mut self.workers) {
            self.fates.push(Fate { pid: worker.pid(), what: What::Spared, at: moment() });
            self.ask(worker)?;
        }
        while !self.leaving.is_empty() || !self.zombies.is_empty() {
            self.look_after()?;
            // tidy: not a wait: the pause of a poll with a deadline
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    pub(super) fn ask(&mut self, member: Member) -> anyhow::Result<()> {
        self.tell(member.pid(), Signal::TERM, What::Asked)?;
        self.leaving.push((member, Instant::now() + HANGS));
        Ok(())
    }
}
