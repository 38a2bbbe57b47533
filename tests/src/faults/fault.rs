//! Which statement is cut, and how.

use std::fmt;
use std::str::FromStr;

use super::tale::Tale;

/// What becomes of the statement, and of the connection that it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It is never said.
    Before,
    /// It is done, and its answer is lost.
    After,
}

/// The parts of what is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// Whoever sends, alone: its statements have the same numbers in every run.
    Senders,
    /// A worker and an operator, whose parts run at once: their statements have names, and no numbers among each other.
    Worker,
    /// Builds that register, one after the other.
    Names,
    /// An operator who decides about deliveries, alone.
    ByHand,
    /// One who cancels a thousand of them.
    CancelAll,
    /// One who retries as many.
    RetryAll,
    /// One who prunes as many.
    PruneAll,
    /// Whoever migrates an empty database.
    Migrating,
    /// Whoever migrates one that ends at the first migration.
    Upgrading,
    /// Nothing counts.
    Over,
}

/// The scenes of somebody who is alone, whose statements have numbers: what counts them, and the tale that each is in.
/// What comes beside whoever is alone, when it comes: a number would be another's in the next story.
const HINTS: [&str; 2] = ["notify", "prepare notify"];

const ALONE: [(Scene, &str, Tale); 8] = [
    (Scene::Senders, "senders", Tale::Work),
    (Scene::Names, "names", Tale::Names),
    (Scene::ByHand, "by hand", Tale::ByHand),
    (Scene::CancelAll, "cancel all", Tale::CancelAll),
    (Scene::RetryAll, "retry all", Tale::RetryAll),
    (Scene::PruneAll, "prune all", Tale::PruneAll),
    (Scene::Migrating, "migrating", Tale::Migrating),
    (Scene::Upgrading, "upgrading", Tale::Upgrading),
];

impl Scene {
    /// What its statements count to when one of them has this `name`.
    pub(super) fn counter(self, name: &str) -> Option<&str> {
        match self {
            Self::Over => None,
            Self::Worker => Some(name),
            _ if HINTS.contains(&name) => Some(name),
            alone => ALONE.iter().find(|(scene, ..)| *scene == alone).map(|&(_, counter, _)| counter),
        }
    }
}

/// The statement to cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What counts: somebody who is alone, such as `senders` or `names`, each of whose statements does; or one statement of the
    /// worker's scene, by its name.
    pub of: String,
    /// Which of them, from 1.
    pub at: u32,
    /// How.
    pub cut: Cut,
}

impl Fault {
    /// Whether it counts all statements of a scene, which are as many in every run.
    pub(super) fn is_numbered(&self) -> bool {
        self.alone().is_some()
    }

    /// Where its statement is said.
    pub(super) fn tale(&self) -> Tale {
        self.alone().unwrap_or(Tale::Work)
    }

    /// The tale of somebody who is alone.
    fn alone(&self) -> Option<Tale> {
        ALONE.iter().find(|(_, counter, _)| *counter == self.of).map(|&(.., tale)| tale)
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{},{}", self.of, self.at, self.cut)
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no fault: it is `senders#17,before`, `names#1,after` or `claim#2,after`");
        let (what, cut) = text.rsplit_once(',').ok_or_else(wrong)?;
        let cut = match cut {
            "before" => Cut::Before,
            "after" => Cut::After,
            _ => return Err(wrong()),
        };
        let (of, at) = what.rsplit_once('#').ok_or_else(wrong)?;
        Ok(Self { of: of.to_owned(), at: at.parse().map_err(|_| wrong())?, cut })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_alone_in_a_tale_is_counted_and_its_faults_are_made_there() {
        for tale in Tale::ALL {
            let Some(scene) = tale.scene() else { continue };
            let of = scene.counter("a statement").expect("it counts").to_owned();
            assert_eq!(Fault { of, at: 1, cut: Cut::After }.alone(), Some(tale));
        }
    }

    #[test]
    fn a_fault_is_read_as_it_is_told() {
        for of in ["senders", "INSERT INTO a (b, c)", "prepare claim"] {
            let fault = Fault { of: of.to_owned(), at: 2, cut: Cut::After };
            assert_eq!(fault.to_string().parse(), Ok(fault));
        }
        for wrong in ["17,after", "senders#17", "senders#x,after", "senders#1,then"] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }
}
