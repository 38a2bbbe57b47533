//! What is done to whom, and when: from a seed alone, so that a run can be repeated as far as chance allows.

use std::time::Duration;

use crate::LEASE;

/// How many processes there are.
pub(crate) const WORKERS: usize = 4;
pub(crate) const SENDERS: usize = 3;

/// For how many acts a worker is spared: long enough to see it recover what others leave behind.
const SPARED_FOR: usize = 130;

/// So many acts lie between two ills that everybody feels, give or take a third: after most of them nobody may take a lease
/// over before another is through, and that is to be seen, too. Where there is not enough time for that they are closer, so that
/// each comes once.
const APART: usize = 45;

/// So many acts with ills are followed by as many without, in which recoveries have no excuse. The storm of a minute has both: its
/// forty seconds are some 130 acts on Postgres.
const SPELL: usize = 50;

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
    /// Who is killed in the middle of it, and started again: of what lasts and everybody feels.
    pub(crate) meanwhile: Option<Victim>,
}

/// Decides.
#[derive(Debug)]
pub(crate) struct Nemesis {
    chance: fastrand::Rng,
    acts: usize,
    spared: usize,
    wires: Round,
    /// Those that everybody feels.
    databases: Round,
    /// The act that is the next of them.
    comes_at: usize,
}

/// Ills that come one after the other: each once, in an order of its own, before one comes again.
#[derive(Debug)]
struct Round {
    ills: Vec<Ill>,
    /// The next one last.
    coming: Vec<Ill>,
    came: usize,
}

impl Round {
    const fn of(ills: Vec<Ill>) -> Self {
        Self { ills, coming: Vec::new(), came: 0 }
    }

    fn next(&mut self, chance: &mut fastrand::Rng) -> Option<Ill> {
        if self.coming.is_empty() {
            self.coming.clone_from(&self.ills);
            chance.shuffle(&mut self.coming);
        }
        self.came += 1;
        self.coming.pop()
    }

    /// Whether each has come.
    const fn is_through(&self) -> bool {
        self.came >= self.ills.len()
    }

    /// Whether one must come now, if each is to come before the storm is over of which so much is past.
    fn is_late(&self, past: f64) -> bool {
        !self.is_through() && past * self.ills.len() as f64 >= self.came as f64 + 0.5
    }
}

impl Nemesis {
    /// One that knows these `ills`.
    pub(crate) fn new(seed: u64, ills: &[Ill]) -> Self {
        let (wires, databases) = ills.iter().partition(|ill| ill.is_of_a_wire());
        let (wires, databases) = (Round::of(wires), Round::of(databases));
        let chance = fastrand::Rng::with_seed(seed);
        Self { chance, acts: 0, spared: 0, wires, databases, comes_at: APART / 2 }
    }

    /// Whether every ill has come.
    pub(crate) const fn is_through(&self) -> bool {
        self.wires.is_through() && self.databases.is_through()
    }

    /// The next act, when so much of the storm is past, of 1; 0 where that does not matter. Two in five are against senders; of the
    /// others one in ten stops, and one in twenty asks.
    pub(crate) fn next(&mut self, past: f64) -> Act {
        if self.acts.is_multiple_of(SPARED_FOR) {
            self.spared = (self.spared + self.chance.usize(1..WORKERS)) % WORKERS;
        }
        self.acts += 1;
        let pause = PAUSE.mul_f64(self.chance.f64());
        if let Some(ill) = self.ill_of_all(past) {
            let lasts = DOWN.mul_f64(self.chance.f64());
            let meanwhile = Some(self.process());
            return Act { pause, victim: Victim::Database, deed: Deed::Ill(ill, lasts), meanwhile };
        }
        let ill = self.ill_of_one(past);
        let victim = self.process();
        let deed = match (ill, victim) {
            (Some(ill), _) => Deed::Ill(ill, LEASE.mul_f64(1.5 * self.chance.f64())),
            (None, Victim::Worker(_)) => self.deed(),
            (None, Victim::Sender(_) | Victim::Database) => Deed::Kill,
        };
        Act { pause, victim, deed, meanwhile: None }
    }

    /// A sender, or a worker that is not spared.
    fn process(&mut self) -> Victim {
        if self.chance.u8(0..5) < 2 {
            Victim::Sender(self.chance.usize(0..SENDERS))
        } else {
            Victim::Worker((self.spared + self.chance.usize(1..WORKERS)) % WORKERS)
        }
    }

