//! A data warehouse that keeps what it is given in a folder, over a line that may be slow.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Takes exports.
#[derive(Clone, Debug)]
pub struct Warehouse {
    folder: PathBuf,
    upload: Duration,
}

impl Warehouse {
    /// A warehouse in `folder`; every upload takes as long as `upload`.
    ///
    /// # Errors
    ///
    /// Returns an error when the folder cannot be made.
    pub fn new(folder: PathBuf, upload: Duration) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder, upload })
    }

    /// Uploads `text` under `name`, over what was there. Until it is complete there is a file `<name>.part`.
    ///
    /// # Errors
    ///
    /// Returns an error when a file cannot be written.
    pub async fn upload(&self, name: &str, text: &str) -> io::Result<()> {
        let part = self.folder.join(name).with_added_extension("part");
        std::fs::write(&part, text)?;
        tokio::time::sleep(self.upload).await; // the slow line
        std::fs::rename(part, self.folder.join(name))
    }
}
