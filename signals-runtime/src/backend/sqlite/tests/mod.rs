//! Tests on real files: what the conformance suite cannot see, because it is particular to SQLite.

mod by_hand;
mod claims;
mod connections;
mod names;
mod patience;
mod sends;
mod statements;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use signals_core::clock::ManualClock;
use signals_core::delivery::{DeliveryId, Lane, ReceiverId};
use signals_core::store::{
    Acked, Acting, Claim, ClaimLane, Claims, Finished, ReceiverEntry, Registered, Registration, SignalEntry, Store,
    Verb,
};
use signals_core::token::{Token, Tokens};
use signals_core::{
    Backend as _, Location, Outgoing, Receipt, Registry, Result, SendBatch, SendContext, Signal, SignalDef,
};
use tempfile::TempDir;

use super::SqliteBackend;

pub(super) const LEASE: Duration = Duration::from_secs(20);
const HERE: Location = Location { module: module_path!(), file: file!(), line: line!() };

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Paid {
    pub(super) id: u64,
    pub(super) note: String,
}

impl Signal for Paid {
    const DEF: &'static SignalDef = &SignalDef::new("paid", HERE);
}

/// One database of its own.
pub(super) struct Fixture {
    pub(super) backend: SqliteBackend,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: ManualClock,
    tokens: Tokens,
    pub(super) dir: TempDir,
}

impl Fixture {
    /// Migrated, with these receivers of `paid`.
    pub(super) async fn new(receivers: &[&'static str]) -> Self {
        let dir = TempDir::new().expect("a directory");
        let clock = ManualClock::default();
        let backend = SqliteBackend::open(dir.path().join("db")).await.expect("opens");
        let backend = backend.with_clock(Arc::new(clock.clone()));
        let store = backend.store();
        store.migrate().await.expect("migrates");
        let incarnation = store.enlist(&Default::default()).await.expect("enlists");
        let fixture = Self { backend, store, clock, tokens: Tokens::new(incarnation), dir };
        let receivers: Vec<_> = receivers.iter().map(|name| entry(name, &[])).collect();
        fixture.register(&receivers).await.expect("registers");
        fixture
    }

    pub(super) async fn register(&self, receivers: &[ReceiverEntry]) -> Result<Registered> {
        let signals = vec![SignalEntry { name: "paid", aliases: &[] }];
        let registration = Registration { signals, receivers: receivers.to_vec(), retired: Vec::new() };
        self.store.register(&registration).await
    }

    pub(super) fn batch(&self, signals: Vec<Outgoing>) -> SendBatch {
        let registry = Registry::builder().build().expect("nothing contradicts itself");
        let mut context = SendContext::new(Arc::new(registry));
        context.clock = Arc::new(self.clock.clone());
        SendBatch { signals, context }
    }

    pub(super) async fn send(&self, signals: Vec<Outgoing>) -> Result<Vec<Receipt>> {
        let mut tx = self.backend.begin().await?;
        let receipts = SqliteBackend::send(&mut tx, &self.batch(signals)).await?;
        self.backend.commit(tx).await?;
        Ok(receipts)
    }

    pub(super) async fn send_ids(&self, ids: std::ops::Range<u64>) -> Vec<Receipt> {
        self.send(ids.map(paid).collect()).await.expect("sends")
    }

    pub(super) fn token(&mut self) -> Token {
        self.tokens.draw().expect("far from the last")
    }

    pub(super) fn claim(&mut self, receivers: &[i64]) -> Claim {
        let lanes = receivers.iter().map(|&receiver| ClaimLane { lane: lane(receiver), limit: 100 }).collect();
        Claim { token: self.token(), lease: LEASE, lanes, limit: 100, steal: true, suspect: true }
    }

    pub(super) async fn claimed(&mut self, receivers: &[i64]) -> Claims {
        let claim = self.claim(receivers);
        self.store.claim(&claim).await.expect("claims")
    }

    /// Claims from the first receiver once, and completes what it got: how many.
    pub(super) async fn complete(&mut self, limit: usize) -> usize {
        let claim = Claim { limit, ..self.claim(&[1]) };
        let claims = self.store.claim(&claim).await.expect("claims");
        let acked = |held| Acked { held, ran: Duration::ZERO, keep: false };
        let acked: Vec<_> = claims.claimed.iter().map(|claimed| acked(claimed.held)).collect();
        let finished = self.store.ack(&acked).await.expect("acknowledges");
        finished.iter().filter(|finished| **finished == Finished::Done).count()
    }

    pub(super) async fn by_hand(&self, verb: Verb, id: DeliveryId) -> Result<()> {
        let acting = Acting { actor: "ops", subject: "a test", continues: None };
        let decided = match verb {
            Verb::Cancel => self.store.cancel(&[id], &acting).await?,
            Verb::Discard => self.store.discard(&[id], &acting).await?,
            _ => self.store.retry(&[id], &acting).await?,
        };
        decided.verdicts[0].into_result(id, verb)
    }

    pub(super) async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.backend.pool()).await.expect("a number")
    }
}

pub(super) fn paid(id: u64) -> Outgoing {
    Outgoing::new(&Paid { id, note: format!("\u{0}\"\\ü\u{1F600} {id}") })
}

pub(super) fn keyed(id: u64, key: &str) -> Outgoing {
    let mut signal = paid(id);
    signal.key = Some(key.to_owned());
    signal
}

pub(super) const fn entry(name: &'static str, aliases: &'static [&'static str]) -> ReceiverEntry {
    ReceiverEntry { name, aliases, signal: "paid" }
}

pub(super) fn lane(receiver: i64) -> Lane {
    Lane { receiver: ReceiverId(receiver), version: 1 }
}

pub(super) fn delivery(signal: i64, receiver: i64) -> DeliveryId {
    super::rows::delivery(signal, receiver)
}
