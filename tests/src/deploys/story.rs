//! The engine: deploys builds in every order, and knows what must come of it.

use std::collections::{BTreeMap, BTreeSet};

use signals_core::delivery::{SignalId, State};
use signals_core::store::LaneCounts;
use signals_core::{Receipt, ReceiverDef, Registry, Signal};
use signals_runtime::Signals;
use signals_runtime::worker::Report;

use crate::fixtures::{PaidV2, Settled, paid};
use crate::stage::Stage;
use crate::{Db, Harness};

/// What releases change.
pub(super) struct Change {
    pub(super) what: &'static str,
    /// The builds, oldest first.
    pub(super) builds: &'static [Build],
    /// Every receiver with all the names that builds know it by.
    pub(super) receivers: &'static [&'static [&'static str]],
}

/// One build of the application.
#[derive(Clone, Copy)]
pub(super) struct Build {
    pub(super) links: &'static [&'static ReceiverDef],
    pub(super) retires: &'static [&'static str],
    pub(super) sends: Sends,
}

/// The signal, as a build knows it.
#[derive(Clone, Copy)]
pub(super) enum Sends {
    Paid,
    PaidV2,
    Settled,
}

/// A build that is started: several processes of it, as far as a database can tell.
pub(super) struct Program<H: Harness> {
    pub(super) signals: Signals<H::Backend>,
    stage: Stage,
    build: Build,
}

impl<H: Harness> Program<H> {
    pub(super) fn of(db: &Db<H>, build: &Build) -> Self {
        let builder = build.links.iter().fold(Registry::builder(), |builder, def| builder.receiver_def(def));
        let builder = build.retires.iter().fold(builder, |builder, name| builder.retired(name));
        let registry = builder.build().expect("a build does not contradict itself");
        let signals = Signals::new(db.harness.backend().clone()).with_registry(registry);
        Self { signals, stage: Stage::default(), build: *build }
    }

    pub(super) async fn send(&self) -> Receipt {
        match self.build.sends {
            Sends::Paid => self.send_one(&paid(7)).await,
            Sends::PaidV2 => self.send_one(&PaidV2 { order: "7".to_owned() }).await,
            Sends::Settled => self.send_one(&Settled { order: 7 }).await,
        }
    }

    async fn send_one<S: Signal>(&self, signal: &S) -> Receipt {
        let mut tx = self.signals.begin().await.expect("a transaction can begin");
        let receipt = signal.send(&mut tx).await.expect("the send succeeds");
        tx.commit().await.expect("the commit succeeds");
        receipt
    }

    /// Runs a worker until nothing is due that it knows; none of the receivers fails.
    pub(super) async fn drain(&self) -> Report {
        let worker = self.signals.worker().state(self.stage.clone()).build().expect("the worker lacks nothing");
        worker.drain().await.expect("no receiver fails")
    }

    /// What waits and neither this program nor a living worker knows.
    pub(super) async fn parked(&self) -> Vec<LaneCounts> {
        self.signals.inspect().parked().await.expect("can be asked").into_iter().map(|parked| parked.lane).collect()
    }
}

/// What happens next, to the build of this index.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// It is started: it registers.
    Start(usize),
    /// It sends once.
    Send(usize),
    /// Its workers run what they know.
    Run(usize),
}

/// The orders in which `builds` can come and go.
fn orders(builds: usize) -> [(&'static str, Vec<Step>); 4] {
    use Step::{Run, Send, Start};
    let up_to = |last: usize| (0..=last).map(Send);
    let from = |first: usize| (first..builds).map(Send);
    let forward = (0..builds).flat_map(|build| [Start(build)].into_iter().chain(up_to(build)).chain([Run(build)]));
    let back = (0..builds).rev().flat_map(|build| [Start(build)].into_iter().chain(from(build)).chain([Run(build)]));
    let released = (0..builds).flat_map(|build| [Start(build), Send(build)]);
    let rolled_back = (0..builds - 1).rev().flat_map(|build| [Start(build), Send(build), Run(build)]);
    let started = (0..builds).map(Start);
    let busy = (0..2 * builds).flat_map(|turn| [Send(turn % builds), Send((turn + 1) % builds), Run(turn % builds)]);
    [
        ("released one after the other", forward.chain((0..builds).map(Run)).collect()),
        ("released and rolled back", released.chain(rolled_back).chain([Run(builds - 1)]).collect()),
        ("all alive at once", started.chain(busy).chain((0..builds).map(Run)).collect()),
        ("the newest registered first", back.chain((0..builds).map(Run)).collect()),
    ]
}

/// Tells the change in every order, each against names that nobody has used.
pub(super) async fn unfold<H: Harness>(_: Db<H>, change: &Change) {
    for (order, steps) in orders(change.builds.len()) {
        let db = Db::<H>::open().await;
        Story::of(db, change, order).tell(&steps).await;
    }
}

/// One order of events, and what must be true by now.
struct Story<'c, H: Harness> {
    db: Db<H>,
    change: &'c Change,
    programs: Vec<Program<H>>,
    registered: BTreeSet<usize>,
    retired: BTreeSet<usize>,
    owed: Vec<Owed>,
    told: String,
}

/// A delivery that must exist.
struct Owed {
    signal: SignalId,
    /// Which of the change's receivers.
    receiver: usize,
    version: u32,
    done: bool,
}

