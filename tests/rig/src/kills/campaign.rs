//! One campaign: start everybody, kill until it is enough, let them finish, look at what is left.

use std::path::Path;
use std::time::{Duration, Instant};

use signals_runtime::{Signals, SqliteBackend};

use super::app::{RECEIVERS, open};
use super::calm;
use super::check::{Finding, check};
use super::facts::{Facts, Seen};
use super::figures::Figures;
use super::fleet::{Files, Fleet, What};
use super::leases::Leases;
use super::nemesis::{Act, Nemesis};
use super::sender::repeat_open;
use crate::Log;

/// How long the workers may take for what is left at the end.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often it is told how far it is.
const PROGRESS: Duration = Duration::from_secs(2);

/// From so many kills on there must be plain effects that were made twice, or the kills hit nothing.
const MUST_DOUBLE: u64 = 500;

/// The most findings that are shown.
const SHOWN: usize = 20;

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many processes are killed.
    pub count: u64,
    /// What chance begins with.
    pub seed: u64,
    /// Whether the figures are printed as one line of JSON.
    pub json: bool,
}

/// Runs a campaign in `folder`, which is left as it is; whether every promise was kept. Progress goes to stderr, figures
/// and findings to stdout.
///
/// # Errors
///
/// Returns an error when a process cannot be started, or ends by itself.
pub async fn run(folder: &Path, options: Options) -> anyhow::Result<bool> {
    let files = Files::inside(folder);
    let signals = open(&files.database).await?;
    let began = Instant::now();
    let mut fleet = Fleet::start(files.clone())?;
    let mut progress = Progress { began, told: began, options };
    let mut nemesis = Nemesis::new(options.seed);
    let mut leases = Leases::default();
    let mut kills = 0;
    while kills < options.count {
        let act = nemesis.next();
        let_work(&mut fleet, &signals, &mut leases, act).await?;
        fleet.suffer(act)?;
        leases.watch(&signals).await?;
        kills = fleet.fates.iter().filter(|fate| fate.what == What::Killed).count() as u64;
        progress.tell(kills, &signals).await?;
    }
    let kills_took = began.elapsed();

    fleet.calm_down()?;
    repeat_open(&signals, &Log(files.journal.clone()), &Log(files.journal.clone()).read()).await?;
    let mut drained = drain(&mut fleet, &signals, &mut progress, kills).await?;
    calm::last_act(&mut fleet, &signals, &mut leases, &Log(files.journal.clone())).await?;
    drained &= drain(&mut fleet, &signals, &mut progress, kills).await?;
    fleet.dismiss()?;
    let mut surprises = std::mem::take(&mut fleet.surprises);
    surprises.extend((!drained).then(|| format!("not everything was settled within {PATIENCE:?}")));
    let seen = Seen { fates: std::mem::take(&mut fleet.fates), surprises, leases };
    let facts = Facts::gather(&files, &signals, seen).await?;

    let figures = Figures::of(&facts, kills, kills_took);
    let mut findings = check(&facts);
    if kills >= MUST_DOUBLE && figures.get("double_plain_effects") == 0 {
        let evidence = "no plain effect was ever made twice: the kills hit nothing".to_owned();
        findings.push(Finding { promise: "rig", evidence });
    }
    let judged = figures.get("l1_unexcused");
    if judged < calm::MUST_JUDGE {
        let least = calm::MUST_JUDGE;
        let evidence = format!("{judged} recoveries were judged under L1 without an excuse, and {least} must be");
        findings.push(Finding { promise: "rig", evidence });
    }
    // With JSON, that is all there is on stdout.
    let say = |line: String| if options.json { eprintln!("{line}") } else { println!("{line}") };
    println!("{}", if options.json { figures.as_json(findings.len()) } else { figures.as_table() });
    for finding in findings.iter().take(SHOWN) {
        say(format!("BROKEN {}: {}", finding.promise, finding.evidence));
    }
    say(format!("{} findings; seed {}", findings.len(), options.seed));
    Ok(findings.is_empty())
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
    fleet: &mut Fleet,
    signals: &Signals<SqliteBackend>,
    leases: &mut Leases,
    act: Act,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let before = fleet.written();
    let to_stop = fleet.to_stop(act);
    loop {
        let asleep = fleet.asleep();
        if !asleep.is_empty() || to_stop.is_some() {
            leases.watch(signals).await?;
        }
        for pid in asleep.into_iter().filter(|pid| leases.is_robbed(*pid)) {
            fleet.wake(pid);
        }
        fleet.look_after()?;
        let is_idle = fleet.written() <= before + WORK || to_stop.is_some_and(|pid| !leases.is_busy(pid));
        let enough = if is_idle { act.pause.max(IDLE) } else { act.pause };
        if began.elapsed() >= enough {
            return Ok(());
        }
        // tidy: not a wait: the rate of the kills
        tokio::time::sleep(enough.saturating_sub(began.elapsed()).min(LOOK)).await;
    }
}

/// Waits until nothing is pending; `false` when that takes too long.
async fn drain(
    fleet: &mut Fleet,
    signals: &Signals<SqliteBackend>,
    progress: &mut Progress,
    kills: u64,
) -> anyhow::Result<bool> {
    let began = Instant::now();
    loop {
        fleet.look_after()?;
        let counts = signals.inspect().counts().await?;
        let own = counts.lanes.iter().filter(|lane| RECEIVERS.contains(&lane.receiver.as_str()));
        if own.map(|lane| lane.ready.0 + lane.scheduled.0 + lane.running.0).sum::<u64>() == 0 {
            return Ok(true);
        }
        if began.elapsed() > PATIENCE {
            return Ok(false);
        }
        progress.tell(kills, signals).await?;
        // tidy: not a wait: the pause of a poll with a deadline
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Says now and then how far it is.
struct Progress {
    began: Instant,
    told: Instant,
    options: Options,
}

impl Progress {
    async fn tell(&mut self, kills: u64, signals: &Signals<SqliteBackend>) -> anyhow::Result<()> {
        if self.told.elapsed() < PROGRESS {
            return Ok(());
        }
        self.told = Instant::now();
        let pool = signals.backend().pool();
        let sends: i64 = sqlx::query_scalar("SELECT count(*) FROM kills_order").fetch_one(pool).await?;
        let done: i64 = sqlx::query_scalar("SELECT count(*) FROM kills_effect").fetch_one(pool).await?;
        let (count, elapsed) = (self.options.count, self.began.elapsed().as_secs());
        eprintln!("kill {kills} of {count}: {sends} sends, {done} transactional effects (elapsed {elapsed} s)");
        Ok(())
    }
}