    /// What is done to a worker.
    fn deed(&mut self) -> Deed {
        match self.chance.u8(0..20) {
            0 | 1 => Deed::Stop(LEASE.mul_f64(1.1 + self.chance.f64() / 2.0)),
            2 => Deed::Ask,
            _ => Deed::Kill,
        }
    }

    /// Whether the database and the wires are well for a while. What should have come by then comes after it; when the storm should
    /// be over there is no time for that.
    fn is_fair(&self, past: f64) -> bool {
        (self.acts / SPELL) % 2 == 1 && past < 1.0
    }

    /// An ill of the database, when its time has come.
    fn ill_of_all(&mut self, past: f64) -> Option<Ill> {
        if self.is_fair(past) || (self.acts < self.comes_at && !self.databases.is_late(past)) {
            return None;
        }
        self.comes_at = self.acts + APART * 2 / 3 + self.chance.usize(0..=APART * 2 / 3);
        self.databases.next(&mut self.chance)
    }

    /// An ill of one wire, now and then.
    fn ill_of_one(&mut self, past: f64) -> Option<Ill> {
        if self.is_fair(past) || (self.chance.u8(0..WIRES) > 0 && !self.wires.is_late(past)) {
            return None;
        }
        self.wires.next(&mut self.chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ILLS: [Ill; 4] = [Ill::Crash, Ill::Terminate, Ill::Cut, Ill::Hole];

    fn acts(seed: u64, ills: &[Ill], count: usize) -> Vec<Act> {
        let mut nemesis = Nemesis::new(seed, ills);
        (0..count).map(|_| nemesis.next(0.0)).collect()
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
    fn every_ill_comes_once_before_the_storm_is_over_however_few_its_acts_are() {
        for seed in 0..50 {
            let mut nemesis = Nemesis::new(seed, &ILLS);
            let acts: Vec<Act> = (0..20).map(|nth| nemesis.next(f64::from(nth) / 20.0)).collect();
            let came = |ill| acts.iter().any(|act| matches!(act.deed, Deed::Ill(done, _) if done == ill));
            assert!(ILLS.into_iter().all(came) && nemesis.is_through(), "{seed}: {acts:?}");
        }
        let mut patient = Nemesis::new(1, &ILLS);
        assert!((0..20).all(|_| patient.next(0.0).victim != Victim::Database) && !patient.is_through());
    }

    /// Of a minute on Postgres, in all its length and when the machine lets half as many acts happen.
    #[test]
    fn a_storm_of_a_minute_has_a_spell_of_ills_and_a_fair_one_and_every_ill_comes() {
        for (seed, acts) in (0..50).flat_map(|seed| [(seed, 130), (seed, 75)]) {
            let mut nemesis = Nemesis::new(seed, &ILLS);
            let mut nth = 0;
            let ills: Vec<bool> = std::iter::from_fn(|| {
                let past = f64::from(nth) / f64::from(acts);
                nth += 1;
                let goes_on = past < 1.0 || !nemesis.is_through();
                goes_on.then(|| matches!(nemesis.next(past).deed, Deed::Ill(..)))
            })
            .collect();
            let count = |acts: &[bool]| acts.iter().filter(|is_ill| **is_ill).count();
            let fair = SPELL - 1..(2 * SPELL - 1).min(usize::try_from(acts).expect("few"));
            assert!(count(&ills[..SPELL - 1]) > 0, "{seed}");
            assert_eq!(count(&ills[fair]), 0, "{seed}");
            assert!(nemesis.is_through() && ills.len() < 150, "{seed}: {} acts", ills.len());
        }
    }

    #[test]
    fn ills_come_in_spells() {
        let acts = acts(1, &ILLS, 4 * SPELL);
        let ills = |spell: usize| {
            let acts = acts.iter().skip(spell * SPELL).take(SPELL - 1);
            acts.filter(|act| matches!(act.deed, Deed::Ill(..))).count()
        };
        assert!(ills(0) > 0 && ills(2) > 0, "{} {}", ills(0), ills(2));
        assert_eq!((ills(1), ills(3)), (0, 0));
    }

    #[test]
    fn every_ill_comes_to_whom_it_can_and_no_other_does() {
        let acts = acts(1, &ILLS, 400);
        for ill in ILLS {
            let mut victims =
                acts.iter().filter(|act| matches!(act.deed, Deed::Ill(done, _) if done == ill)).peekable();
            assert!(victims.peek().is_some(), "{ill:?}");
            let fits = |act: &Act| {
                let is_everybodys = act.victim == Victim::Database;
                is_everybodys != ill.is_of_a_wire() && is_everybodys == act.meanwhile.is_some()
            };
            assert!(victims.all(fits), "{ill:?}");
        }
    }
}
