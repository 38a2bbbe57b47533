//! What counts statements, and says which is cut.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::{Cut, Fault, Scene};

/// Counts the statements of one run, whichever connection they are for, and says which is cut.
#[derive(Debug)]
pub struct Meter {
    /// None in a story in which nothing is cut.
    fault: Option<Fault>,
    said: Mutex<Said>,
    struck: OnceLock<String>,
}

#[derive(Debug)]
struct Said {
    scene: Scene,
    /// How many of each kind.
    counts: BTreeMap<String, u32>,
}

impl Meter {
    /// Nothing was said yet.
    #[must_use]
    pub fn new(fault: Option<Fault>) -> Self {
        let said = Mutex::new(Said { scene: Scene::Over, counts: BTreeMap::new() });
        Self { fault, said, struck: OnceLock::new() }
    }

    /// Another statement is about to be said, of this name. How it is cut, if it is.
    pub fn next(&self, name: impl FnOnce() -> String) -> Option<Cut> {
        let (mut said, name) = (self.lock(), name());
        let of = said.scene.counter(&name)?;
        let at = said.counts.entry(of.to_owned()).or_default();
        *at += 1;
        let fault = self.fault.as_ref().filter(|fault| fault.of == of && fault.at == *at)?;
        self.struck.set(name).expect("every number comes once");
        Some(fault.cut)
    }

    /// What is said from here on belongs to `scene`. Answers what it belonged to before.
    pub fn enter(&self, scene: Scene) -> Scene {
        mem::replace(&mut self.lock().scene, scene)
    }

    /// How many statements of each kind there were so far: of each scene that has numbers, and of each name in the worker's.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, u32> {
        self.lock().counts.clone()
    }

    /// Whether a worker has said so many of the statements whose names begin with this word.
    #[must_use]
    pub fn has_said(&self, word: &str, times: u32) -> bool {
        let begins = |name: &str| name.split(' ').next() == Some(word);
        self.lock().counts.iter().any(|(name, &count)| begins(name) && count >= times)
    }

    /// The statement that was cut; none while the run is not as far.
    #[must_use]
    pub fn struck(&self) -> Option<&str> {
        self.struck.get().map(String::as_str)
    }

    /// Whether the worker's scene may still bring what is to be cut, or seen.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.struck.get().is_none() && !self.fault.as_ref().is_some_and(Fault::is_numbered)
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_count_whatever_is_said_and_the_workers_by_name() {
        let cut = |of: &str, at| Some(Fault { of: of.to_owned(), at, cut: Cut::After });
        let told = |fault| {
            let meter = Meter::new(fault);
            let scenes = [(Scene::Senders, "begin"), (Scene::Senders, "send"), (Scene::Worker, "claim")];
            let scenes =
                scenes.into_iter().chain([(Scene::Worker, "ack"), (Scene::Worker, "claim"), (Scene::Over, "begin")]);
            for (number, (scene, name)) in scenes.enumerate() {
                meter.enter(scene);
                if meter.next(|| name.to_owned()).is_some() {
                    return Some((number, meter.struck().map(str::to_owned)));
                }
            }
            None
        };
        assert_eq!(told(cut("senders", 2)), Some((1, Some("send".to_owned()))));
        assert_eq!(told(cut("claim", 2)), Some((4, Some("claim".to_owned()))));
        assert_eq!(told(cut("senders", 3)), None, "what is over does not count");
        let meter = Meter::new(None);
        meter.enter(Scene::Senders);
        for name in ["begin", "notify", "send"] {
            meter.next(|| name.to_owned());
        }
        let counts = [("notify".to_owned(), 1), ("senders".to_owned(), 2)];
        assert_eq!(meter.counts(), counts.into(), "a hint comes when it comes");
        assert_eq!(told(None), None);
    }
}
