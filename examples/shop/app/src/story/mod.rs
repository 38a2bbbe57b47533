//! The story: a shop whose parts fail in every way that the signals must survive.
//!
//! ```text
//!  this process                                   worker processes, one after another
//!  ┌───────────────────────────┐                  ┌──────────────────────────┐
//!  │ acts ──HTTP──► server     │                  │ shop worker --lease 3 …  │ stopped, killed
//!  │   │              │        │                  └────────────┬─────────────┘
//!  │   └─looks        └─sends  │                               │ runs receivers
//!  └─────│──────────────│──────┘                               │
//!        └──────────────┴────────────► database ◄──────────────┘
//! ```
//!
//! Every line that begins with ✓ was checked against the database or the files. The first that does not hold ends the
//! story with an error, and its files are kept.

mod acts;
mod check;
mod client;
mod process;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use base::{Place, Scratch, Shop, say};
use tokio::net::TcpListener;

use crate::shop::{self, Folders};
use crate::worker::Fault;
use crate::{http, story};
use client::Client;
use process::WorkerProcess;

/// The lease of the story's workers. The default is 20 s.
const LEASE: Duration = Duration::from_secs(3);

/// How long the story may take at most, on a machine however slow.
const LIMIT: Duration = Duration::from_secs(60);

/// What every act works with.
struct Story {
    shop: Shop,
    http: Client,
    place: Place,
    folders: Folders,
    workers: usize,
}

/// Tells the story, on the server of `place` if there is one, and removes what it made.
pub(crate) async fn run(place: Option<&Place>) -> Result<()> {
    let started = Instant::now();
    let scratch = Scratch::new(place).await?;
    let told = tokio::select! {
        told = tokio::time::timeout(LIMIT, tell(scratch.place())) => {
            told.unwrap_or_else(|_| Err(anyhow!("it took more than {LIMIT:?}")))
        }
        asked = asked_to_stop() => return asked.and_then(|()| bail!("the story was interrupted")),
    };
    if let Err(error) = told {
        let kept = scratch.keep();
        return Err(error.context(format!("the story did not go as told; its files are kept in {kept}")));
    }
    scratch.remove()?;
    say!("\nAll of this is true of the database, and took {:.1} s. Now by hand:", started.elapsed().as_secs_f64());
    say!("{}", NEXT.trim_end());
    Ok(())
}

/// Waits for Ctrl-C or SIGTERM.
#[cfg(unix)]
async fn asked_to_stop() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
async fn asked_to_stop() -> Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}

#[cfg(feature = "sqlite")]
const NEXT: &str = "
  cargo run -p shop -- serve                  takes orders and webhooks, and says how to send them
  cargo run -p shop -- worker --fault score   runs the receivers; large payments make one panic
  cargo run -p shop -- status                 shows receivers, workers and deliveries
  cargo run -p shop -- retry <id>             runs a dead letter again, from zero
";

#[cfg(not(feature = "sqlite"))]
const NEXT: &str = "
  export DATABASE_URL=postgres://user:password@host/name
  cargo run -p shop --no-default-features --features postgres -- serve                  takes orders and webhooks
  cargo run -p shop --no-default-features --features postgres -- worker --fault score   runs the receivers
  cargo run -p shop --no-default-features --features postgres -- status                 shows how everything stands
  cargo run -p shop --no-default-features --features postgres -- retry <id>             runs a dead letter again
";

async fn tell(place: &Place) -> Result<()> {
    say!("A shop: payments, orders, receipts and analytics tell each other what happened, by signals.");
    say!("(For the story alone the lease is {LEASE:?} instead of 20 s, and the backoffs are below a second.)\n");
    let shop = shop::open(place).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port to serve on")?;
    let address = listener.local_addr()?;
    say!("database  {place}");
    say!("server    http://{address}, this process");

    let (place, folders) = (place.clone(), Folders::of(place));
    let mut story = Story { shop: shop.clone(), http: Client::new(address), place, folders, workers: 0 };
    tokio::select! {
        told = acts::play(&mut story) => told,
        served = axum::serve(listener, http::router(shop)).into_future() => {
            Err(served.err().map_or_else(|| anyhow!("the server ended"), Into::into))
        }
    }
}

impl Story {
    /// Starts a worker process, and waits until the database knows it.
    async fn start_worker(&mut self, faults: &[Fault]) -> Result<WorkerProcess> {
        self.workers += 1;
        let name = format!("worker {}", self.workers);
        let worker = WorkerProcess::start(&name, &self.place, faults)?;
        story::check::until(&format!("{name} to start"), Duration::from_secs(10), async || {
            Ok(self.shop.inspect().workers().await?.iter().any(|seen| seen.pid == worker.pid()).then_some(()))
        })
        .await?;
        let faults = match faults {
            [] => String::new(),
            some => {
                format!(", in which these are broken: {}", some.iter().map(|f| f.name()).collect::<Vec<_>>().join(", "))
            }
        };
        say!("{name}  process {}{faults}", worker.pid());
        Ok(worker)
    }
}
