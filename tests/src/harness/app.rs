//! A program that uses the database of a case.

use std::sync::Arc;

use signals_core::delivery::{DeliveryId, Lane, ReceiverId};
use signals_core::store::Registered;
use signals_core::{Backend as _, Receipt, ReceiverDef, Registry, Result, SendContext, Signal};

use super::{Db, Harness, Puppet, TestTx};

/// One program that uses the database: a build, known by the receivers that it links. Several of them over one [`Db`] are
/// what a rolling release is; none of them runs anything by itself.
///
/// Its transactions are [`TestTx`], which has none of the protection of `signals_runtime::Tx`: what a backend does with a
/// failed send is seen as it is. Cases about that protection use `signals_runtime` itself, through
/// [`Theatre`](crate::stage::Theatre).
pub struct App<H: Harness> {
    /// The database.
    pub db: Db<H>,
    /// What is linked into it.
    pub registry: Arc<Registry>,
}

impl<H: Harness> std::fmt::Debug for App<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("db", &self.db).field("registry", &self.registry).finish()
    }
}

impl<H: Harness> App<H> {
    /// Stores its receivers.
    ///
    /// # Errors
    ///
    /// Returns what the store says.
    pub async fn register(&self) -> Result<Registered> {
        self.db.store.register(&self.registry.registration()).await
    }

    /// The stored ids of its receivers.
    pub async fn resolve(&self) -> Registered {
        self.db.store.resolve(&self.registry.registration()).await.expect("receivers can be resolved")
    }

    /// The id of a receiver, which must be stored.
    pub async fn id(&self, receiver: &ReceiverDef) -> ReceiverId {
        let ids = self.resolve().await.ids;
        ids.into_iter().find(|(name, _)| *name == receiver.name).expect("the receiver is stored").1
    }

    /// Begins a transaction.
    pub async fn begin(&self) -> TestTx<H::Backend> {
        let backend = self.db.harness.backend().clone();
        let tx = backend.begin().await.expect("a transaction can begin");
        let clock = Arc::new(self.db.clock.clone());
        let context = SendContext { clock, ..SendContext::new(self.registry.clone()) };
        TestTx { backend, tx, context }
    }

    /// Sends `signal` in a transaction of its own, which must succeed.
    pub async fn send<S: Signal>(&self, signal: &S) -> Receipt {
        let mut tx = self.begin().await;
        let receipt = signal.send(&mut tx).await.expect("the send succeeds");
        tx.commit().await.expect("the commit succeeds");
        receipt
    }

    /// Sends `signal` and answers the ids of its deliveries, in the order of `receivers`.
    pub async fn deliver<S: Signal, const N: usize>(
        &self,
        signal: &S,
        receivers: [&ReceiverDef; N],
    ) -> [DeliveryId; N] {
        let signal = self.send(signal).await.signal_id;
        let ids = self.resolve().await.ids;
        receivers.map(|def| {
            let (_, receiver) = ids.iter().find(|(name, _)| *name == def.name).expect("the receiver is stored");
            DeliveryId { signal, receiver: *receiver }
        })
    }

    /// A worker that knows its lanes.
    pub async fn puppet(&self) -> Puppet {
        let ids = self.resolve().await.ids;
        let lane = |(name, receiver): (&str, ReceiverId)| {
            let def = self.registry.receiver(name).expect("resolved from this registry");
            Lane { receiver, version: def.signal.version }
        };
        let lanes = ids.into_iter().map(lane).collect();
        Puppet::enlist(self.db.store.clone(), lanes).await
    }
}
