//! Every fault, one after the other, several at once.

use std::any::Any;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Cut, Fault, Ground, Story};

/// Names one fault to be made in the place of all.
const VARIABLE: &str = "SIGNALS_FAULT";

/// The story has more statements than this on every database.
const FEWEST: usize = 100;

/// How many stories are told at once: most of them wait, for a pause or for a lease.
const ABREAST: usize = 8;

/// One story that was told.
struct Told {
    fault: Fault,
    /// The statement that was cut; none when the story has fewer.
    struck: Option<String>,
    said: u32,
    took: Duration,
    failure: Option<String>,
}

/// Tells the story for every statement in it, cut as `cut` says, each time on another ground, from the first to the one that it
/// does not reach any more; or once, when `SIGNALS_FAULT` names a fault.
///
/// # Panics
///
/// Panics when some run broke a promise, and names each with what takes it again.
pub fn sweep<G: Ground, F: Future<Output = G>>(cut: Cut, open: impl Fn(Fault) -> F + Sync) {
    if let Ok(one) = env::var(VARIABLE) {
        let fault: Fault = one.parse().unwrap_or_else(|wrong| panic!("{VARIABLE}: {wrong}"));
        if fault.cut == cut {
            report(&[tell(fault, &open)]);
        }
        return;
    }
    let (next, is_over, told) = (AtomicU32::new(1), AtomicBool::new(false), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..ABREAST {
            scope.spawn(|| {
                // Behind the first that is not reached there are none.
                while !is_over.load(Ordering::Acquire) {
                    let at = next.fetch_add(1, Ordering::AcqRel);
                    let one = tell(Fault { at, cut }, &open);
                    is_over.fetch_or(one.struck.is_none(), Ordering::AcqRel);
                    told.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                }
            });
        }
    });
    let mut told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
    told.sort_by_key(|told| told.fault.at);
    report(&told);
}

/// Tells it once, on a runtime of its own.
fn tell<G: Ground, F: Future<Output = G>>(fault: Fault, open: impl Fn(Fault) -> F) -> Told {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime for one story");
    let story = Story::new(runtime.block_on(open(fault)));
    let began = Instant::now();
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(story.tell())));
    let meter = story.ground().meter();
    let told = Told {
        fault,
        struck: meter.struck().map(str::to_owned),
        said: meter.said(),
        took: began.elapsed(),
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

fn report(told: &[Told]) {
    let reached = told.iter().filter(|told| told.struck.is_some()).count();
    let longest = told.iter().map(|told| told.took).max().unwrap_or_default();
    let said = || told.iter().map(|told| told.said);
    let (least, most) = (said().min().unwrap_or_default(), said().max().unwrap_or_default());
    let stories = told.len();
    println!("{reached} faults in {stories} stories of {least} to {most} statements; the longest took {longest:.1?}");
    for Told { fault, struck, took, .. } in told {
        println!("  {fault}: {} ({took:.1?})", struck.as_deref().unwrap_or("not reached"));
    }
    let failures: Vec<_> = told
        .iter()
        .filter_map(|Told { fault, struck, failure, .. }| {
            let (struck, failure) = (struck.as_deref().unwrap_or("not reached"), failure.as_ref()?);
            Some(format!("{fault}, at `{struck}`: {failure}\nonce more: {VARIABLE}={fault}"))
        })
        .collect();
    assert!(
        told.len() == 1 || reached >= FEWEST,
        "only {reached} statements were counted: do all go through the meter?"
    );
    assert!(failures.is_empty(), "{} of {stories} stories went wrong\n{}", failures.len(), failures.join("\n\n"));
}
