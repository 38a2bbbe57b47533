//! Another connection has committed: `PRAGMA data_version`, asked again and again, takes no lock.

use std::time::Duration;

use signals_core::store::Hints;
use signals_core::{BoxFuture, Result};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};

use super::{error, sql};

/// How often to ask.
const INTERVAL: Duration = Duration::from_millis(5);

/// Hints of one database, on a connection of their own.
pub(super) struct DataVersion {
    options: SqliteConnectOptions,
    conn: Option<SqliteConnection>,
    seen: i64,
}

impl DataVersion {
    /// Hints of commits from now on.
    pub(super) async fn open(options: &SqliteConnectOptions) -> Result<Self> {
        let mut hints = Self { options: options.clone().disable_statement_logging(), conn: None, seen: 0 };
        hints.seen = hints.ask().await?;
        Ok(hints)
    }

    async fn ask(&mut self) -> Result<i64> {
        if self.conn.is_none() {
            self.conn = Some(self.options.connect().await.map_err(error::of)?);
            // A fresh connection counts from its own beginning, and knows nothing of what was missed meanwhile.
            self.seen = i64::MIN;
        }
        let conn = self.conn.as_mut().expect("opened just now");
        let asked = sqlx::query_scalar(sql::DATA_VERSION).fetch_one(conn).await.map_err(error::of);
        if asked.is_err() {
            self.conn = None;
        }
        asked
    }
}

impl Hints for DataVersion {
    fn next(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            loop {
                // What was seen is noted in the same poll that returns: nothing is lost when this is dropped.
                let version = self.ask().await?;
                if version != self.seen {
                    self.seen = version;
                    return Ok(());
                }
                tokio::time::sleep(INTERVAL).await;
            }
        })
    }
}
