//! Draws histories, looks for one in which a backend differs from the model, and shortens it.
//!
//! Steps and how they become simpler are proptest's. Which steps are left out is decided here, in halves, quarters and so on
//! down to single ones: a history whose end does not matter is best cut before anything else.

use std::env;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use super::side::Side;
use super::step::{Focus, Step};
use super::{HISTORIES, Model, REPLAY};
use crate::{Harness, replay, seed};
use proptest::strategy::{Strategy as _, ValueTree};

/// How many histories a case draws.
const USUALLY: u64 = 6;

/// How many steps a history has.
const STEPS: usize = 60;

/// How many steps a search for a shorter history takes in all; what is the shortest by then is told.
const PATIENCE: usize = 4_000;

/// Where a backend differed from the model.
struct Difference {
    /// At which step, from 0.
    at: usize,
    /// What differed.
    why: String,
}

/// A step that can still be made simpler.
type Tree = Box<dyn ValueTree<Value = Step>>;

/// Compares drawn histories, or the one that the environment names.
///
/// # Panics
///
/// Panics when a backend differs from the model; the text has the shortest history found, and a command that replays it.
pub(super) async fn search<H: Harness>(case: &str, focus: Focus) {
    if let Ok(text) = env::var(REPLAY) {
        return replay::<H>(&text).await;
    }
    let histories = env::var(HISTORIES).ok().and_then(|text| text.parse().ok()).unwrap_or(USUALLY);
    let step = focus.step();
    for history in 0..histories {
        let mut runner = seed::runner(&format!("{focus:?}"), history);
        let draw = |_| -> Tree { Box::new(step.new_tree(&mut runner).expect("a step can always be drawn")) };
        let trees: Vec<Tree> = (0..STEPS).map(draw).collect();
        if let Some(first) = differs::<H>(&current(&trees)).await {
            let mut found = Found { trees, difference: first, spent: 0 };
            found.leave_out::<H>().await;
            found.simplify::<H>().await;
            // Of simpler steps fewer may do.
            found.leave_out::<H>().await;
            panic!("{}", found.tell(case));
        }
    }
}

/// Takes one history.
///
/// # Panics
///
/// Panics when it is none, or the backend differs from the model.
pub(super) async fn replay<H: Harness>(text: &str) {
    let steps: Vec<Step> = serde_json::from_str(text).expect("a history is a JSON array, as a failed case prints it");
    if let Some(Difference { at, why }) = differs::<H>(&steps).await {
        panic!("the backend differs from the model after step {} of {}: {:?}\n{why}", at + 1, steps.len(), steps[at]);
    }
}

fn current(trees: &[Tree]) -> Vec<Step> {
    trees.iter().map(|tree| tree.current()).collect()
}

/// Where the backend first answers or shows something else than the model.
async fn differs<H: Harness>(steps: &[Step]) -> Option<Difference> {
    let mut at = 0;
    let why = survive(compare::<H>(steps, &mut at)).await;
    why.unwrap_or_else(|said| Some(format!("it panics: {said}"))).map(|why| Difference { at, why })
}

async fn compare<H: Harness>(steps: &[Step], at: &mut usize) -> Option<String> {
    let mut model = Side::<Model>::open().await;
    let mut real = Side::<H>::open().await;
    for (number, step) in steps.iter().enumerate() {
        *at = number;
        let (expected, got) = (model.take(number, step).await, real.take(number, step).await);
        if got != expected {
            return Some(format!("it answers\n  {got}\nand the model\n  {expected}"));
        }
        let (expected, got) = (model.show().await, real.show().await);
        if got != expected {
            let only = |one: &[String], other: &[String]| -> String {
                one.iter().filter(|line| !other.contains(line)).map(|line| format!("  {line}\n")).collect()
            };
            return Some(format!("it shows\n{}and the model\n{}", only(&got, &expected), only(&expected, &got)));
        }
    }
    None
}

/// The answer of a future, or what it said when it panicked.
async fn survive<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(answer)) => Poll::Ready(Ok(answer)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Poll::Ready(Err(text.unwrap_or("something that is no text").to_owned()))
        }
    })
    .await
}

/// A history that differs, on its way to the shortest.
struct Found {
    trees: Vec<Tree>,
    difference: Difference,
    /// How many steps were taken to shorten it.
    spent: usize,
}

impl Found {
    /// Leaves out what the difference does not need.
    async fn leave_out<H: Harness>(&mut self) {
        self.trees.truncate(self.difference.at + 1);
        let mut many = self.trees.len() / 2;
        while many > 0 {
            let mut from = 0;
            while from < self.trees.len() && self.spent < PATIENCE {
                let to = (from + many).min(self.trees.len());
                let mut steps = current(&self.trees);
                steps.drain(from..to);
                self.spent += steps.len();
                match differs::<H>(&steps).await {
                    Some(difference) => {
                        self.trees.drain(from..to);
                        self.trees.truncate(difference.at + 1);
                        self.difference = difference;
                    }
                    None => from = to,
                }
            }
            many /= 2;
        }
    }

    /// Makes each step as simple as the difference lets it be.
    async fn simplify<H: Harness>(&mut self) {
        for index in 0..self.trees.len() {
            let mut changed = self.trees[index].simplify();
            while changed {
                self.spent += self.trees.len();
                let found = if self.spent < PATIENCE { differs::<H>(&current(&self.trees)).await } else { None };
                changed = match found {
                    Some(difference) => {
                        self.difference = difference;
                        self.trees[index].simplify()
                    }
                    // Back towards what still differs, until nothing is left between the two.
                    None => self.trees[index].complicate(),
                };
            }
        }
    }

    /// The history, what differed, and the command that takes it again.
    fn tell(&self, case: &str) -> String {
        let steps = current(&self.trees);
        let history = serde_json::to_string(&steps).expect("steps are JSON");
        let lines: String = steps.iter().map(|step| format!("  {step:?}\n")).collect();
        format!(
            "the backend differs from the model after {} steps:\n{lines}{}\ndrawn from {}\nonce more: {REPLAY}='{history}' {}",
            steps.len(),
            self.difference.why.trim_end(),
            seed::told(),
            replay::command(case),
        )
    }
}
