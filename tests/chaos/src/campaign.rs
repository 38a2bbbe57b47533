//! One campaign: start everybody, kill until it is enough, let them finish, look at what is left.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use signals_runtime::{Backend, Signals};

use crate::app::RECEIVERS;
use crate::calm;
use crate::check::{Finding, by_turns, check};
use crate::database::{Database, Host};
use crate::facts::{Facts, Seen};
use crate::figures::Figures;
use crate::files::Files;
use crate::fleet::Fleet;
use crate::history;
use crate::leases::Leases;
use crate::member::What;
use crate::nemesis::{Act, Mix, Nemesis};
use crate::sender::repeat_open;
use crate::{recovery, worth};

/// How long the workers may take for what is left at the end, and how long nothing at all may be settled: leases expire, and
/// what failed is due again, long before.
const PATIENCE: Duration = Duration::from_secs(120);
const STANDSTILL: Duration = Duration::from_secs(30);

/// How often it is told how far it is.
const PROGRESS: Duration = Duration::from_secs(2);

/// The most findings that are shown, and the most with their histories.
const SHOWN: usize = 20;
const WITH_HISTORY: usize = 3;

/// What a campaign of so many seconds keeps of them for its start, for what is left at the end, and for the last act.
const AFTERWARDS: Duration = Duration::from_secs(20);

/// When the storm is over.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After so many kills.
    Killed(u64),
    /// So that the whole takes about so long.
    Elapsed(Duration),
}

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// When the storm is over.
    pub until: Until,
    /// What chance begins with.
    pub seed: u64,
    /// What the nemesis does.
    pub mix: Mix,
    /// Whether the figures are printed as one line of JSON.
    pub json: bool,
}

/// Runs a campaign with its records in `folder`, which is left as it is; whether every promise was kept. Progress goes to
/// stderr, figures and findings to stdout.
///
/// # Errors
///
/// Returns an error when a process cannot be started, or ends by itself.
pub async fn run<H: Host>(folder: &Path, options: Options) -> anyhow::Result<bool> {
    let files = Files::inside(folder);
    let began = Instant::now();
    let host = H::start(folder).await?;
    let signals = H::Database::open(&host.address()).await?;
    let mut campaign = Campaign {
        fleet: Fleet::start(host, files.clone(), options.seed).await?,
        signals,
        leases: Leases::default(),
        progress: Progress { began, told: began, options },
    };
    let took = campaign.storm(options).await?;
    let (seen, unplayed) = campaign.end(&files).await?;
    let facts = Facts::gather::<H::Database>(&files, &campaign.signals, seen).await?;

    let mut findings = check(&facts);
    let figures = Figures::of(&facts, took);
    let of_the_rig = worth::failures(&figures, &facts.ills, H::ills(), options, unplayed).into_iter();
    findings.extend(of_the_rig.map(|evidence| Finding { promise: "rig", evidence, order: None }));
    let findings = by_turns(findings);
    tell(&files, &facts, &figures, &findings, options);
    Ok(findings.is_empty())
}

/// Figures, findings, and what is known of the first of these. With JSON, the figures are all there is on stdout.
fn tell(files: &Files, facts: &Facts, figures: &Figures, findings: &[Finding], options: Options) {
    let say = |line: String| if options.json { eprintln!("{line}") } else { println!("{line}") };
    println!("{}", if options.json { figures.as_json(findings.len()) } else { figures.as_table() });
    for (nth, finding) in findings.iter().take(SHOWN).enumerate() {
        say(format!("BROKEN {}: {}", finding.promise, finding.evidence));
        if let Some(number) = finding.order.filter(|_| nth < WITH_HISTORY) {
            history::of(files, facts, number).into_iter().for_each(|line| say(format!("    {line}")));
        }
    }
    let (count, kills, rate) = (findings.len(), figures.get("kills"), figures.get("kills_per_minute"));
    say(format!("{kills} kills, {rate} a minute, {count} findings; seed {}", options.seed));
}

