//! What is done to whom, and when: from a seed alone, so that a run can be repeated as far as chance allows.

use std::time::Duration;

use crate::LEASE;

/// How many processes there are.
pub(crate) const WORKERS: usize = 4;
pub(crate) const SENDERS: usize = 3;

/// For how many acts a worker is spared: long enough to see it recover what others leave behind.
const SPARED_FOR: usize = 130;

/// So many acts lie between two ills that everybody feels, give or take a third: after most of them nobody may take a lease
/// over before another is through, and that is to be seen, too.
const APART: usize = 45;

/// One act in so many is done to a single wire.
const WIRES: u8 = 12;

/// The longest pause between two acts.
const PAUSE: Duration = Duration::from_millis(220);

/// The longest that a database is down or has no connection left.
const DOWN: Duration = Duration::from_secs(2);

/// Who it is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    Worker(usize),
    Sender(usize),
    Database,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// `kill -9`.
    Kill,
    /// SIGSTOP, and SIGCONT after this long.
    Stop(Duration),
    /// SIGTERM.
    Ask,
    /// Something that lasts for so long: to the database, or to the wire of one process.
    Ill(Ill, Duration),
}

/// What is done to a database, or to the way there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ill {
    /// Every session is ended.
    Terminate,
    /// It is stopped, and started again.
    Restart,
    /// It is stopped without writing what it has not, and started again.
    Crash,
    /// `kill -9` of it; then it is started again.
    Kill,
    /// Nobody gets a connection any more.
    Exhaust,
    /// The connections of one process are cut.
    Cut,
    /// What one process says and hears is swallowed.
    Hole,
}

impl Ill {
    /// Whether it is done to the wire of one process.
    const fn is_of_a_wire(self) -> bool {
        matches!(self, Self::Cut | Self::Hole)
    }

    /// Whether commits are taken back that did not wait for the disk.
    pub(crate) const fn forgets(self) -> bool {
        matches!(self, Self::Crash | Self::Kill)
    }
}

/// What is done at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Everything.
    All,
    /// Processes are killed, stopped and asked to end; the database and the ways there are left alone.
    Kills,
}

/// One act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    /// How long to let everybody work before it.
    pub(crate) pause: Duration,
    pub(crate) victim: Victim,
    pub(crate) deed: Deed,
}

/// Decides.
#[derive(Debug)]
pub(crate) struct Nemesis {
    chance: fastrand::Rng,
    acts: usize,
    spared: usize,
    wires: Vec<Ill>,
    databases: Vec<Ill>,
    /// Those that everybody feels, in an order of their own, the next one last.
    coming: Vec<Ill>,
    /// The act that is the next of them.
    comes_at: usize,
}

impl Nemesis {
    /// One that knows these `ills`.
    pub(crate) fn new(seed: u64, ills: &[Ill]) -> Self {
        let (wires, databases) = ills.iter().partition(|ill| ill.is_of_a_wire());
        let chance = fastrand::Rng::with_seed(seed);
        Self { chance, acts: 0, spared: 0, wires, databases, coming: Vec::new(), comes_at: APART / 2 }
    }

    /// The next act. Two in five are against senders; of the others one in ten stops, and one in twenty asks.
    pub(crate) fn next(&mut self) -> Act {
        if self.acts.is_multiple_of(SPARED_FOR) {
            self.spared = (self.spared + self.chance.usize(1..WORKERS)) % WORKERS;
        }
        self.acts += 1;
        let pause = PAUSE.mul_f64(self.chance.f64());
        if let Some(ill) = self.ill_of_all() {
            let lasts = DOWN.mul_f64(self.chance.f64());
            return Act { pause, victim: Victim::Database, deed: Deed::Ill(ill, lasts) };
        }
        let ill = self.ill_of_one();
        let victim = if self.chance.u8(0..5) < 2 {
            Victim::Sender(self.chance.usize(0..SENDERS))
        } else {
            Victim::Worker((self.spared + self.chance.usize(1..WORKERS)) % WORKERS)
        };
        let deed = match (ill, victim) {
            (Some(ill), _) => Deed::Ill(ill, LEASE.mul_f64(1.5 * self.chance.f64())),
            (None, Victim::Worker(_)) => self.deed(),
            (None, Victim::Sender(_) | Victim::Database) => Deed::Kill,
        };
        Act { pause, victim, deed }
    }

    /// What is done to a worker.
    fn deed(&mut self) -> Deed {
        match self.chance.u8(0..20) {
            0 | 1 => Deed::Stop(LEASE.mul_f64(1.1 + self.chance.f64() / 2.0)),
            2 => Deed::Ask,
            _ => Deed::Kill,
        }
    }

    /// An ill of the database, when its time has come: each once, before one comes again.
    fn ill_of_all(&mut self) -> Option<Ill> {
        if self.acts < self.comes_at {
            return None;
        }
        self.comes_at = self.acts + APART * 2 / 3 + self.chance.usize(0..=APART * 2 / 3);
        if self.coming.is_empty() {
            self.coming.clone_from(&self.databases);
            self.chance.shuffle(&mut self.coming);
        }
        self.coming.pop()
    }

    /// An ill of one wire, now and then.
    fn ill_of_one(&mut self) -> Option<Ill> {
        if self.wires.is_empty() || self.chance.u8(0..WIRES) > 0 {
            return None;
        }
        self.chance.choice(&self.wires).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ILLS: [Ill; 4] = [Ill::Crash, Ill::Terminate, Ill::Cut, Ill::Hole];

    fn acts(seed: u64, ills: &[Ill], count: usize) -> Vec<Act> {
        let mut nemesis = Nemesis::new(seed, ills);
        (0..count).map(|_| nemesis.next()).collect()
    }

    #[test]
    fn one_seed_is_one_course_of_events() {
        assert_eq!(acts(7, &ILLS, 200), acts(7, &ILLS, 200));
        assert_ne!(acts(7, &ILLS, 200), acts(8, &ILLS, 200));
    }

    #[test]
    fn everybody_is_hit_in_every_way_and_one_worker_is_spared_for_a_while() {
        for ills in [&[][..], &ILLS] {
            let acts = acts(1, ills, SPARED_FOR);
            let hit = |deed: fn(Deed) -> bool| acts.iter().filter(|act| deed(act.deed)).count();
            assert!(hit(|deed| deed == Deed::Kill) > 80);
            assert!(hit(|deed| deed == Deed::Ask) > 0 && hit(|deed| matches!(deed, Deed::Stop(_))) > 0);
            let workers = (0..WORKERS).filter(|worker| acts.iter().any(|act| act.victim == Victim::Worker(*worker)));
            assert_eq!(workers.count(), WORKERS - 1);
        }
    }

    #[test]
    fn every_ill_comes_to_whom_it_can_and_no_other_does() {
        let acts = acts(1, &ILLS, 400);
        for ill in ILLS {
            let mut victims =
                acts.iter().filter(|act| matches!(act.deed, Deed::Ill(done, _) if done == ill)).peekable();
            assert!(victims.peek().is_some(), "{ill:?}");
            assert!(victims.all(|act| (act.victim == Victim::Database) != ill.is_of_a_wire()), "{ill:?}");
        }
    }
}
