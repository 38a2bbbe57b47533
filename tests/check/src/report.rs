//! Runs a checker, and says what it found in a way that tests can judge.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::hash::Hash;
use std::time::{Duration, Instant};

use stateright::{Checker as _, Expectation, HasDiscoveries, Model};

/// What walking through a model found.
#[derive(Debug)]
pub struct Walked {
    /// How many different states there are.
    pub states: usize,
    /// How many steps the farthest of them is away.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// Of each promise that is broken somewhere, the acts that lead there: few, as states are walked breadth first.
    pub broken: BTreeMap<&'static str, Vec<String>>,
    /// Situations that must be met for the walk to prove anything, and were not.
    pub missed: Vec<&'static str>,
}

/// Walks through every state of `model`, and prints one line of figures.
pub fn walk<M>(name: &str, model: M) -> Walked
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync + 'static,
{
    run(name, model, HasDiscoveries::All)
}

/// Walks through `model` until `promise` is broken, and prints how.
pub fn walk_until_broken<M>(name: &str, model: M, promise: &'static str) -> Walked
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync + 'static,
{
    run(name, model, HasDiscoveries::AllOf(BTreeSet::from([promise])))
}

fn run<M>(name: &str, model: M, until: HasDiscoveries) -> Walked
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync + 'static,
{
    let began = Instant::now();
    let properties = model.properties();
    // One thread: with several, which of two equally short counterexamples is told would differ from run to run.
    let checker = model.checker().finish_when(until).spawn_bfs().join();
    let mut found = checker.discoveries();
    let mut walked = Walked {
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        took: began.elapsed(),
        broken: BTreeMap::new(),
        missed: Vec::new(),
    };
    for property in properties {
        match (property.expectation, found.remove(property.name)) {
            (Expectation::Always | Expectation::Eventually, Some(path)) => {
                // A state a little further on may be told; the first that breaks it is what is looked at.
                let steps = path.into_vec();
                let kept = |(state, _): &&(M::State, _)| (property.condition)(checker.model(), state);
                let acts = steps.iter().take_while(kept).filter_map(|(_, act)| Some(format!("{:?}", act.as_ref()?)));
                walked.broken.insert(property.name, acts.collect());
            }
            (Expectation::Sometimes, None) => walked.missed.push(property.name),
            (Expectation::Always | Expectation::Eventually, None) | (Expectation::Sometimes, Some(_)) => {}
        }
    }
    println!("{name}: {} states, {} steps deep, {:.1?}", walked.states, walked.depth, walked.took);
    for (promise, acts) in &walked.broken {
        println!("  {promise} is broken by: {}", acts.join(", "));
    }
    walked
}
