//! One transaction that writes business data and sends, beside programs that register receivers and operators who retire
//! them, in a database that crashes: I1 and I14.
//!
//! ```text
//!   sender:  begin ── write ── send ── [savepoint … undo] ── commit      any of it may be followed by a kill
//!                               │ one statement, one snapshot: everybody who is registered then
//!   others:       register(1), register(2), retire(2) at any time
//! ```
//!
//! Whom a send addresses is said by the library's own rule, [`signals_core::audience`]. The promise that it is held to is said
//! here, in other words.

use signals_core::audience::{self, Listener};
use stateright::{Model, Property};

/// How many receivers the signal has. The first is linked into the sending program; the others into other programs.
pub const RECEIVERS: usize = 3;

/// A set of receivers.
pub type Receivers = [bool; RECEIVERS];

const NOBODY: Receivers = [false; RECEIVERS];

/// What the sending program links.
const LINKED: Receivers = [true, false, false];

/// The model.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fanout {
    /// What is wrong.
    pub flaw: Option<Flaw>,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A send addresses what its own program links.
    AddressesTheLinkedOnly,
    /// A send addresses what is registered, and says nothing of linked receivers that are not.
    PassesByTheUnregistered,
    /// A send writes on a connection of its own.
    SendsBesideTheTransaction,
    /// A send inserts receiver by receiver, and one that fails between two leaves the first.
    InsertsOneByOne,
    /// A transaction commits though a send in it has failed.
    CommitsAfterAFailedSend,
    /// A savepoint that is rolled back keeps its sends.
    KeepsUndoneSends,
}

/// One state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scene {
    /// The tables, as every connection sees them.
    pub seen: Tables,
    /// The tables, as a crash leaves them.
    pub safe: Tables,
    /// The transaction in progress.
    pub tx: Option<Part>,
    /// The savepoint in it: what there was.
    pub savepoint: Option<Part>,
    /// The transaction ended, one way or the other.
    pub over: bool,
    /// The database crashed before.
    pub crashed: bool,
}

/// The tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tables {
    /// Who is registered.
    pub registered: Receivers,
    /// Who is retired.
    pub retired: Receivers,
    /// Committed deliveries.
    pub deliveries: Receivers,
    /// What else the transaction committed; `None`: it did not.
    pub committed: Option<Part>,
}

/// What a transaction has done by now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Part {
    /// Its deliveries.
    pub deliveries: Receivers,
    /// Whom its successful send owed a delivery, by the promise.
    pub owed: Receivers,
    /// It has sent.
    pub sent: bool,
    /// A send in it has failed.
    pub failed: bool,
}

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A program registers this receiver.
    Register(usize),
    /// An operator retires it.
    Retire(usize),
    /// The application begins, and writes business data.
    Begin,
    /// It sends.
    Send,
    /// Its send fails in the middle: a time-out, a deadlock, a future that was dropped.
    SendFails,
    /// It opens a savepoint.
    Savepoint,
    /// It rolls back to it.
    Undo,
    /// It commits, or tries to.
    Commit,
    /// It rolls back, is killed, or loses its connection.
    End,
    /// The database crashes: registrations that were not flushed are lost. A commit is durable, and flushes them.
    Crash,
}

