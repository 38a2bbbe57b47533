//! Every fault, one after the other, several at once.

use std::any::Any;
use std::collections::BTreeMap;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::plan::{Depth, Plan};
use super::tale::Tale;
use super::{Cut, Fault, Ground, Meter, Soil, Story, report};

/// Names one fault to be made in the place of all.
const VARIABLE: &str = "SIGNALS_FAULT";

/// How often a story is told for a fault that must be made and that it does not reach: what a worker says is not the same in every
/// run.
const TELLINGS: u32 = 3;

/// Behind how many faults a sweep says how far it is.
const STEP: usize = 50;

/// One story that was told.
pub(super) struct Told {
    /// None in a story in which nothing is cut.
    pub(super) fault: Option<Fault>,
    /// The statement that was cut; none when the story has not said it.
    pub(super) struck: Option<String>,
    pub(super) counts: BTreeMap<String, u32>,
    pub(super) took: Duration,
    /// How often it was told until then.
    pub(super) tellings: u32,
    pub(super) failure: Option<String>,
}

/// Tells the story once for each statement in it, cut as `cut` says, each time on another ground: for every statement of the
/// senders and of the tales beside it, and for the first two of each name that the worker's scene knows, or with
/// `SIGNALS_FAULTS=every` for all of them. Or tells it for the one fault that `SIGNALS_FAULT` names.
///
/// # Panics
///
/// Panics when some run broke a promise, and names each with what takes it again; when a numbered statement was not cut, or
/// none of a name that [must be](Ground::STATEMENTS).
pub fn sweep<G: Ground, F: Future<Output = G>>(cut: Cut, open: impl Fn(Arc<Meter>, Soil) -> F + Sync) {
    if let Ok(one) = env::var(VARIABLE) {
        let fault: Fault = one.parse().unwrap_or_else(|wrong| panic!("{VARIABLE}: {wrong}"));
        if fault.cut == cut {
            let told = reach(fault, TELLINGS, &open);
            report::failures(&[&told]);
            assert!(told.struck.is_some(), "{one} was not reached in {TELLINGS} stories: nothing was shown");
        }
        return;
    }
    let depth = Depth::from_env();
    let began = Instant::now();
    let whole = Tale::ALL.map(|tale| tell(tale, None, &open));
    report::failures(&whole.each_ref());
    let plan = Mutex::new(Plan::new(cut, depth));
    let plan = || plan.lock().unwrap_or_else(PoisonError::into_inner);
    whole.iter().for_each(|told| plan().begin(&told.counts));
    let told = Mutex::new(Vec::from(whole));
    let told_so_far = || told.lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        for _ in 0..G::ABREAST {
            scope.spawn(|| {
                // Whoever learns of another statement is here to cut it, too.
                let next = || plan().next();
                while let Some(fault) = next() {
                    let must =
                        depth == Depth::Every || fault.is_numbered() || G::STATEMENTS.contains(&fault.of.as_str());
                    let one = reach(fault, if must { TELLINGS } else { 1 }, &open);
                    plan().add(&one.counts);
                    let mut told = told_so_far();
                    told.push(one);
                    if told.len().is_multiple_of(STEP) {
                        eprintln!("{cut}: {} told, {} planned, {:.0?}", told.len(), plan().left(), began.elapsed());
                    }
                }
            });
        }
    });
    let told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
    report::of(cut, &told, G::STATEMENTS, began.elapsed());
}

/// Tells what it is in until the fault is reached, so many times at most.
fn reach<G: Ground, F: Future<Output = G>>(fault: Fault, tellings: u32, open: impl Fn(Arc<Meter>, Soil) -> F) -> Told {
    let tale = fault.tale();
    let mut told = tell(tale, Some(fault.clone()), &open);
    for again in 1..tellings {
        if told.struck.is_some() || told.failure.is_some() {
            break;
        }
        told = Told { tellings: again + 1, ..tell(tale, Some(fault.clone()), &open) };
    }
    told
}

/// Tells it once, on a runtime of its own.
fn tell<G: Ground, F: Future<Output = G>>(
    tale: Tale,
    fault: Option<Fault>,
    open: impl Fn(Arc<Meter>, Soil) -> F,
) -> Told {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime for one story");
    let meter = Arc::new(Meter::new(fault.clone()));
    let story = Story::new(runtime.block_on(open(meter.clone(), tale.soil())), meter.clone());
    let began = Instant::now();
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(story.tell(tale))));
    let told = Told {
        fault,
        struck: meter.struck().map(str::to_owned),
        counts: meter.counts(),
        took: began.elapsed(),
        tellings: 1,
        failure: ended.err().map(|panic| text(&*panic)),
    };
    runtime.block_on(async {
        if told.failure.is_none() {
            story.leave();
        }
    });
    told
}

/// What a panic said.
fn text(panic: &(dyn Any + Send)) -> String {
    let formatted = panic.downcast_ref::<String>().cloned();
    formatted.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
}
