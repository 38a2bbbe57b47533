//! What is done to whom, and when: from a seed alone, so that a run can be repeated as far as chance allows.

use std::time::Duration;

use super::LEASE;

/// How many processes there are.
pub(super) const WORKERS: usize = 4;
pub(super) const SENDERS: usize = 3;

/// For how many acts a worker is spared: long enough to see it recover what others leave behind.
const SPARED_FOR: usize = 130;

/// The longest pause between two acts.
const PAUSE: Duration = Duration::from_millis(220);

/// Who it is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victim {
    Worker(usize),
    Sender(usize),
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// `kill -9`.
    Kill,
    /// SIGSTOP, and SIGCONT after this long.
    Stop(Duration),
    /// SIGTERM.
    Ask,
}

/// One act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Act {
    /// How long to let everybody work before it.
    pub(super) pause: Duration,
    pub(super) victim: Victim,
    pub(super) deed: Deed,
}

/// Decides.
#[derive(Debug)]
pub(super) struct Nemesis {
    chance: fastrand::Rng,
    acts: usize,
    spared: usize,
}

impl Nemesis {
    pub(super) fn new(seed: u64) -> Self {
        Self { chance: fastrand::Rng::with_seed(seed), acts: 0, spared: 0 }
    }

    /// The next act. Two in five are against senders; of the others one in ten stops, and one in twenty asks.
    pub(super) fn next(&mut self) -> Act {
        if self.acts.is_multiple_of(SPARED_FOR) {
            self.spared = (self.spared + self.chance.usize(1..WORKERS)) % WORKERS;
        }
        self.acts += 1;
        let pause = PAUSE.mul_f64(self.chance.f64());
        if self.chance.u8(0..5) < 2 {
            return Act { pause, victim: Victim::Sender(self.chance.usize(0..SENDERS)), deed: Deed::Kill };
        }
        let victim = Victim::Worker((self.spared + self.chance.usize(1..WORKERS)) % WORKERS);
        let deed = match self.chance.u8(0..20) {
            0 | 1 => Deed::Stop(LEASE.mul_f64(1.1 + self.chance.f64() / 2.0)),
            2 => Deed::Ask,
            _ => Deed::Kill,
        };
        Act { pause, victim, deed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_course_of_events() {
        let acts = |seed| {
            let mut nemesis = Nemesis::new(seed);
            (0..200).map(|_| nemesis.next()).collect::<Vec<_>>()
        };
        assert_eq!(acts(7), acts(7));
        assert_ne!(acts(7), acts(8));
    }

    #[test]
    fn everybody_is_hit_in_every_way_and_one_worker_is_spared_for_a_while() {
        let mut nemesis = Nemesis::new(1);
        let acts: Vec<Act> = (0..SPARED_FOR).map(|_| nemesis.next()).collect();
        let hit = |deed: fn(Deed) -> bool| acts.iter().filter(|act| deed(act.deed)).count();
        assert!(hit(|deed| deed == Deed::Kill) > 80);
        assert!(hit(|deed| deed == Deed::Ask) > 0 && hit(|deed| matches!(deed, Deed::Stop(_))) > 0);
        let workers = (0..WORKERS).filter(|worker| acts.iter().any(|act| act.victim == Victim::Worker(*worker)));
        assert_eq!(workers.count(), WORKERS - 1);
    }
}
