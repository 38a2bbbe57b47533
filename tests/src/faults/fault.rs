//! Which statement is cut, and how.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What becomes of the statement, and of the connection that it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It is never said.
    Before,
    /// It is done, and its answer is lost.
    After,
}

/// The statement to cut, counted from 1; 0 is none.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Which.
    pub at: u32,
    /// How.
    pub cut: Cut,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = match self.cut {
            Cut::Before => "before",
            Cut::After => "after",
        };
        write!(f, "{},{cut}", self.at)
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no fault: it is `17,before` or `17,after`");
        let (at, cut) = text.split_once(',').ok_or_else(wrong)?;
        let cut = match cut {
            "before" => Cut::Before,
            "after" => Cut::After,
            _ => return Err(wrong()),
        };
        Ok(Self { at: at.parse().map_err(|_| wrong())?, cut })
    }
}

/// Counts the statements of one run, whichever connection they are for, and says which is cut.
#[derive(Debug)]
pub struct Meter {
    fault: Fault,
    said: AtomicU32,
    struck: OnceLock<String>,
    is_over: AtomicBool,
}

impl Meter {
    /// Nothing was said yet.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, said: AtomicU32::new(0), struck: OnceLock::new(), is_over: AtomicBool::new(false) }
    }

    /// Another statement is about to be said, of this name. How it is cut, if it is.
    pub fn next(&self, name: impl FnOnce() -> String) -> Option<Cut> {
        if self.is_over.load(Ordering::Acquire) {
            return None;
        }
        let number = self.said.fetch_add(1, Ordering::AcqRel) + 1;
        (number == self.fault.at).then(|| {
            self.struck.get_or_init(name);
            self.fault.cut
        })
    }

    /// From here on nothing counts: the story is over.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// How many statements there were so far.
    #[must_use]
    pub fn said(&self) -> u32 {
        self.said.load(Ordering::Acquire)
    }

    /// The statement that was cut; none while the run is not as far.
    #[must_use]
    pub fn struck(&self) -> Option<&str> {
        self.struck.get().map(String::as_str)
    }
}
