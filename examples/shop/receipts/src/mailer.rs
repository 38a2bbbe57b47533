//! A mail server that keeps its mails in a folder, and is down when told so.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Sends mails. Clones share one connection, as it were.
#[derive(Clone, Debug)]
pub struct Mailer {
    outbox: PathBuf,
    refusals: Arc<AtomicU32>,
}

impl Mailer {
    /// A mail server that keeps its mails in `outbox` and refuses the first `refusals` of them.
    ///
    /// # Errors
    ///
    /// Returns an error when the folder cannot be made.
    pub fn new(outbox: PathBuf, refusals: u32) -> io::Result<Self> {
        std::fs::create_dir_all(&outbox)?;
        Ok(Self { outbox, refusals: Arc::new(AtomicU32::new(refusals)) })
    }

    /// Sends `text` once under `key`: a mail that was accepted under the same key before is not sent again.
    ///
    /// # Errors
    ///
    /// Returns an error when the server refuses.
    pub fn send(&self, key: &str, text: &str) -> io::Result<()> {
        let left = |left: u32| left.checked_sub(1);
        if self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
            return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "the mail server refused the connection"));
        }
        std::fs::write(self.outbox.join(key).with_added_extension("txt"), text)
    }
}
