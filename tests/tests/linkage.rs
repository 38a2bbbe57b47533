//! What the linker collects from the crates that `link!` names.

extern crate signals_core as signals_runtime;

use signals_conformance::Db;
use signals_conformance::fixtures::{MAIL, SHIP, paid};
use signals_conformance::model::Model;
use signals_runtime::{Receiver as _, ReceiverDef, Registry};

signals_runtime::link!(signals_fixture_strict, signals_fixture_contract, signals_fixture_renamed,);
signals_runtime::retired!("orders.ship", "orders.never_registered");

fn linked() -> Registry {
    Registry::linked().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn linked_crates_contribute_their_receivers() {
    let registry = linked();
    let names: Vec<&str> = registry.receivers().map(|receiver| receiver.name).collect();
    assert_eq!(
        names,
        [
            "signals_fixture_contract.count_shipped",
            "signals_fixture_renamed.change_address",
            "signals_fixture_renamed.forget_address",
            "signals_fixture_strict.receivers.book_back",
            "signals_fixture_strict.receivers.complete_order",
            "signals_fixture_strict.receivers.mail_receipt",
            "strict.fulfil",
        ]
    );
}

#[test]
fn linked_crates_contribute_their_signals() {
    let registry = linked();
    let names: Vec<&str> = registry.signals().map(|signal| signal.name).collect();
    assert_eq!(
        names,
        [
            "signals_fixture_contract.shipping.OrderShipped",
            "signals_fixture_renamed.CustomerLeft",
            "signals_fixture_renamed.CustomerMoved",
            "signals_fixture_strict.PaymentCompleted",
            "strict.payment_refunded",
        ]
    );
}

#[test]
fn a_receiver_is_named_by_its_function() {
    let registry = Registry::builder()
        .receiver::<signals_fixture_strict::complete_order>()
        .receiver::<signals_fixture_contract::count_shipped>()
        .build()
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(registry.receivers().len(), 2);
    let def = signals_fixture_strict::complete_order::DEF;
    assert_eq!(def.location.krate(), "signals_fixture_strict");
    assert!(def.location.file.ends_with("receivers.rs"), "{}", def.location);
}

#[tokio::test]
async fn i14_a_receiver_that_is_declared_retired_is_passed_by_from_the_registration_on() {
    let db = Db::<Model>::open().await;
    let earlier = db.app(&[&SHIP, &MAIL]).await;
    assert_eq!(earlier.send(&paid(1)).await.deliveries, 2);

    let registry = linked();
    assert_eq!(registry.retired(), ["orders.never_registered", "orders.ship"]);
    db.store.register(&registry.registration()).await.expect("this program can be registered");

    let stored = db.store.receivers().await.expect("receivers can be listed");
    let retired: Vec<_> = stored.iter().filter(|info| info.retired).map(|info| info.name.as_str()).collect();
    assert_eq!(retired, ["orders.ship"]);
    // Whoever sends, and whatever it links.
    assert_eq!(earlier.send(&paid(2)).await.deliveries, 1);
    assert_eq!(db.all().await.len(), 3, "what was sent before stays");
}

/// A crate that is built twice for a dev-dependency cycle registers everything twice.
#[test]
fn two_registrations_that_agree_are_one() {
    static TWIN: ReceiverDef = *signals_fixture_strict::complete_order::DEF;
    let complete_order = signals_fixture_strict::complete_order::DEF;
    assert!(!std::ptr::eq(complete_order, &raw const TWIN));
    let registry = Registry::builder().receiver_def(complete_order).receiver_def(&TWIN).build();
    assert_eq!(registry.unwrap_or_else(|error| panic!("{error}")).receivers().len(), 1);

    static ELSEWHERE: ReceiverDef = ReceiverDef {
        location: signals_fixture_strict::mail_receipt::DEF.location,
        ..*signals_fixture_strict::complete_order::DEF
    };
    let error = Registry::builder().receiver_def(complete_order).receiver_def(&ELSEWHERE).build();
    let error = error.expect_err("the same name at another place is a contradiction").to_string();
    assert!(error.contains("is declared 2 times"), "{error}");
}
