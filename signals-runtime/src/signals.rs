//! The handle of an application: its backend, its registry, and what it asks of both.

use std::fmt;
use std::sync::{Arc, OnceLock};

use signals_core::clock::Clock;
use signals_core::headers::{clean_build, is_traceparent};
use signals_core::store::{Migration, Registered, Store};
use signals_core::{Backend, Error, Problems, Registry, Result, SendContext};
use tokio::sync::watch;

use crate::operating::{Inspect, Operate};
use crate::worker::{Desk, WorkerBuilder};
use crate::{Tx, broken, defaults, lineage, task, telemetry};

/// Reliable signals over one database. Cheap to clone; clones are the same handle.
///
/// | to | call |
/// |---|---|
/// | set the database up | [`setup`](Self::setup), or [`migrate`](Self::migrate) and [`register`](Self::register) apart |
/// | write and send | [`begin`](Self::begin), or [`adopt`](Self::adopt) a transaction of sqlx's |
/// | run receivers | [`worker`](Self::worker) |
/// | look at deliveries, and act on them | [`inspect`](Self::inspect), [`operate`](Self::operate) |
///
/// ```
/// # use signals_runtime::{MemoryBackend, Signals};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> signals_runtime::Result<()> {
/// let signals = Signals::new(MemoryBackend::new());
/// signals.setup().await?;
/// # Ok(())
/// # }
/// ```
pub struct Signals<B: Backend> {
    inner: Arc<Inner<B>>,
}

/// Says the trace context that the caller is in.
type TraceContext = Box<dyn Fn() -> Option<Arc<str>> + Send + Sync>;

pub(crate) struct Inner<B> {
    pub(crate) backend: B,
    pub(crate) store: Arc<dyn Store>,
    registry: OnceLock<Result<Arc<Registry>, Problems>>,
    clock: Arc<dyn Clock>,
    payload_limit: usize,
    build: Arc<str>,
    traceparent: Option<TraceContext>,
    committed: watch::Sender<u64>,
    /// Where sends find the workers of this process.
    pub(crate) desk: Desk,
}

