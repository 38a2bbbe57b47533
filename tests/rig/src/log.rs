//! The record outside of the database: what processes did, one line each, believed where the database is not.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use signals_runtime::clock::{Clock as _, SystemClock};

/// Where receivers write what they do.
#[derive(Clone, Debug)]
pub struct Log(pub PathBuf);

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `start`, `end` or `effect`.
    pub what: String,
    /// The number of the work.
    pub number: i64,
    /// The attempt.
    pub attempt: u32,
    /// When, in microseconds since the epoch.
    pub at: i64,
    /// The process.
    pub pid: u32,
}

impl Log {
    /// Appends a line in one write.
    ///
    /// # Errors
    ///
    /// Returns the file system's error.
    pub fn write(&self, what: &str, number: i64, attempt: u32) -> std::io::Result<()> {
        let (at, pid) = (SystemClock.now().as_micros(), std::process::id());
        let line = format!("{what} {number} {attempt} {at} {pid}\n");
        OpenOptions::new().create(true).append(true).open(&self.0)?.write_all(line.as_bytes())
    }

    /// What was written so far; a line that is cut off is not there yet.
    #[must_use]
    pub fn read(&self) -> Vec<Line> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().filter_map(Line::parse).collect()
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        Some(Self {
            what: words.next()?.to_owned(),
            number: words.next()?.parse().ok()?,
            attempt: words.next()?.parse().ok()?,
            at: words.next()?.parse().ok()?,
            pid: words.next()?.parse().ok()?,
        })
    }
}
