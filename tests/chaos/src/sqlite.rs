//! SQLite: one file. It dies with the process that writes it, so that what the nemesis does to processes it does to the
//! database.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use signals_runtime::{Delivery, Error, Registry, Result, Signals, SqliteBackend, SqliteTx, State, receiver};

use crate::Log;
use crate::app::{Order, TABLES, plain, reluctant};
use crate::database::{Books, Database, Host, Way};
use crate::nemesis::Ill;

/// Its effect is a row, which nothing keeps from being there twice.
#[receiver(signal = Order, name = "chaos.transactional", timeout = "600ms")]
async fn transactional(
    order: &Order,
    tx: &mut SqliteTx,
    State(log): State<Log>,
    delivery: Delivery,
) -> anyhow::Result<()> {
    log.write("transactional", order.number, delivery.attempt)?;
    sqlx::query("INSERT INTO chaos_effect (number) VALUES ($1)").bind(order.number).execute(&mut **tx).await?;
    // tidy: not a wait: it is the work
    tokio::time::sleep(order.holds_transaction()).await;
    Ok(())
}

/// The application over a file.
#[derive(Debug)]
pub enum Sqlite {}

impl Database for Sqlite {
    type Backend = SqliteBackend;

    const NAME: &'static str = "sqlite";
    const ONE_WRITER: bool = true;

    /// Sets the file up, too: it waits for whoever writes.
    async fn open(address: &str) -> anyhow::Result<Signals<SqliteBackend>> {
        let registry =
            Registry::builder().receiver::<plain>().receiver::<transactional>().receiver::<reluctant>().build()?;
        let signals = Signals::new(SqliteBackend::open(Path::new(address)).await?).with_registry(registry);
        signals.setup().await?;
        for table in TABLES {
            sqlx::query(table).execute(signals.backend().pool()).await?;
        }
        Ok(signals)
    }

    async fn write_order(tx: &mut SqliteTx, number: i64, signal: i64) -> Result<()> {
        let insert = sqlx::query("INSERT INTO chaos_order (number, signal) VALUES ($1, $2)").bind(number).bind(signal);
        insert.execute(&mut **tx).await.map(drop).map_err(|error| Error::Unavailable(error.into()))
    }

    async fn read_books(signals: &Signals<SqliteBackend>) -> anyhow::Result<Books> {
        let pool = signals.backend().pool();
        Ok(Books {
            orders: sqlx::query_as("SELECT number, signal FROM chaos_order").fetch_all(pool).await?,
            rows: sqlx::query_scalar("SELECT number FROM chaos_effect").fetch_all(pool).await?,
            integrity: sqlx::query_scalar("PRAGMA integrity_check").fetch_one(pool).await?,
        })
    }

    async fn is_pinned(_signals: &Signals<SqliteBackend>) -> anyhow::Result<bool> {
        // It removes rows at once, and has no sweeps.
        Ok(false)
    }

    async fn count(signals: &Signals<SqliteBackend>) -> anyhow::Result<(i64, i64)> {
        let count = "SELECT (SELECT count(*) FROM chaos_order), (SELECT count(*) FROM chaos_effect)";
        Ok(sqlx::query_as(count).fetch_one(signals.backend().pool()).await?)
    }
}

/// A file of this campaign.
#[derive(Debug)]
pub struct File {
    path: String,
}

impl Host for File {
    type Database = Sqlite;

    async fn start(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("chaos.db").display().to_string();
        Sqlite::open(&path).await?.backend().pool().close().await;
        Ok(Self { path })
    }

    fn address(&self) -> String {
        self.path.clone()
    }

    async fn way(&self) -> anyhow::Result<Way> {
        Ok(Way { address: self.address(), wire: None })
    }

    fn ills() -> &'static [Ill] {
        &[]
    }

    async fn suffer(&mut self, ill: Ill, _lasts: Duration) -> anyhow::Result<()> {
        bail!("a file does not know {ill:?}")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::registry;
    use tracing_subscriber::util::SubscriberInitExt as _;

    use super::*;
    use crate::told::{began, waited};
    use crate::worker::teller;

    /// The excuse of L1 stands on it.
    #[tokio::test]
    async fn a_transaction_that_waited_long_to_begin_is_told_and_is_no_wait_of_the_keepers() {
        const HELD: Duration = Duration::from_millis(700);
        let folder = tempfile::tempdir().expect("a folder");
        let address = folder.path().join("app.db").display().to_string();
        let [writer, other] =
            [Sqlite::open(&address).await.expect("opens"), Sqlite::open(&address).await.expect("opens")];
        let events = folder.path().join("events");
        let _listening = registry().with(teller(Arc::new(fs::File::create(&events).expect("a file")))).set_default();
        let lines = || fs::read_to_string(&events).expect("it is there");

        other.begin().await.expect("begins").rollback().await.expect("rolls back");
        assert_eq!(lines().lines().filter_map(began).count(), 0, "it found the lock free");
        let held = writer.begin().await.expect("begins");
        let (begun, ()) = tokio::join!(other.begin(), async {
            // tidy: not a wait: for so long the lock is held
            tokio::time::sleep(HELD).await;
            held.rollback().await.expect("rolls back");
        });
        drop(begun.expect("begins when it is free"));
        let told: Vec<_> = lines().lines().filter_map(began).collect();
        let &[told] = &told[..] else { panic!("one: {told:?} in {}", lines()) };
        assert!(told.lasted >= 500_000 && told.pid == std::process::id(), "{told:?}");
        assert_eq!(lines().lines().filter_map(waited).count(), 0);
    }
}
