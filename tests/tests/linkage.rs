//! What the linker collects from the crates that `link!` names.

extern crate signals_core as signals_runtime;

use signals_runtime::{Receiver as _, Registry};

signals_runtime::link!(signals_fixture_strict, signals_fixture_contract, signals_fixture_renamed,);

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