impl Fanout {
    fn is(self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// The send's statement: whom it addresses, or that it refuses.
    fn address(self, tables: &Tables) -> Option<Receivers> {
        if self.is(Flaw::AddressesTheLinkedOnly) {
            return Some(LINKED);
        }
        let listener = |receiver| Listener { receiver, retired: tables.retired[receiver] };
        let registered: Vec<_> = (0..RECEIVERS).filter(|receiver| tables.registered[*receiver]).map(listener).collect();
        let names = |receiver: &usize| LINKED[*receiver] && !self.is(Flaw::PassesByTheUnregistered);
        let linked = (0..RECEIVERS).filter(names).map(|receiver| (receiver, Some(receiver)));
        let addressed = audience::of(&registered, linked).ok()?;
        Some(std::array::from_fn(|receiver| addressed.contains(&receiver)))
    }

    fn send(self, scene: &mut Scene, fails: bool) -> Option<()> {
        let addressed = self.address(&scene.seen).filter(|_| !fails);
        // The promise, in its own words: linked, or registered before the snapshot, unless retired.
        let tables = scene.seen;
        let owed = |receiver: usize| (LINKED[receiver] || tables.registered[receiver]) && !tables.retired[receiver];
        let part = scene.tx.as_mut()?;
        match addressed {
            Some(addressed) if self.is(Flaw::SendsBesideTheTransaction) => {
                (scene.seen.deliveries, scene.safe) = (addressed, scene.seen);
                (part.sent, part.owed) = (true, std::array::from_fn(owed));
            }
            Some(deliveries) => {
                *part = Part { deliveries, owed: std::array::from_fn(owed), sent: true, failed: part.failed };
            }
            None => {
                part.failed = true;
                if fails && self.is(Flaw::InsertsOneByOne) {
                    part.deliveries[0] = true;
                }
            }
        }
        Some(())
    }

    fn commit(self, scene: &mut Scene) -> Option<()> {
        let part = scene.tx.take()?;
        scene.over = true;
        let spoiled = part.failed && !self.is(Flaw::CommitsAfterAFailedSend) && !self.is(Flaw::InsertsOneByOne);
        if spoiled {
            return Some(());
        }
        scene.seen.committed = Some(part);
        if !self.is(Flaw::SendsBesideTheTransaction) {
            scene.seen.deliveries = part.deliveries;
        }
        scene.safe = scene.seen;
        Some(())
    }

    fn take(self, before: &Scene, act: Act) -> Option<Scene> {
        let mut scene = before.clone();
        match act {
            Act::Register(receiver) => scene.seen.registered[receiver] = true,
            Act::Retire(receiver) => scene.seen.retired[receiver] = true,
            Act::Begin => scene.tx = Some(Part::default()),
            Act::Send => self.send(&mut scene, false)?,
            Act::SendFails => self.send(&mut scene, true)?,
            Act::Savepoint => scene.savepoint = Some(scene.tx?),
            Act::Undo => {
                let part = scene.savepoint.take()?;
                let tx = scene.tx.as_mut()?;
                let deliveries = if self.is(Flaw::KeepsUndoneSends) { tx.deliveries } else { part.deliveries };
                *tx = Part { deliveries, ..part };
            }
            Act::Commit => self.commit(&mut scene)?,
            Act::End => (scene.tx, scene.over) = (None, true),
            Act::Crash => {
                (scene.seen, scene.crashed) = (scene.safe, true);
                scene.over |= scene.tx.take().is_some();
            }
        }
        (scene != *before).then_some(scene)
    }
}

impl Model for Fanout {
    type State = Scene;
    type Action = Act;

    fn init_states(&self) -> Vec<Scene> {
        vec![Scene::default()]
    }

    fn actions(&self, scene: &Scene, acts: &mut Vec<Act>) {
        acts.extend((0..RECEIVERS).map(Act::Register));
        // One is enough to tell whether retirement is heeded; the linked one is retired, too: retired wins.
        acts.extend([0, 2].into_iter().filter(|receiver| scene.seen.registered[*receiver]).map(Act::Retire));
        match &scene.tx {
            None if !scene.over => acts.push(Act::Begin),
            None => {}
            Some(tx) => {
                acts.extend([Act::SendFails, Act::Savepoint, Act::Undo, Act::Commit, Act::End]);
                if !tx.sent {
                    acts.push(Act::Send);
                }
            }
        }
        if !scene.crashed {
            acts.push(Act::Crash);
        }
    }

    fn next_state(&self, scene: &Scene, act: Act) -> Option<Scene> {
        self.take(scene, act)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("I1 atomic", |_, scene: &Scene| {
                both(scene, |tables| match tables.committed {
                    None => tables.deliveries == NOBODY,
                    Some(part) => part.sent || tables.deliveries == NOBODY,
                })
            }),
            Property::always("I1 no commit after a failed send", |_, scene: &Scene| {
                both(scene, |tables| tables.committed.is_none_or(|part| !part.failed))
            }),
            Property::always("I14 complete fan-out", |_, scene: &Scene| {
                both(scene, |tables| tables.committed.is_none_or(|part| !part.sent || tables.deliveries == part.owed))
            }),
            Property::sometimes("everybody is reached", |_, scene: &Scene| scene.seen.deliveries == [true; RECEIVERS]),
            Property::sometimes("a receiver registered after the snapshot is not", |_, scene: &Scene| {
                scene.seen.committed.is_some_and(|part| part.sent)
                    && scene.seen.registered[1]
                    && !scene.seen.deliveries[1]
            }),
            Property::sometimes("a commit without its undone send", |_, scene: &Scene| {
                scene.seen.committed.is_some_and(|part| !part.sent) && scene.over
            }),
            Property::sometimes(
                "nobody is reached, as the sender linked nobody who is registered",
                |_, scene: &Scene| scene.over && scene.seen.committed.is_none() && scene.seen.registered == NOBODY,
            ),
        ]
    }
}

fn both(scene: &Scene, keep: impl Fn(&Tables) -> bool) -> bool {
    keep(&scene.seen) && keep(&scene.safe)
}