impl<B: Backend> Signals<B> {
    /// A handle over `backend` with the receivers that are linked into this program.
    ///
    /// What is wrong with their declarations is reported by everything that needs them.
    pub fn new(backend: B) -> Self {
        broken::warn();
        let inner = Inner {
            store: backend.store(),
            clock: backend.clock(),
            backend,
            registry: OnceLock::new(),
            payload_limit: defaults::PAYLOAD_LIMIT,
            build: executable(),
            traceparent: None,
            committed: watch::Sender::new(0),
            desk: Desk::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// With the receivers of `registry` instead of the linked ones.
    ///
    /// # Panics
    ///
    /// Panics when the handle was cloned or used before: this belongs right behind [`Signals::new`].
    #[must_use]
    pub fn with_registry(self, registry: Registry) -> Self {
        self.configure(|inner| inner.registry = OnceLock::from(Ok(Arc::new(registry))))
    }

    /// With another limit than 256 KiB for the payload of a signal, in bytes.
    ///
    /// # Panics
    ///
    /// As [`Signals::with_registry`].
    #[must_use]
    pub fn with_payload_limit(self, bytes: usize) -> Self {
        self.configure(|inner| inner.payload_limit = bytes)
    }

    /// With the name of this build of the application, shown beside its workers and in the headers of what it sends: one line
    /// of at most 200 bytes, to which a longer one is cut, with `\u{fffd}` in the place of each control character. Default: the
    /// name of the executable.
    ///
    /// # Panics
    ///
    /// As [`Signals::with_registry`].
    #[must_use]
    pub fn with_build(self, build: impl Into<Arc<str>>) -> Self {
        self.configure(|inner| inner.build = clean_build(build.into()))
    }

    /// With a function that says which W3C `traceparent` the code that sends is in, for an application whose telemetry
    /// knows one. It travels with the signal and is [`Delivery::traceparent`](crate::Delivery::traceparent) for its
    /// receivers; what they send inherits it where the function answers `None`. An answer that
    /// [is no `traceparent`](crate::headers::is_traceparent) counts as `None`: it may come from a request, and fails no
    /// send. Default: none.
    ///
    /// ```
    /// # use signals_runtime::{MemoryBackend, Signals};
    /// # fn current_traceparent() -> Option<String> { None }
    /// let signals = Signals::new(MemoryBackend::new())
    ///     .with_build(concat!("shop ", env!("CARGO_PKG_VERSION")))
    ///     .with_traceparent(|| current_traceparent().map(Into::into));
    /// # let _ = signals;
    /// ```
    ///
    /// # Panics
    ///
    /// As [`Signals::with_registry`].
    #[must_use]
    pub fn with_traceparent(self, current: impl Fn() -> Option<Arc<str>> + Send + Sync + 'static) -> Self {
        self.configure(|inner| inner.traceparent = Some(Box::new(current)))
    }

    fn configure(mut self, set: impl FnOnce(&mut Inner<B>)) -> Self {
        set(Arc::get_mut(&mut self.inner).expect("a handle is configured before it is cloned or used"));
        self
    }

    /// Creates the tables or brings them up to date. Needs the rights of a migrator; safe from many processes at once.
    ///
    /// # Errors
    ///
    /// Returns an error when the database cannot be reached or refuses, or holds a newer migration that is not additive.
    ///
    /// # Cancel safety
    ///
    /// One transaction: dropped before it answers, it has happened or it has not.
    pub async fn migrate(&self) -> Result<()> {
        self.inner.store.migrate().await
    }

    /// Every migration, oldest first, for teams that apply migrations with a tool of their own: each prints
    /// ([`Display`](fmt::Display)) as a script of one transaction that also notes the migration, so that
    /// [`migrate`](Self::migrate) finds nothing left to do.
    #[must_use]
    pub fn migrations(&self) -> Vec<Migration> {
        self.inner.store.migrations()
    }

    /// Stores the receivers of this program, so that every sender reaches them from now on (I14).
    ///
    /// # Errors
    ///
    /// Returns an error when the declarations contradict each other ([`Error::Registry`], every problem at once), when a
    /// stored name receives another signal ([`Error::NameTaken`]), or when the database refuses.
    ///
    /// # Cancel safety
    ///
    /// One transaction: dropped before it answers, it has happened or it has not.
    pub async fn register(&self) -> Result<()> {
        let registration = self.registry()?.registration();
        let registered = self.inner.store.register(&registration).await?;
        telemetry::registered(&registered);
        Ok(())
    }

    /// [`migrate`](Self::migrate), then [`register`](Self::register).
    ///
    /// # Errors
    ///
    /// As both.
    ///
    /// # Cancel safety
    ///
    /// Two transactions: dropped before it answers, the second may be missing. Call it again.
    pub async fn setup(&self) -> Result<()> {
        self.migrate().await?;
        self.register().await
    }

    /// Begins a transaction to write in and to send through.
    ///
    /// # Errors
    ///
    /// Returns an error when the database cannot be reached or another writer is in the way for too long.
    ///
    /// # Cancel safety
    ///
    /// The transaction that a dropped `begin` would have given is rolled back.
    ///
    /// # Examples
    ///
    /// ```
    /// # use signals_runtime::{MemoryBackend, Signals};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> signals_runtime::Result<()> {
    /// # let signals = Signals::new(MemoryBackend::new());
    /// # signals.setup().await?;
    /// let mut tx = signals.begin().await?;
    /// tx.put("payment 7", "paid");
    /// tx.commit().await?; // dropped instead, it would roll back
    /// assert_eq!(signals.backend().committed("payment 7").as_deref(), Some("paid"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub async fn begin(&self) -> Result<Tx<B>> {
        self.registry()?;
        let inner = self.inner.clone();
        let tx = task::to_completion(async move { inner.backend.begin().await }).await?;
        Ok(Tx::begun(tx, self.inner.clone(), self.registry()?))
    }

    /// Makes a [`Tx`] of a transaction that the application has begun itself. The application gives it away for good: a raw
    /// transaction would commit after a failed send (S4).
    ///
    /// # Errors
    ///
    /// Returns [`Error::Registry`] when the declarations of this program contradict each other. The transaction is rolled back
    /// then.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # mod example {
    /// # use signals_runtime::{Signal, Signals, SqliteBackend};
    /// # async fn example<S: Signal>(signals: Signals<SqliteBackend>, paid: S) -> Result<(), Box<dyn std::error::Error>> {
    /// let tx = signals.backend().pool().begin_with("BEGIN IMMEDIATE").await?;
    /// // … code that knows sqlx alone …
    /// let mut tx = signals.adopt(tx)?;
    /// paid.send(&mut tx).await?;
    /// tx.commit().await?;
    /// # Ok(())
    /// # }
    /// # }
    /// ```
    pub fn adopt(&self, tx: B::Tx) -> Result<Tx<B>> {
        Ok(Tx::adopted(tx, self.inner.clone(), self.registry()?))
    }

    /// A worker that runs this program's receivers, to be configured and built: see [`WorkerBuilder`].
    pub fn worker(&self) -> WorkerBuilder<B> {
        WorkerBuilder::new(self.clone())
    }

    /// The receivers of this program.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Registry`] with everything that is wrong with their declarations.
    pub fn registry(&self) -> Result<Arc<Registry>> {
        self.inner.registry()
    }

    /// The backend.
    #[must_use]
    pub fn backend(&self) -> &B {
        &self.inner.backend
    }

    /// The deliveries, as workers see them.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        self.inner.store.clone()
    }

