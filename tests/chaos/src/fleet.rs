//! The processes: started, killed, stopped, continued, cut off, asked to end; and the record of what became of each.

use std::fs::OpenOptions;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

use crate::database::{Database, Host};
use crate::facts::Seen;
use crate::leases::Leases;
use crate::member::{Fate, Member, Outage, What, moment};
use crate::nemesis::{Act, Deed, Ill, SENDERS, Victim, WORKERS};
use crate::{GRACE, LEASE, Log};

/// Where everything of a campaign is.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    /// What receivers did.
    pub(crate) effects: PathBuf,
    /// What workers told: outcomes, and their warnings.
    pub(crate) events: PathBuf,
}

impl Files {
    pub(crate) fn inside(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), effects: folder.join("effects"), events: folder.join("events") }
    }

    /// What each sender intended, and what came of it; the last of them is the campaign's own.
    pub(crate) fn journals(&self) -> impl Iterator<Item = Log> {
        (0..=SENDERS).map(|slot| Log(self.folder.join(format!("journal-{slot}"))))
    }
}

/// A worker that was stopped, and whose place another has taken.
struct Zombie {
    member: Member,
    wakes: Instant,
    awake: bool,
}

/// For how long a zombie goes on before it is asked to end.
const HAUNTS: Duration = Duration::from_secs(1);

/// Who has not ended by then hangs. Whether it ended in time is for the checker to say, who knows what it waited for.
const HANGS: Duration = Duration::from_secs(60);

/// All processes, and what they are over.
pub(crate) struct Fleet<H> {
    host: H,
    files: Files,
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
    pub(crate) async fn start(host: H, files: Files) -> anyhow::Result<Self> {
        let mut fleet = Self {
            host,
            files,
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

    /// How many bytes of effects there are.
    pub(crate) fn written(&self) -> u64 {
        std::fs::metadata(&self.files.effects).map_or(0, |file| file.len())
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

    /// Does `act`.
    pub(crate) async fn suffer(&mut self, act: Act) -> anyhow::Result<()> {
        self.look_after()?;
        match (act.victim, act.deed) {
            (Victim::Database, Deed::Ill(ill, lasts)) => self.fall_ill(ill, lasts).await?,
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

    /// Writes down whose wire suffered `ill`, if there was one.
    fn lost_wire(&mut self, ill: Ill, lost: Option<(Fate, Option<Outage>)>) {
        let Some((fate, outage)) = lost else { return };
        self.fates.push(fate);
        self.outages.extend(outage);
        self.ills.push(ill);
    }

    /// Something happens to the database that everybody feels.
    async fn fall_ill(&mut self, ill: Ill, lasts: Duration) -> anyhow::Result<()> {
        let from = moment();
        if ill != Ill::Exhaust {
            let fates = self.members().map(|member| Fate { pid: member.pid(), what: What::Cut, at: from });
            let fates: Vec<Fate> = fates.collect();
            self.fates.extend(fates);
        }
        self.host.suffer(ill, lasts).await?;
        self.outages.push(Outage { pid: None, from, to: moment(), ill });
        self.ills.push(ill);
        Ok(())
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

    /// Whether all that is left are workers that nothing has happened to.
    pub(crate) fn is_quiet(&self) -> bool {
        self.senders.is_empty()
            && self.zombies.is_empty()
            && self.leaving.is_empty()
            && !self.workers.iter().any(Member::is_in_hole)
    }

    /// Stops worker `pid` for so long at most; another has its place.
    pub(crate) async fn stop(&mut self, pid: u32, span: Duration) -> anyhow::Result<()> {
        let slot = self.workers.iter().position(|worker| worker.pid() == pid).context("it is no worker of ours")?;
        self.tell(pid, Signal::STOP, What::Stopped)?;
        let member = self.replace_worker(slot).await?;
        self.zombies.push(Zombie { member, wakes: Instant::now() + span, awake: false });
        Ok(())
    }

    /// Kills worker `pid`, and puts nobody in its place.
    pub(crate) fn bury(&mut self, pid: u32) -> anyhow::Result<()> {
        for mut worker in self.workers.extract_if(.., |worker| worker.pid() == pid) {
            self.fates.push(worker.kill()?);
        }
        Ok(())
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

    fn ask(&mut self, member: Member) -> anyhow::Result<()> {
        self.tell(member.pid(), Signal::TERM, What::Asked)?;
        self.leaving.push((member, Instant::now() + HANGS));
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
        let [lease, grace] = [LEASE, GRACE].map(|time| time.as_millis().to_string());
        self.spawn("worker", &self.files.effects, &[&lease, &grace]).await
    }

    async fn sender(&self, slot: usize) -> anyhow::Result<Member> {
        let journal = self.files.journals().nth(slot).context("there are as many journals as senders")?;
        self.spawn("sender", &journal.0, &[&slot.to_string()]).await
    }

    async fn spawn(&self, role: &str, log: &Path, rest: &[&str]) -> anyhow::Result<Member> {
        let way = self.host.way().await?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args([role, H::Database::NAME, &way.address]).arg(log).args(rest);
        let events = OpenOptions::new().create(true).append(true).open(&self.files.events)?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(events).spawn()?;
        Ok(Member::new(child, way.wire))
    }
}

/// The member in this place, or the next that is in no black hole.
fn in_no_hole(members: &mut [Member], slot: usize) -> Option<&mut Member> {
    let count = members.len();
    let free = (slot..slot + count).map(|place| place % count).find(|place| !members[*place].is_in_hole())?;
    members.get_mut(free)
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
