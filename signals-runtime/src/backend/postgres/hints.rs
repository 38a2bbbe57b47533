//! Hints between processes: NOTIFY after a commit, LISTEN in workers, each on a connection of its own.
//!
//! NOTIFY takes a lock of the whole instance at its commit, so it is never part of a sender's transaction, and there is at
//! most one in [`INTERVAL`], however much is committed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signals_core::store::Hints;
use signals_core::{BoxFuture, Result};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions as _, Executor as _, PgConnection, PgPool};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{error, sql};
use crate::task;

/// How far apart the hints of one process are.
const INTERVAL: Duration = Duration::from_millis(5);

/// How long a hint may take before it is given up, and its connection with it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The channel.
const CHANNEL: &str = "signals";

/// Says to other processes that something was committed.
#[derive(Clone)]
pub(super) struct Notifier(Arc<Inner>);

struct Inner {
    options: PgConnectOptions,
    /// Whether a hint is on its way that what commits now is part of.
    asked: AtomicBool,
    outlet: Mutex<Outlet>,
}

#[derive(Default)]
struct Outlet {
    conn: Option<PgConnection>,
    last: Option<Instant>,
}

impl Notifier {
    /// Hints in the database that `options` opens.
    pub(super) fn new(options: &PgConnectOptions) -> Self {
        let options = options.clone().disable_statement_logging();
        Self(Arc::new(Inner { options, asked: AtomicBool::new(false), outlet: Mutex::default() }))
    }

    /// Something was committed. Returns at once.
    pub(super) fn announce(&self) {
        if self.0.asked.swap(true, Ordering::AcqRel) {
            return;
        }
        let (inner, asked) = (Arc::clone(&self.0), Asked(Arc::clone(&self.0)));
        task::beside(async move {
            let mut outlet = inner.outlet.lock().await;
            if let Some(last) = outlet.last {
                tokio::time::sleep_until(last + INTERVAL).await;
            }
            // What commits from here on may not be seen by whoever hears this one: it needs another. Who asks for that one takes
            // care of it: this one, at its end, must not say that nobody has asked.
            drop(asked);
            if !matches!(tokio::time::timeout(PATIENCE, outlet.notify(&inner.options)).await, Ok(Ok(()))) {
                outlet.conn = None;
            }
            // tidy: a duration: how far apart hints are
            outlet.last = Some(Instant::now());
        });
    }
}

/// Somebody asked, until this is dropped. A task that a runtime drops when it shuts down was not heard: the next to commit
/// asks again.
struct Asked(Arc<Inner>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.asked.store(false, Ordering::Release);
    }
}

impl Outlet {
    async fn notify(&mut self, options: &PgConnectOptions) -> Result<(), sqlx::Error> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => options.connect().await?,
        };
        conn.execute(sqlx::raw_sql(sql::NOTIFY)).await?;
        self.conn = Some(conn);
        Ok(())
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").finish_non_exhaustive()
    }
}

/// What other processes announce.
pub(super) struct Listener {
    listener: PgListener,
    /// A pool of one, for the listener alone: it would keep a connection of the application's for ever.
    _pool: PgPool,
}

impl Listener {
    /// Hints from now on.
    pub(super) async fn open(options: &PgConnectOptions) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(options.clone().disable_statement_logging());
        let mut listener = PgListener::connect_with(&pool).await.map_err(error::of)?;
        listener.listen(CHANNEL).await.map_err(error::of)?;
        Ok(Self { listener, _pool: pool })
    }
}

impl Hints for Listener {
    fn next(&mut self) -> BoxFuture<'_, Result<()>> {
        // `None`: the connection was lost and opened again. What was said meanwhile nobody heard: a hint as good as any.
        Box::pin(async move { self.listener.try_recv().await.map(drop).map_err(error::of) })
    }
}
