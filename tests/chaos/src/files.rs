//! Where the records of a campaign are: what was intended, done and told, outside of the database.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::Log;
use crate::nemesis::SENDERS;

/// Where everything of a campaign is.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    /// What receivers did.
    pub(crate) effects: PathBuf,
    /// What workers told: outcomes, and their warnings.
    pub(crate) events: PathBuf,
}

impl Files {
    pub(crate) fn inside(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), effects: folder.join("effects"), events: folder.join("events") }
    }

    /// What each sender intended, and what came of it; the last of them is the campaign's own.
    pub(crate) fn journals(&self) -> impl Iterator<Item = Log> {
        (0..=SENDERS).map(|slot| Log(self.folder.join(format!("journal-{slot}"))))
    }

    /// What workers intended to send, and what came of it.
    pub(crate) fn journal_of_workers(&self) -> Log {
        Self::beside(&self.effects)
    }

    /// The same, from where `effects` are.
    pub(crate) fn beside(effects: &Path) -> Log {
        Log(effects.with_file_name("journal-of-workers"))
    }

    /// Tells workers to send nothing more.
    ///
    /// # Errors
    ///
    /// Returns the file system's error.
    pub(crate) fn end_sends_of_workers(&self) -> std::io::Result<()> {
        File::create(ended(&self.journal_of_workers())).map(drop)
    }

    /// How many bytes of effects there are.
    pub(crate) fn written(&self) -> u64 {
        std::fs::metadata(&self.effects).map_or(0, |file| file.len())
    }

    /// How many bytes workers have told.
    pub(crate) fn told(&self) -> u64 {
        std::fs::metadata(&self.events).map_or(0, |file| file.len())
    }

    /// What workers told from that byte on.
    ///
    /// # Errors
    ///
    /// Returns the file system's error.
    pub(crate) fn told_since(&self, byte: u64) -> std::io::Result<String> {
        let (mut file, mut told) = (File::open(&self.events)?, Vec::new());
        file.seek(SeekFrom::Start(byte))?;
        file.read_to_end(&mut told)?;
        Ok(String::from_utf8_lossy(&told).into_owned())
    }
}

/// A file that is there once workers are to send nothing more.
pub(crate) fn ended(journal_of_workers: &Log) -> PathBuf {
    journal_of_workers.0.with_extension("ended")
}