/// A campaign that goes on.
struct Campaign<H: Host> {
    fleet: Fleet<H>,
    signals: Signals<<H::Database as Database>::Backend>,
    leases: Leases,
    progress: Progress,
}

impl<H: Host> Campaign<H> {
    /// Does one thing after the other, until it is enough; for how long.
    async fn storm(&mut self, options: Options) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let ills = match options.mix {
            Mix::All => H::ills(),
            Mix::Kills => &[],
        };
        let mut nemesis = Nemesis::new(options.seed, ills);
        while !self.is_enough(options, &nemesis, began.elapsed()) {
            let past = if worth::is_long(options, began.elapsed()) { self.past(options.until) } else { 0.0 };
            let act = nemesis.next(past);
            let_work(&mut self.fleet, &self.signals, &mut self.leases, act).await?;
            self.fleet.suffer(act).await?;
            self.leases.watch(&self.signals).await?;
            self.look_for_pins().await;
            self.tell_progress().await?;
        }
        Ok(began.elapsed())
    }

    /// Whether the storm is over: its time is, and every ill has come, or the half of its time again was not enough for that.
    fn is_enough(&self, options: Options, nemesis: &Nemesis, took: Duration) -> bool {
        let past = self.past(options.until);
        past >= 1.0 && (!worth::is_long(options, took) || nemesis.is_through() || past >= 1.5)
    }

    /// How much of the storm is past, of 1.
    fn past(&self, until: Until) -> f64 {
        match until {
            Until::Killed(count) => self.kills() as f64 / count.max(1) as f64,
            Until::Elapsed(span) => {
                let storm = span - AFTERWARDS.min(span / 2);
                self.progress.began.elapsed().as_secs_f64() / storm.as_secs_f64().max(0.001)
            }
        }
    }

    fn kills(&self) -> u64 {
        self.fleet.fates.iter().filter(|fate| fate.what == What::Killed).count() as u64
    }

    /// Lets everybody finish, plays the last act, and ends all processes: what was seen, and why the last act was not played.
    async fn end(&mut self, files: &Files) -> anyhow::Result<(Seen, Option<String>)> {
        files.end_sends_of_workers()?;
        self.fleet.calm_down()?;
        let journal = files.journals().last().context("the campaign has one of its own")?;
        for before in files.journals() {
            repeat_open::<H::Database>(&self.signals, &journal, &before.read()).await?;
        }
        let mut left = self.drain().await?;
        let mut unplayed = Some("the storm left something behind".to_owned());
        for round in 0..calm::ROUNDS {
            if left.is_some() {
                break;
            }
            unplayed = calm::last_act(&mut self.fleet, &self.signals, &mut self.leases, &journal, round).await?;
            left = self.drain().await?;
            let seen = self.fleet.seen(&self.leases);
            let facts = Facts::gather::<H::Database>(files, &self.signals, seen).await?;
            if unplayed.is_none() && recovery::times(&facts).clean.len() as u64 >= calm::MUST_JUDGE {
                break;
            }
        }
        self.fleet.dismiss().await?;
        let mut surprises = std::mem::take(&mut self.fleet.surprises);
        surprises.extend(left.map(|left| ("L1", left)));
        let (fates, outages) = (std::mem::take(&mut self.fleet.fates), std::mem::take(&mut self.fleet.outages));
        let ills = std::mem::take(&mut self.fleet.ills);
        Ok((Seen { fates, outages, ills, surprises, leases: std::mem::take(&mut self.leases) }, unplayed))
    }

    /// Waits until nothing is pending; says what is left when that takes too long.
    async fn drain(&mut self) -> anyhow::Result<Option<String>> {
        let began = Instant::now();
        let (mut least, mut since) = (u64::MAX, began);
        loop {
            wake_the_robbed(&mut self.fleet, &self.signals, &mut self.leases).await?;
            self.fleet.look_after()?;
            self.look_for_pins().await;
            let counts = self.signals.inspect().counts().await?;
            let own = counts.lanes.iter().filter(|lane| RECEIVERS.contains(&lane.receiver.as_str()));
            let left = own.map(|lane| lane.ready.0 + lane.scheduled.0 + lane.running.0).sum::<u64>();
            if left == 0 {
                return Ok(None);
            }
            if left < least {
                (least, since) = (left, Instant::now());
            }
            if began.elapsed() > PATIENCE || since.elapsed() > STANDSTILL {
                let waited = began.elapsed().as_secs();
                return Ok(Some(format!("{left} deliveries are not settled after {waited} s of calm")));
            }
            self.tell_progress().await?;
            // tidy: not a wait: the pause of a poll with a deadline
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Notes whether something pins the horizon now. Nobody knows while the database does not answer.
    async fn look_for_pins(&mut self) {
        if H::Database::is_pinned(&self.signals).await.unwrap_or_default() {
            self.leases.saw_pinned();
        }
    }

    /// Says now and then how far it is.
    async fn tell_progress(&mut self) -> anyhow::Result<()> {
        let Progress { began, told, options } = &mut self.progress;
        if told.elapsed() < PROGRESS {
            return Ok(());
        }
        *told = Instant::now();
        let (elapsed, until) = (began.elapsed().as_secs(), options.until);
        let kills = self.kills();
        let of = match until {
            Until::Killed(count) => format!("kill {kills} of {count}"),
            Until::Elapsed(span) => format!("{elapsed} s of about {}: {kills} kills", span.as_secs()),
        };
        // Nobody counts while the database does not answer.
        let counted = H::Database::count(&self.signals).await.ok();
        let counted = counted.map(|(sends, done)| format!("{sends} sends, {done} transactional effects"));
        let counted = counted.unwrap_or_else(|| "the database does not answer".to_owned());
        eprintln!("{of}, {} outages, {counted} (elapsed {elapsed} s)", self.fleet.outages.len());
        Ok(())
    }
}

/// How far it is, and when that was said.
struct Progress {
    began: Instant,
    told: Instant,
    options: Options,
}

/// How often stopped workers are looked at.
const LOOK: Duration = Duration::from_millis(15);

/// Where the disk is slow a kill waits for somebody to have done something since the one before, but no longer than this.
const IDLE: Duration = Duration::from_millis(700);

/// So many bytes of the record of effects are something: a dozen lines.
const WORK: u64 = 500;

/// Lets everybody work for the pause before `act`, and until somebody has done so: kills of those who only wait show
/// nothing, nor do zombies that held nothing. A zombie is continued as soon as another runs what it held, however long it
/// was to sleep: then both have an outcome for one delivery, and the fence has something to do.
async fn let_work(
    fleet: &mut Fleet<impl Host>,
    signals: &Signals<impl Backend>,
    leases: &mut Leases,
    act: Act,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let before = fleet.files().written();
    let to_stop = fleet.to_stop(act);
    loop {
        if to_stop.is_some() {
            leases.watch(signals).await?;
        }
        wake_the_robbed(fleet, signals, leases).await?;
        fleet.look_after()?;
        let is_idle = fleet.files().written() <= before + WORK || to_stop.is_some_and(|pid| !leases.is_busy(pid));
        let enough = if is_idle { act.pause.max(IDLE) } else { act.pause };
        if began.elapsed() >= enough {
            return Ok(());
        }
        // tidy: not a wait: the rate of the kills
        tokio::time::sleep(enough.saturating_sub(began.elapsed()).min(LOOK)).await;
    }
}

/// Continues the zombies of which others run what they held.
async fn wake_the_robbed(
    fleet: &mut Fleet<impl Host>,
    signals: &Signals<impl Backend>,
    leases: &mut Leases,
) -> anyhow::Result<()> {
    let asleep = fleet.asleep();
    if !asleep.is_empty() {
        leases.watch(signals).await?;
    }
    for pid in asleep.into_iter().filter(|pid| leases.is_robbed(*pid)) {
        fleet.wake(pid);
    }
    Ok(())
}
