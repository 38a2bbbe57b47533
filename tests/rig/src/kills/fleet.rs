//! The processes: started, killed, stopped, continued, asked to end; and the record of what became of each.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signals_runtime::clock::{Clock as _, SystemClock};

use super::nemesis::{Act, Deed, SENDERS, Victim, WORKERS};
use super::{GRACE, LEASE};

/// Where everything of a campaign is.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) database: PathBuf,
    /// What senders intended, and what came of it.
    pub(super) journal: PathBuf,
    /// What receivers did.
    pub(super) effects: PathBuf,
    /// What workers told: their warnings.
    pub(super) events: PathBuf,
}

impl Files {
    pub(super) fn inside(folder: &Path) -> Self {
        let file = |name| folder.join(name);
        Self { database: file("kills.db"), journal: file("journal"), effects: file("effects"), events: file("events") }
    }
}

/// What happened to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Killed,
    Stopped,
    Continued,
    Asked,
    /// It has ended as it was asked to.
    Ended,
    /// It was never touched, and here the record ends.
    Spared,
}

/// What happened to which process, and when, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) pid: u32,
    pub(super) what: What,
    pub(super) at: i64,
}

struct Member {
    child: Child,
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

/// All processes.
pub(super) struct Fleet {
    files: Files,
    workers: Vec<Member>,
    senders: Vec<Member>,
    zombies: Vec<Zombie>,
    /// Asked to end; they must by then.
    leaving: Vec<(Member, Instant)>,
    pub(super) fates: Vec<Fate>,
    /// What should not have happened: a process that ended by itself, or did not when asked.
    pub(super) surprises: Vec<String>,
}

impl Fleet {
    pub(super) fn start(files: Files) -> anyhow::Result<Self> {
        let mut fleet = Self {
            files,
            workers: Vec::new(),
            senders: Vec::new(),
            zombies: Vec::new(),
            leaving: Vec::new(),
            fates: Vec::new(),
            surprises: Vec::new(),
        };
        for _ in 0..WORKERS {
            let worker = fleet.worker()?;
            fleet.workers.push(worker);
        }
        for slot in 0..SENDERS {
            let sender = fleet.sender(slot)?;
            fleet.senders.push(sender);
        }
        Ok(fleet)
    }

    /// How long the record of effects is.
    pub(super) fn written(&self) -> u64 {
        std::fs::metadata(&self.files.effects).map_or(0, |file| file.len())
    }

    /// The worker that `act` stops.
    pub(super) fn to_stop(&self, act: Act) -> Option<u32> {
        match (act.victim, act.deed) {
            (Victim::Worker(slot), Deed::Stop(_)) => Some(self.workers[slot].pid()),
            (Victim::Worker(_) | Victim::Sender(_), Deed::Kill | Deed::Stop(_) | Deed::Ask) => None,
        }
    }

    /// The zombies that are still stopped.
    pub(super) fn asleep(&self) -> Vec<u32> {
        self.zombies.iter().filter(|zombie| !zombie.awake).map(|zombie| zombie.member.pid()).collect()
    }

    /// Continues this zombie the next time that everybody is looked after.
    pub(super) fn wake(&mut self, pid: u32) {
        for zombie in self.zombies.iter_mut().filter(|zombie| zombie.member.pid() == pid) {
            zombie.wakes = zombie.wakes.min(Instant::now());
        }
    }

    /// Does `act`.
    pub(super) fn suffer(&mut self, act: Act) -> anyhow::Result<()> {
        self.look_after()?;
        match (act.victim, act.deed) {
            (Victim::Sender(slot), _) => {
                // First one, then the other: they write the same numbers.
                self.fates.push(self.senders[slot].kill()?);
                self.senders[slot] = self.sender(slot)?;
            }
            (Victim::Worker(slot), Deed::Kill) => {
                self.fates.push(self.workers[slot].kill()?);
                self.workers[slot] = self.worker()?;
            }
            (Victim::Worker(slot), Deed::Stop(span)) => {
                self.tell(self.workers[slot].pid(), Signal::STOP, What::Stopped)?;
                let member = self.replace_worker(slot)?;
                self.zombies.push(Zombie { member, wakes: Instant::now() + span, awake: false });
            }
            (Victim::Worker(slot), Deed::Ask) => {
                let asked = self.replace_worker(slot)?;
                self.ask(asked)?;
            }
        }
        Ok(())
    }

