//! Which statement is cut, and how.

use std::fmt;
use std::str::FromStr;

use super::story::Tale;

/// What becomes of the statement, and of the connection that it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It is never said.
    Before,
    /// It is done, and its answer is lost.
    After,
}

/// The parts of what is told, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// Whoever sends, alone: its statements have the same numbers in every run.
    Senders,
    /// A worker and an operator, whose parts run at once: their statements have names, and no numbers among each other.
    Worker,
    /// An operator who prunes, alone.
    Pruning,
    /// Builds that register, one after the other.
    Names,
    /// An operator who decides about deliveries, alone.
    ByHand,
    /// Nothing counts.
    Over,
}

impl Scene {
    /// What its statements count to when one of them has this `name`.
    pub(super) fn counter(self, name: &str) -> Option<&str> {
        match self {
            Self::Senders => Some(SENDERS),
            Self::Worker => Some(name),
            Self::Pruning => Some(PRUNING),
            Self::Names => Some(NAMES),
            Self::ByHand => Some(BY_HAND),
            Self::Over => None,
        }
    }
}

const SENDERS: &str = "senders";
const PRUNING: &str = "pruning";
const NAMES: &str = "names";
const BY_HAND: &str = "by hand";

/// The statement to cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What counts: `senders`, `pruning`, `names` or `by hand`, each of whose statements does; or one statement of the worker's
    /// scene, by its name.
    pub of: String,
    /// Which of them, from 1.
    pub at: u32,
    /// How.
    pub cut: Cut,
}

impl Fault {
    /// Whether it counts all statements of a scene, which are as many in every run.
    pub(super) fn is_numbered(&self) -> bool {
        [SENDERS, PRUNING, NAMES, BY_HAND].contains(&self.of.as_str())
    }

    /// Where its statement is said.
    pub(super) fn tale(&self) -> Tale {
        match self.of.as_str() {
            NAMES => Tale::Names,
            BY_HAND => Tale::ByHand,
            _ => Tale::Work,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = match self.cut {
            Cut::Before => "before",
            Cut::After => "after",
        };
        write!(f, "{}#{},{cut}", self.of, self.at)
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