    /// What operators see: counts, trends, lists, parked lanes, workers, the log of actions.
    #[must_use]
    pub fn inspect(&self) -> Inspect<'_, B> {
        Inspect::new(self)
    }

    /// What operators do, in the name of `actor`: retry, cancel, discard, pause, retire, prune, and the ways back.
    #[must_use]
    pub fn operate(&self, actor: impl Into<String>) -> Operate<'_, B> {
        Operate::new(self, actor.into())
    }

    pub(crate) fn inner(&self) -> &Arc<Inner<B>> {
        &self.inner
    }
}

impl<B: Backend> Inner<B> {
    pub(crate) fn registry(&self) -> Result<Arc<Registry>> {
        let linked = || {
            Registry::linked().map(Arc::new).map_err(|error| match error {
                Error::Registry(problems) => problems,
                other => unreachable!("building a registry only finds problems, not {other}"),
            })
        };
        self.registry.get_or_init(linked).clone().map_err(Error::Registry)
    }

    /// What this binary's receivers are called in the database.
    pub(crate) async fn resolve(&self) -> Result<Registered> {
        self.store.resolve(&self.registry()?.registration()).await
    }

    /// The trace context that the caller is in, when the application says one.
    fn traceparent(&self) -> Option<Arc<str>> {
        self.traceparent.as_ref().and_then(|current| current()).filter(|text| is_traceparent(text))
    }

    pub(crate) fn send_context(&self, registry: &Arc<Registry>) -> SendContext {
        SendContext {
            registry: registry.clone(),
            payload_limit: self.payload_limit,
            headers: lineage::headers(&self.build, self.traceparent()),
            clock: self.clock.clone(),
            claim: None,
        }
    }
}

impl<B> Inner<B> {
    /// Tells the workers of this process that something was committed.
    pub(crate) fn wake(&self) {
        self.committed.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn commits(&self) -> watch::Receiver<u64> {
        self.committed.subscribe()
    }

    pub(crate) fn build(&self) -> &Arc<str> {
        &self.build
    }

    pub(crate) fn payload_limit(&self) -> usize {
        self.payload_limit
    }
}

fn executable() -> Arc<str> {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(|path| path.file_stem());
    name.map(|name| clean_build(name.to_string_lossy().into())).unwrap_or_default()
}

impl<B: Backend> Clone for Signals<B> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<B: Backend> fmt::Debug for Signals<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signals").field("backend", &B::NAME).finish_non_exhaustive()
    }
}
