//! Ours: one signal, one or five receivers.

use std::time::Duration;

use signals_runtime::{PgBackend, Signal as _, receiver, send_all, signal};

use crate::meter;
use crate::queue::{PAYMENT, Place, Queue, Working};
use crate::work::{Work, chunks};

/// Work for one.
#[signal(name = "peers.single")]
#[derive(Clone)]
struct Single {
    work: Work,
}

#[receiver(signal = Single, name = "peers.single.1")]
async fn single(fact: &Single) {
    meter::ran(fact.work.number);
}

/// Work for five.
#[signal(name = "peers.fanned")]
#[derive(Clone)]
struct Fanned {
    work: Work,
}

macro_rules! receivers {
    ($($function:ident = $name:literal),*) => {$(
        #[receiver(signal = Fanned, name = $name)]
        async fn $function(fact: &Fanned) {
            meter::ran(fact.work.number);
        }
    )*};
}

receivers!(
    fanned_1 = "peers.fanned.1",
    fanned_2 = "peers.fanned.2",
    fanned_3 = "peers.fanned.3",
    fanned_4 = "peers.fanned.4",
    fanned_5 = "peers.fanned.5"
);

/// This library, with the history that it keeps as it comes, or without.
pub(crate) struct Signals<const HISTORY: bool = true>(signals_runtime::Signals<PgBackend>);

impl<const HISTORY: bool> Queue for Signals<HISTORY> {
    const NAME: &'static str = if HISTORY { "signals" } else { "signals without history" };
    const TUNED: &'static str = if HISTORY {
        "concurrency 256; history stays on (docs/performance.md, Sizing)"
    } else {
        "concurrency 256; history off, also as it comes: it is no default, and shown because the others keep none"
    };
    const COMPLETIONS: &'static str = if HISTORY {
        "a DELETE of what came together, and the history of it, durable; fenced by a token that is never used twice"
    } else {
        "a DELETE of what came together, durable; fenced by a token that is never used twice"
    };

    async fn open(place: &Place) -> anyhow::Result<Self> {
        let signals = signals_runtime::Signals::new(PgBackend::new(place.pool.clone()));
        signals.setup().await?;
        Ok(Self(signals))
    }

    async fn fill(&self, count: i64, _: bool) -> anyhow::Result<()> {
        for numbers in chunks(count) {
            let facts: Vec<_> = numbers.map(|number| Single { work: Work::new(number) }).collect();
            let mut tx = self.0.begin().await?;
            send_all(&facts, &mut tx).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn fact(&self, number: i64) -> anyhow::Result<()> {
        let mut tx = self.0.begin().await?;
        sqlx::query(PAYMENT).bind(number).execute(&mut *tx).await?;
        Fanned { work: Work::new(number) }.send(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    async fn one(&self, number: i64) -> anyhow::Result<()> {
        let mut tx = self.0.begin().await?;
        Single { work: Work::new(number) }.send(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    async fn work(&self, tuned: bool) -> anyhow::Result<Working> {
        let worker = self.0.worker();
        let worker = if tuned { worker.concurrency(256) } else { worker };
        let worker = if HISTORY { worker } else { worker.history(Duration::ZERO) }.build()?;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(worker.run_until(async {
            let _ = stopped.await;
        }));
        Ok(Working::until(async move {
            drop(stop);
            // How it ended is no matter of the measurement that is over.
            let _ = running.await;
        }))
    }

    async fn left(&self) -> anyhow::Result<i64> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM signals.delivery").fetch_one(self.0.backend().pool()).await?)
    }
}
