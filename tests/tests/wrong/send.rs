//! Sends that go wrong: T1, I1, I14, S16, D8.

use std::collections::HashSet;
use std::sync::Arc;

use signals_conformance::fixtures::paid;
use signals_core::{Backend as _, Due, Error, Headers, Outgoing, Receipt, Registry, Result, SendBatch};
use signals_runtime::backend::memory::MemoryBackend;

use super::backend::{Shared, WrongTx};
use super::defects::Defect;

pub(super) async fn send(conn: &mut WrongTx, batch: &SendBatch) -> Result<Vec<Receipt>> {
    let shared = conn.shared.clone();
    if shared.is(Defect::AsksForEveryLinkedReceiver) {
        let registration = batch.context.registry.registration();
        let stored = conn.inner.store().resolve(&registration).await?.ids;
        if stored.len() < registration.receivers.len() {
            return Err(Error::NotRegistered { signal: String::new(), receivers: Vec::new() });
        }
    }
    let memory = MemoryBackend::conn_mut(&mut conn.tx);
    let wrong = spoiled(&shared, batch);
    if shared.is(Defect::StoresBatchesPiecemeal) {
        let mut receipts = Vec::new();
        for signal in wrong.signals {
            let one = SendBatch { signals: vec![signal], context: wrong.context.clone() };
            receipts.extend(MemoryBackend::send(memory, &one).await?);
        }
        return Ok(receipts);
    }
    let mut receipts = match MemoryBackend::send(memory, &wrong).await {
        Err(Error::KeyReused { key }) if shared.is(Defect::QuotesPayloads) => {
            return Err(Error::Database(format!("{key} is not for {:?}", batch.signals[0].payload).into()));
        }
        answer => answer?,
    };
    if shared.is(Defect::RefusesWhatNobodyHears) && receipts.iter().all(|receipt| receipt.deliveries == 0) {
        return Err(Error::Database("nothing to insert".into()));
    }
    for (receipt, signal) in receipts.iter_mut().zip(&batch.signals) {
        let linked: HashSet<_> = batch.context.registry.receivers_of(signal.def.name).map(|def| def.name).collect();
        if shared.is(Defect::ReachesLinkedReceiversAlone) {
            receipt.deliveries = linked.len();
        }
        shared.memory().linked.insert(receipt.signal_id, linked);
    }
    if shared.is(Defect::MixesReceiptsUp) {
        receipts.reverse();
    }
    Ok(receipts)
}

/// What is stored instead of `batch`.
fn spoiled(shared: &Shared, batch: &SendBatch) -> SendBatch {
    let mut context = batch.context.clone();
    if shared.is(Defect::SendsPastTheUnregistered) {
        context.registry = Arc::new(Registry::builder().build().expect("nothing contradicts itself"));
    }
    if shared.is(Defect::DropsHeaders) {
        context.headers = Headers::default();
    }
    let signals = batch.signals.iter().map(|signal| {
        let mut wrong = copy(signal);
        if shared.is(Defect::IgnoresKeys) {
            wrong.key = None;
        }
        if shared.is(Defect::LowercasesKeys) {
            wrong.key = wrong.key.map(|key| key.to_lowercase());
        }
        if shared.is(Defect::SendsAtOnce) {
            wrong.due = Due::Now;
        }
        if shared.is(Defect::TidiesPayloads)
            && let Ok(value) = serde_json::from_slice::<serde_json::Value>(&wrong.payload)
        {
            wrong.payload = value.to_string().into_bytes();
        }
        wrong
    });
    SendBatch { signals: signals.collect(), context }
}

/// Checked already, so that it can be stored as it is.
fn copy(signal: &Outgoing) -> Outgoing {
    let mut copy = Outgoing::new(&paid(0));
    (copy.def, copy.payload) = (signal.def, signal.payload.clone());
    (copy.due, copy.key) = (signal.due, signal.key.clone());
    copy
}