impl<'c, H: Harness> Story<'c, H> {
    fn of(db: Db<H>, change: &'c Change, order: &str) -> Self {
        let stage = Stage::default();
        let program = |build| Program { stage: stage.clone(), ..Program::of(&db, build) };
        let programs = change.builds.iter().map(program).collect();
        let told = format!("{}, {order}:", change.what);
        Self { db, change, programs, registered: BTreeSet::new(), retired: BTreeSet::new(), owed: Vec::new(), told }
    }

    async fn tell(mut self, steps: &[Step]) {
        for step in steps {
            self.told += &format!(" {step:?}");
            match *step {
                Step::Start(build) => self.start(build).await,
                Step::Send(build) => self.send(build).await,
                Step::Run(build) => self.run(build).await,
            }
            self.check_deliveries().await;
        }
        let waits = |owed: &Owed| !owed.done && !self.retired.contains(&owed.receiver);
        assert!(!self.owed.iter().any(waits), "{} every build ran, and something waits", self.told);
    }

    async fn start(&mut self, build: usize) {
        let told = &self.told;
        self.programs[build].signals.register().await.unwrap_or_else(|error| panic!("{told} {error}"));
        let Build { links, retires, .. } = self.change.builds[build];
        let linked: Vec<_> = links.iter().map(|def| self.receiver(def.name)).collect();
        self.registered.extend(linked);
        let retired = retires.iter().map(|name| self.receiver(name)).filter(|gone| self.registered.contains(gone));
        let retired: Vec<_> = retired.collect();
        self.retired.extend(retired);
        let stored = self.db.store.receivers().await.expect("lists");
        let ids: Vec<_> = stored.iter().map(|stored| self.receiver(&stored.name)).collect();
        assert_eq!(ids.len(), self.registered.len(), "{told} one id for all names of a receiver: {stored:?}");
    }

    async fn send(&mut self, build: usize) {
        let receipt = self.programs[build].send().await;
        let version = if matches!(self.change.builds[build].sends, Sends::PaidV2) { 2 } else { 1 };
        let addressed: Vec<_> = self.registered.difference(&self.retired).copied().collect();
        assert_eq!(receipt.deliveries, addressed.len(), "{}", self.told);
        let signal = receipt.signal_id;
        self.owed.extend(addressed.into_iter().map(|receiver| Owed { signal, receiver, version, done: false }));
    }

    async fn run(&mut self, build: usize) {
        let report = self.programs[build].drain().await;
        let mut due = 0;
        for index in 0..self.owed.len() {
            let Owed { receiver, version, done, .. } = self.owed[index];
            if !done && self.knows(build, receiver, version) {
                self.owed[index].done = true;
                due += 1;
            }
        }
        assert_eq!(report.done, due, "{} what the build knows, and nothing else: {report:?}", self.told);
        self.check_parked(build).await;
    }

    /// Whether the build's workers run this lane.
    fn knows(&self, build: usize, receiver: usize, version: u32) -> bool {
        let links = self.change.builds[build].links;
        links.iter().any(|def| def.signal.version == version && self.receiver(def.name) == receiver)
    }

    /// The receiver of this name.
    fn receiver(&self, name: &str) -> usize {
        let named = |names: &&[&str]| names.contains(&name);
        self.change.receivers.iter().position(named).expect("the change lists every name")
    }

    /// One delivery for each signal and receiver, run once or not touched.
    async fn check_deliveries(&self) {
        let mut ids = BTreeMap::new();
        let mut shown = BTreeMap::new();
        for delivery in self.db.all().await {
            let receiver = self.receiver(&delivery.receiver);
            let id = *ids.entry(receiver).or_insert(delivery.id.receiver);
            assert_eq!(id, delivery.id.receiver, "{} one id for one receiver", self.told);
            let counters = (delivery.counters.attempt, delivery.counters.lost_leases, delivery.counters.refunds);
            let seen = shown.insert((delivery.id.signal, receiver), (delivery.state, counters));
            assert_eq!(seen, None, "{} one delivery for one signal and receiver", self.told);
        }
        let expected = |owed: &Owed| if owed.done { (State::Done, (1, 0, 0)) } else { (State::Ready, (0, 0, 0)) };
        let expected = self.owed.iter().map(|owed| ((owed.signal, owed.receiver), expected(owed))).collect();
        assert_eq!(shown, expected, "{} nothing lost, nothing burned", self.told);

        let called = |call: signals_core::Delivery| (call.id.signal, self.receiver(call.receiver));
        let mut called: Vec<_> = self.programs[0].stage.calls().into_iter().map(called).collect();
        called.sort_unstable();
        let done = self.owed.iter().filter(|owed| owed.done);
        let mut done: Vec<_> = done.map(|owed| (owed.signal, owed.receiver)).collect();
        done.sort_unstable();
        assert_eq!(called, done, "{} each receiver was called once for each signal", self.told);
    }

    /// What the build does not know is shown to it as parked, lane by lane.
    async fn check_parked(&self, build: usize) {
        let parked = self.programs[build].parked().await;
        let shown = parked.iter().map(|lane| ((self.receiver(&lane.receiver), lane.lane.version), lane.ready.0));
        let mut expected = BTreeMap::new();
        for owed in self.owed.iter().filter(|owed| !owed.done) {
            *expected.entry((owed.receiver, owed.version)).or_insert(0) += 1;
        }
        assert_eq!(shown.collect::<BTreeMap<_, _>>(), expected, "{} what nobody runs is shown", self.told);
    }
}