    /// Continues who has been stopped for long enough, and sees to who was asked to end, or ended unasked.
    pub(super) fn look_after(&mut self) -> anyhow::Result<()> {
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
        for member in self.workers.iter_mut().chain(&mut self.senders) {
            if let Some(status) = member.child.try_wait()? {
                anyhow::bail!("process {} ended by itself: {status}", member.child.id());
            }
        }
        let mut still = Vec::new();
        for (mut member, by) in std::mem::take(&mut self.leaving) {
            match member.child.try_wait()? {
                Some(status) if status.success() => {
                    self.fates.push(Fate { pid: member.pid(), what: What::Ended, at: moment() });
                }
                Some(status) => self.surprises.push(format!("L2: {} was asked to end: {status}", member.pid())),
                None if now > by => {
                    self.surprises.push(format!("L2: {} was asked to end and did not", member.pid()));
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
    pub(super) fn calm_down(&mut self) -> anyhow::Result<()> {
        for mut sender in std::mem::take(&mut self.senders) {
            self.fates.push(sender.kill()?);
        }
        for zombie in self.zombies.iter_mut().filter(|zombie| !zombie.awake) {
            zombie.wakes = Instant::now();
        }
        self.look_after()
    }

    /// Whether all that is left are workers that nothing has happened to.
    pub(super) fn is_quiet(&self) -> bool {
        self.senders.is_empty() && self.zombies.is_empty() && self.leaving.is_empty()
    }

    /// Kills worker `pid`, and puts nobody in its place.
    pub(super) fn bury(&mut self, pid: u32) -> anyhow::Result<()> {
        for mut worker in self.workers.extract_if(.., |worker| worker.pid() == pid) {
            self.fates.push(worker.kill()?);
        }
        Ok(())
    }

    /// Asks everybody to end, and waits for that. Who was never touched is written down as such.
    pub(super) fn dismiss(&mut self) -> anyhow::Result<()> {
        for worker in std::mem::take(&mut self.workers) {
            self.fates.push(Fate { pid: worker.pid(), what: What::Spared, at: moment() });
            self.ask(worker)?;
        }
        while !self.leaving.is_empty() || !self.zombies.is_empty() {
            self.look_after()?;
            // tidy: not a wait: the pause of a poll with a deadline
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn ask(&mut self, member: Member) -> anyhow::Result<()> {
        self.tell(member.pid(), Signal::TERM, What::Asked)?;
        self.leaving.push((member, Instant::now() + HANGS));
        Ok(())
    }

    /// Another worker in this place; the one that had it.
    fn replace_worker(&mut self, slot: usize) -> anyhow::Result<Member> {
        let heir = self.worker()?;
        Ok(std::mem::replace(&mut self.workers[slot], heir))
    }

    fn tell(&mut self, pid: u32, signal: Signal, what: What) -> anyhow::Result<()> {
        self.fates.push(Fate { pid, what, at: moment() });
        let pid = Pid::from_raw(pid.try_into()?).ok_or_else(|| anyhow::anyhow!("0 is no process"))?;
        Ok(kill_process(pid, signal)?)
    }

    fn worker(&self) -> anyhow::Result<Member> {
        let [lease, grace] = [LEASE, GRACE].map(|time| time.as_millis().to_string());
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("worker").args([&self.files.database, &self.files.effects]).args([&lease, &grace, "kills."]);
        self.spawn(command)
    }

    fn sender(&self, slot: usize) -> anyhow::Result<Member> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("sender").args([&self.files.database, &self.files.journal]).arg(slot.to_string());
        self.spawn(command)
    }

    fn spawn(&self, mut command: Command) -> anyhow::Result<Member> {
        let events = OpenOptions::new().create(true).append(true).open(&self.files.events)?;
        let child = command.stdout(Stdio::null()).stderr(events).spawn()?;
        Ok(Member { child })
    }
}

impl Member {
    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn kill(&mut self) -> anyhow::Result<Fate> {
        let fate = Fate { pid: self.pid(), what: What::Killed, at: moment() };
        self.child.kill()?;
        self.child.wait()?;
        Ok(fate)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let leaving = self.leaving.iter_mut().map(|(member, _)| member);
        let zombies = self.zombies.iter_mut().map(|zombie| &mut zombie.member);
        for member in self.workers.iter_mut().chain(&mut self.senders).chain(leaving).chain(zombies) {
            let _ = member.child.kill();
            let _ = member.child.wait();
        }
    }
}

fn moment() -> i64 {
    SystemClock.now().as_micros()
}
