//! How long statements take that the server is told to write down, on a worker's sessions alone.

use signals_runtime::PgBackend;

use crate::bed::{Bed, Place, over};

/// Which of them are written down: a part, so that writing is no load of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statements(&'static str);

impl Statements {
    pub(crate) const ALL: Self = Self("1");
    pub(crate) const ONE_OF_TEN: Self = Self("0.1");

    /// A backend whose sessions are written down so.
    pub(crate) fn logged(self, place: &Place, connections: u32) -> PgBackend {
        let settings = [("log_min_duration_sample", "0"), ("log_statement_sample_rate", self.0)];
        over(place.database.options().options(settings), connections)
    }
}

/// The server's log from some moment on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said(usize);

impl Said {
    pub(crate) fn from_here(bed: &Bed) -> Self {
        Self(bed.said().len())
    }

    /// How long each execution of a statement with this in its text took, in milliseconds, sorted.
    pub(crate) fn durations(self, bed: &Bed, text: &str) -> Vec<f64> {
        let log = bed.said();
        let mut durations: Vec<f64> = log[self.0..].lines().filter_map(|line| duration(line, text)).collect();
        durations.sort_unstable_by(f64::total_cmp);
        durations
    }
}

/// The first line of a claim's text, which is where the server's log has it.
pub(crate) fn claim() -> &'static str {
    let claim = PgBackend::statements().find(|(name, _)| *name == "claim");
    claim.and_then(|(_, text)| text.lines().next()).unwrap_or("no statement of the library is named so")
}

fn duration(line: &str, text: &str) -> Option<f64> {
    let (_, said) = line.split_once("duration: ")?;
    let (millis, statement) = said.split_once(" ms  ")?;
    let executed = statement.starts_with("execute ") || statement.starts_with("statement: ");
    (executed && statement.contains(text)).then_some(())?;
    millis.parse().ok()
}
