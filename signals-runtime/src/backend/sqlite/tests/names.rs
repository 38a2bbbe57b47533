//! I15: registration and merges on a real file.

use std::time::Duration;

use signals_core::delivery::{ReceiverId, State};
use signals_core::store::{Acked, Filter, Finished, ReceiverEntry, Registration, SignalEntry, Switch};
use signals_core::{Backend as _, Body, Error, ReceiverDef, ReceiverOptions, Registry, Signal as _, SignalDef};

use super::{Fixture, LEASE, Paid, delivery, entry, paid};
use crate::backend::sqlite::SqliteBackend;

#[tokio::test]
async fn registering_again_writes_nothing() {
    let fixture = Fixture::new(&["a", "b"]).await;
    let receivers = [entry("a", &[]), entry("b", &[])];
    // With the write lock taken elsewhere, anything that writes would have to wait.
    let writer = fixture.backend.begin().await.expect("begins");
    let registered = tokio::time::timeout(Duration::from_secs(1), fixture.register(&receivers)).await;
    assert_eq!(registered.expect("does not wait").expect("registers").ids.len(), 2);
    drop(writer);
}

#[tokio::test]
async fn i15_a_merge_moves_what_is_pending_and_cancels_the_second_of_two() {
    let mut fixture = Fixture::new(&["old"]).await;
    fixture.send_ids(0..2).await;
    fixture.register(&[entry("new", &[])]).await.expect("registers");
    fixture.send_ids(2..3).await;
    let held = fixture.claimed(&[1]).await.claimed[0].held;
    let registered = fixture.register(&[entry("new", &["old"])]).await.expect("merges");
    assert_eq!(
        (registered.ids.as_slice(), registered.merged.as_slice()),
        (&[("new", ReceiverId(2))][..], &["old".to_owned()][..])
    );

    let stale = fixture.store.ack(&[Acked { held, ran: Duration::ZERO, keep: true }]).await.expect("answers");
    assert_eq!(stale, [Finished::Stale]);
    fixture.clock.advance(LEASE);
    let claims = fixture.claimed(&[1, 2]).await;
    let taken: Vec<_> = claims.claimed.iter().map(|claimed| claimed.held.delivery).collect();
    assert_eq!(taken, [delivery(1, 2), delivery(2, 2), delivery(3, 2)], "each signal once");

    let filter = Filter { states: vec![State::Cancelled], receiver: Some("old".into()), ..Filter::default() };
    let cancelled = fixture.store.list(&filter).await.expect("lists").deliveries;
    assert_eq!(cancelled.len(), 1);
    assert_eq!((cancelled[0].id.signal.0, cancelled[0].actor.as_deref()), (3, Some("merged")));
    let receivers = fixture.store.receivers().await.expect("reads");
    assert_eq!((receivers.len(), receivers[0].name.as_str()), (1, "new"));
    assert_eq!(receivers[0].aliases, ["old"]);
    assert_eq!(fixture.send_ids(3..4).await[0].deliveries, 1);

    let back = fixture.register(&[entry("old", &[])]).await.expect("rolls back");
    assert_eq!(back.ids, [("old", ReceiverId(2))], "one id for ever");
}

#[tokio::test]
async fn i15_a_kept_name_for_another_signal_is_refused() {
    let fixture = Fixture::new(&["a"]).await;
    let other = ReceiverEntry { name: "a", aliases: &[], signal: "refunded" };
    let refused = fixture.register(&[other]).await;
    assert!(matches!(&refused, Err(Error::NameTaken { stored, .. }) if stored == "paid"), "{refused:?}");
}

#[tokio::test]
async fn a_renamed_signal_reaches_all_receivers_under_either_name() {
    let fixture = Fixture::new(&["a"]).await;
    let renamed = |receivers: Vec<ReceiverEntry>| Registration {
        signals: vec![SignalEntry { name: "settled", aliases: &["paid"] }],
        receivers,
        retired: Vec::new(),
    };
    let b = ReceiverEntry { name: "b", aliases: &[], signal: "settled" };
    fixture.store.register(&renamed(vec![b])).await.expect("registers");
    assert_eq!(fixture.send_ids(0..1).await[0].deliveries, 2, "an old binary sends under the old name");
    fixture.register(&[entry("c", &[])]).await.expect("an old binary registers");
    assert_eq!(fixture.send_ids(1..2).await[0].deliveries, 3);
}

