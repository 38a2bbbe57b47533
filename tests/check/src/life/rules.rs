//! What each act does: guarded by the table, counted by the library's own counters.

use signals_core::delivery::{Guard, Rule, State, Transition};
use signals_core::retry::Decision;
use signals_core::token::Token;

use super::world::{Hold, Image, Phase, Row, World};
use super::{Act, ENDINGS, Flaw, Life};

impl Life {
    /// What a worker may do with the attempt that it believes to hold.
    pub(super) fn attempt(&self, worker: usize, hold: Hold, acts: &mut Vec<Act>) {
        let started = hold.phase == Phase::Started;
        let gives_up = self.policy.next(hold.attempt) == Decision::GiveUp;
        let allowed = self.policy.allows(hold.attempt) || self.is(Flaw::RunsWhatIsUsedUp);
        let sensible = |ending: &Transition| match ending {
            Transition::Renew | Transition::Release => true,
            Transition::Ack => hold.phase == Phase::Returned || self.is(Flaw::AcknowledgesBeforeItRuns),
            Transition::Retry => started && !gives_up,
            Transition::Exhaust => (started && gives_up) || !allowed,
            _ => started,
        };
        acts.extend(ENDINGS.into_iter().filter(sensible).map(|ending| Act::Finish(worker, ending)));
        match hold.phase {
            Phase::Claimed if allowed => acts.push(Act::Start(worker)),
            Phase::Claimed => {}
            Phase::Started => acts.push(Act::Return(worker)),
            Phase::Returned => {}
        }
    }

    /// The world after `act`; `None` when nothing happens.
    pub(super) fn take(&self, before: &World, act: Act) -> Option<World> {
        let mut world = before.clone();
        world.past.told_stale = false;
        match act {
            Act::Send => self.send(&mut world)?,
            Act::Enlist(worker) => self.enlist(&mut world, worker),
            Act::Claim(worker) => self.claim(&mut world, worker, Transition::Claim)?,
            Act::Steal(worker) => self.claim(&mut world, worker, Transition::Steal)?,
            Act::Start(worker) => start(&mut world, worker)?,
            Act::Return(worker) => self.give_back(&mut world, worker)?,
            Act::Finish(worker, ending) => self.finish(&mut world, worker, ending)?,
            Act::ByHand(transition) => {
                self.change(&mut world.seen, transition, None, false)?;
                world.safe = world.seen.clone();
            }
            Act::Prune => {
                self.change(&mut world.seen, Transition::Prune, None, false)?;
                world.seen.pruned = true;
            }
            Act::LeaseEnds => world.overdue = true,
            Act::Kill(worker) => {
                world.workers[worker] = Default::default();
                world.past.kills += 1;
            }
            Act::Flush => world.safe = world.seen.clone(),
            Act::Crash => {
                world.seen = world.safe.clone();
                world.past.crashes += 1;
                // Until when the lease is that the log remembers, anybody may guess: it ends again when it ends.
                world.overdue = false;
            }
        }
        let claims = matches!(act, Act::Claim(_) | Act::Steal(_));
        if claims && self.durable_claims && !self.is(Flaw::DurableClaimsDoNotWait) {
            world.safe = world.seen.clone();
        }
        if world.past.crashes == self.crashes {
            // No crash will ever tell the difference.
            world.safe = world.seen.clone();
        }
        (world != *before).then_some(world)
    }

    fn rule(&self, transition: Transition) -> &Rule {
        self.rules.iter().find(|rule| rule.transition == transition).expect("the table has every line")
    }

    /// Makes a transition if the table allows it: where it comes from and the guard of its first write.
    fn change(&self, image: &mut Image, transition: Transition, by: Option<&Hold>, overdue: bool) -> Option<()> {
        let rule = self.rule(transition);
        let row = image.row.as_mut()?;
        let to = rule.step(Some(row.state))?;
        let held = || by.is_some_and(|hold| row.token == Some(hold.token) && row.life == hold.life);
        let passes = match rule.guard {
            // When something is due and when it is old is the clock's to say, and here the clock says it at any time.
            Guard::State | Guard::Due | Guard::Age => true,
            Guard::Token => held(),
            Guard::LeaseExpired => overdue,
        };
        if !passes {
            return None;
        }
        let Some(to) = to else {
            image.row = None;
            return Some(());
        };
        row.state = to;
        row.settlings += u8::from(to.is_settled());
        if to != State::Running {
            row.token = None;
        }
        if transition == Transition::Redrive {
            row.life += 1;
            (row.counters, row.effects, row.settlings) = Default::default();
        }
        Some(())
    }

