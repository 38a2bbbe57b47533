//! Stopping: one word that every part listens to, and the signals of the operating system.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;

/// How much of the grace is kept for giving back what did not end within it.
const GIVE_BACK: Duration = Duration::from_secs(1);

/// How far a worker is with stopping. It only ever goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It claims and runs.
    Run,
    /// It claims nothing more and waits for what runs, for its grace.
    Stop,
    /// It cancels what runs and gives it back.
    Now,
    /// Everything is stored or given back: the keeper may go.
    Done,
}

#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Sender<Phase>);

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Phase::Run))
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Goes on to `phase`, if it is not there yet.
    pub(crate) fn advance(&self, phase: Phase) {
        self.0.send_if_modified(|now| {
            let further = phase > *now;
            *now = phase.max(*now);
            further
        });
    }

    /// Waits until `phase` is reached. Loses nothing when it is dropped.
    pub(crate) fn reached(&self, phase: Phase) -> impl Future<Output = ()> + Send + use<> {
        let mut listener = self.0.subscribe();
        async move {
            // An error means that the sender is gone, and with it the worker.
            let _ = listener.wait_for(|now| *now >= phase).await;
        }
    }
}

/// Ends the grace of a worker that is stopping, a little early, so that what is cancelled is given back within it (L2).
pub(crate) async fn end_grace(shutdown: Shutdown, grace: Duration) {
    shutdown.reached(Phase::Stop).await;
    tokio::time::sleep(grace - GIVE_BACK.min(grace / 10)).await;
    shutdown.advance(Phase::Now);
}

/// SIGTERM and Ctrl-C: the first stops with grace, the second at once (W12).
///
/// Runs on the keeper's own runtime, so that a receiver which blocks the application's cannot keep it from being heard.
#[cfg(unix)]
pub(crate) async fn listen(shutdown: Shutdown) {
    use tokio::signal::unix::{SignalKind, signal};

    // Both streams live as long as the worker: one made anew for the second signal could miss it. Without signals a
    // worker is stopped by `run_until`, or killed.
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    for phase in [Phase::Stop, Phase::Now] {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        shutdown.advance(phase);
    }
}

/// Ctrl-C: the first stops with grace, the second at once (W12).
#[cfg(not(unix))]
pub(crate) async fn listen(shutdown: Shutdown) {
    for phase in [Phase::Stop, Phase::Now] {
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        shutdown.advance(phase);
    }
}