#[tokio::test]
async fn i14_a_sender_that_knows_an_alias_reaches_both_types_until_they_are_merged() {
    static SETTLED: SignalDef = SignalDef::new("settled", Paid::DEF.location).aliases(&["paid"]);
    let fixture = Fixture::new(&["a"]).await;
    let apart = Registration {
        signals: vec![SignalEntry { name: "settled", aliases: &[] }],
        receivers: vec![ReceiverEntry { name: "b", aliases: &[], signal: "settled" }],
        retired: Vec::new(),
    };
    fixture.store.register(&apart).await.expect("registers");
    let mut signal = paid(1);
    signal.def = &SETTLED;
    assert_eq!(fixture.send(vec![signal]).await.expect("sends")[0].deliveries, 2);
}

#[tokio::test]
async fn retired_stays_retired_and_is_passed_by() {
    let fixture = Fixture::new(&["a", "b"]).await;
    let retire = Registration { retired: vec!["a"], ..Registration::default() };
    fixture.store.register(&retire).await.expect("retires");
    let registered = fixture.register(&[entry("a", &[]), entry("b", &[])]).await.expect("registers");
    assert_eq!((registered.retired.as_slice(), registered.ids.len()), (&["a"][..], 2));
    assert_eq!(fixture.send_ids(0..1).await[0].deliveries, 1);
}

#[tokio::test]
async fn i14_a_linked_receiver_that_is_not_registered_is_named_and_nothing_is_stored() {
    let fixture = Fixture::new(&["a", "gone"]).await;
    static LINKED: [ReceiverDef; 3] = [linked("a"), linked("b"), linked("gone")];
    let retire = Registration { retired: vec!["gone"], ..Registration::default() };
    fixture.store.register(&retire).await.expect("retires");
    let mut batch = fixture.batch(vec![paid(1)]);
    let registry = LINKED.iter().fold(Registry::builder(), signals_core::RegistryBuilder::receiver_def);
    batch.context.registry = std::sync::Arc::new(registry.build().expect("nothing contradicts itself"));
    let mut tx = fixture.backend.begin().await.expect("begins");
    let refused = SqliteBackend::send(&mut tx, &batch).await;
    assert!(matches!(&refused, Err(Error::NotRegistered { receivers, .. }) if receivers == &["b"]), "{refused:?}");
    fixture.backend.commit(tx).await.expect("commits nothing");
    assert_eq!(fixture.number("SELECT count(*) FROM signals_signal").await, 0);

    fixture.register(&[entry("b", &[]), entry("elsewhere", &[])]).await.expect("registers");
    let mut tx = fixture.backend.begin().await.expect("begins");
    let receipts = SqliteBackend::send(&mut tx, &batch).await.expect("sends");
    assert_eq!(receipts[0].deliveries, 3, "linked and registered, less the retired");
}

const fn linked(name: &'static str) -> ReceiverDef {
    ReceiverDef {
        name,
        aliases: &[],
        signal: Paid::DEF,
        options: ReceiverOptions::DEFAULT,
        declare: |_| {},
        body: Body::Blocking(|_, _| Ok(())),
        location: Paid::DEF.location,
    }
}

#[tokio::test]
async fn pauses_stop_claims_and_resolve_writes_nothing() {
    let mut fixture = Fixture::new(&["a"]).await;
    fixture.store.switch(ReceiverId(1), Switch::Pause, "ops").await.expect("pauses");
    fixture.send_ids(0..1).await;
    assert!(fixture.claimed(&[1]).await.claimed.is_empty(), "paused");
    let registration = Registration { receivers: vec![entry("a", &[]), entry("z", &[])], ..Registration::default() };
    let resolved = fixture.store.resolve(&registration).await.expect("resolves");
    assert_eq!(
        (resolved.ids.as_slice(), resolved.paused.as_slice()),
        (&[("a", ReceiverId(1))][..], &[ReceiverId(1)][..])
    );
    fixture.store.switch(ReceiverId(1), Switch::Resume, "ops").await.expect("resumes");
    assert_eq!(fixture.claimed(&[1]).await.claimed.len(), 1);
}