    fn send(&self, world: &mut World) -> Option<()> {
        let state = self.rule(Transition::Send).step(None)??;
        world.seen.sent = true;
        let (life, token, claim, claims, effects, settlings) = Default::default();
        world.seen.row = Some(Row { state, life, counters: self.worn, token, claim, claims, effects, settlings });
        world.safe = world.seen.clone();
        Some(())
    }

    /// A durable insert into `worker`, whatever was drawn before. Nothing else is committed by it that was not.
    fn enlist(&self, world: &mut World, worker: usize) {
        world.workers[worker].incarnation = Some(world.seen.incarnations);
        world.seen.incarnations += 1;
        if !self.is(Flaw::IncarnationsAreNotDurable) {
            world.safe = world.seen.clone();
        }
    }

    /// T2 or T9, the burial included. Whether it is durable is seen to by [`take`](Self::take).
    fn claim(&self, world: &mut World, number: usize, how: Transition) -> Option<()> {
        let row = world.seen.row.as_ref()?;
        let (counters, how) = match how {
            Transition::Steal => row.counters.lease_lost(),
            _ => (row.counters.claimed(), how),
        };
        let (counters, how) = match how {
            Transition::Crash if self.is(Flaw::NeverBuries) => (counters, Transition::Steal),
            how => (counters, how),
        };
        self.change(&mut world.seen, how, None, world.overdue)?;
        world.overdue = false;
        let worker = &mut world.workers[number];
        let Some(row) = world.seen.row.as_mut() else { return Some(()) };
        row.counters = counters;
        if row.state != State::Running {
            return Some(());
        }
        world.past.claims += 1;
        row.claims += 1;
        row.claim = world.past.claims;
        let (incarnation, n) = match self.flaw {
            Some(Flaw::TokensAreCountedInTheRow) => (0, row.claims),
            _ => (worker.incarnation?, worker.drawn),
        };
        let token = Token::from_bits(u64::from(incarnation) << 32 | u64::from(n));
        worker.drawn += 1;
        row.token = Some(token);
        let attempt = row.counters.attempt;
        worker.hold = Some(Hold { token, life: row.life, attempt, claim: row.claim, phase: Phase::Claimed });
        Some(())
    }

    /// The receiver returns `Ok`.
    fn give_back(&self, world: &mut World, worker: usize) -> Option<()> {
        let hold = world.workers[worker].hold.as_mut()?;
        hold.phase = Phase::Returned;
        world.past.returned[hold.life] = true;
        if self.transactional && self.is(Flaw::EffectsCommitFirst) {
            world.seen.row.as_mut()?.effects += 1;
            world.safe = world.seen.clone();
        }
        Some(())
    }

    /// T3 to T8, under the token of what the worker believes to hold; what matched nothing it is told, and lets go.
    fn finish(&self, world: &mut World, number: usize, ending: Transition) -> Option<()> {
        let hold = world.workers[number].hold?;
        let running = |row: &Row| row.state == State::Running && row.claim == hold.claim;
        let its_own = world.seen.row.as_ref().is_some_and(running);
        let happened = self.change(&mut world.seen, ending, Some(&hold), world.overdue).is_some();
        world.past.fence_failed |= happened != its_own;
        if ending == Transition::Renew && happened {
            world.overdue = false;
            return Some(());
        }
        world.workers[number].hold = None;
        if !happened {
            world.past.told_stale = true;
            return Some(());
        }
        let Some(row) = world.seen.row.as_mut() else { return Some(()) };
        match ending {
            Transition::Ack if self.transactional && !self.is(Flaw::EffectsCommitFirst) => row.effects += 1,
            Transition::Snooze | Transition::Release => {
                let refunds = row.counters.refunds;
                row.counters = row.counters.refunded();
                if self.is(Flaw::RefundsWithoutLimit) {
                    row.counters.refunds = refunds;
                }
            }
            _ => {}
        }
        world.safe = world.seen.clone();
        Some(())
    }
}

/// The receiver is called.
fn start(world: &mut World, worker: usize) -> Option<()> {
    let hold = world.workers[worker].hold.as_mut()?;
    hold.phase = Phase::Started;
    let past = &mut world.past;
    past.starts[hold.life] += 1;
    match past.started.binary_search_by_key(&hold.token.bits(), |token| token.bits()) {
        Ok(_) => past.started_twice = true,
        Err(place) => past.started.insert(place, hold.token),
    }
    Some(())
}
