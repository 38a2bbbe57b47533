//! The record outside of the database: what processes did, one line each, believed where the database is not.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
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
        lines(&std::fs::read_to_string(&self.0).unwrap_or_default())
    }

    /// As [`read`](Self::read), but for what is not among the last so many bytes.
    #[must_use]
    pub fn read_last(&self, bytes: u64) -> Vec<Line> {
        let mut last = Vec::new();
        // A log that cannot be read has nothing in it, as for `read`.
        let _ = File::open(&self.0).and_then(|mut file| {
            let from = file.metadata()?.len().saturating_sub(bytes);
            file.seek(SeekFrom::Start(from))?;
            file.read_to_end(&mut last)
        });
        // Of a first line that is cut off its word is missing or half, or it does not parse.
        lines(&String::from_utf8_lossy(&last))
    }
}

fn lines(text: &str) -> Vec<Line> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().filter_map(Line::parse).collect()
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
