//! What a server is started with.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a server does at `fsync`, how many connections it takes, which clock it sees.
#[derive(Clone, Debug)]
#[must_use]
pub struct Settings {
    parameters: BTreeMap<String, String>,
    clock_offset: Option<i64>,
    in_memory: bool,
}

impl Settings {
    /// Nothing is forced to the disk: for tests that never cut the power. A killed *process* loses nothing, for the
    /// operating system keeps what was written; what `synchronous_commit` defers may be lost. Its files are in memory where
    /// there is room for them, which makes a database in a sixth of the time. It has connections for many tests at once.
    pub fn fast() -> Self {
        let settings = Self::durable().set("fsync", "off").set("full_page_writes", "off").max_connections(400);
        Self { in_memory: true, ..settings.set("synchronous_commit", "off").set("max_wal_size", "256MB") }
    }

    /// Every commit is on the disk before it is confirmed, as in production: for rigs that kill the server, and benches.
    pub fn durable() -> Self {
        let settings = Self { parameters: BTreeMap::new(), clock_offset: None, in_memory: false };
        settings.set("max_connections", "200").set("timezone", "UTC").set("log_checkpoints", "off")
    }

    /// Sets one of the server's parameters, as in `postgresql.conf`; the last value counts.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.parameters.insert(name.to_owned(), value.to_owned());
        self
    }

    /// How many clients are let in. Three more are kept for superusers, and an administrator is one.
    pub fn max_connections(self, count: u32) -> Self {
        self.set("max_connections", &count.to_string())
    }

    /// The server sees a clock that is so many seconds ahead of the machine's, or behind it. Needs `libfaketime`.
    pub fn clock_ahead_by(mut self, seconds: i64) -> Self {
        self.clock_offset = Some(seconds);
        self
    }

    /// The seconds of [`clock_ahead_by`](Self::clock_ahead_by).
    pub(crate) fn clock_offset(&self) -> Option<i64> {
        self.clock_offset
    }

    /// Whether its files may be where a power cut loses them.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.in_memory
    }

    /// The lines for `postgresql.conf`.
    pub(crate) fn file(&self) -> String {
        let mut file = String::new();
        for (name, value) in &self.parameters {
            writeln!(file, "{name} = '{}'", value.replace('\'', "''")).expect("a String takes everything");
        }
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_and_quotes_are_doubled() {
        let file = Settings::fast().max_connections(7).set("log_line_prefix", "it's").file();
        assert!(file.contains("max_connections = '7'\n") && !file.contains("'400'"), "{file}");
        assert!(file.contains("log_line_prefix = 'it''s'\n") && file.contains("fsync = 'off'\n"), "{file}");
    }
}
