//! What start-up says of a program whose declarations contradict each other: everything at once, with file and line.

extern crate signals_core as signals_runtime;

use signals_runtime::{Receiver as _, Registry, receiver, signal};

signals_runtime::link!(signals_fixture_contract, serde_json); // line 7

#[signal(name = "payments.completed")]
struct PaymentCompleted {}

#[receiver(signal = PaymentCompleted, name = "orders.fulfil")] // line 12
async fn fulfil_order(_payment: PaymentCompleted) {}

#[receiver(signal = PaymentCompleted, aliases = ["orders.fulfil"])] // line 15
async fn complete_order(_payment: PaymentCompleted) {}

#[signal(name = "payments.completed")] // line 18
struct AnotherPaymentCompleted {}

signals_runtime::retired!("signals_fixture_contract.count_shipped"); // line 21

fn problems() -> Vec<String> {
    match Registry::linked() {
        Err(signals_runtime::Error::Registry(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("expected problems, got {other:?}"),
    }
}

fn the_one_with(text: &str) -> String {
    let mut found = problems().into_iter().filter(|problem| problem.contains(text));
    let problem = found.next().unwrap_or_else(|| panic!("nothing says {text}: {:#?}", problems()));
    assert_eq!(found.next(), None, "said once");
    problem
}

#[test]
fn a_crate_that_contributes_nothing_is_named_with_file_and_line() {
    let problem = the_one_with("crate `serde_json`");
    assert!(problem.contains(&format!("{}:7", file!())), "{problem}");
}

#[test]
fn a_receiver_name_that_is_used_twice_is_reported_with_both_places() {
    let problem = the_one_with("receiver name `orders.fulfil`");
    for line in [12, 15] {
        assert!(problem.contains(&format!("{}:{line}", file!())), "{problem}");
    }
}

#[test]
fn a_signal_name_that_is_used_twice_is_reported_with_both_places() {
    let problem = the_one_with("signal name `payments.completed`");
    for line in [9, 18] {
        assert!(problem.contains(&format!("{}:{line}", file!())), "{problem}");
    }
}

#[test]
fn a_receiver_that_is_retired_and_still_linked_is_reported_with_both_places() {
    let problem = the_one_with("receiver `signals_fixture_contract.count_shipped` is declared retired");
    let exists = signals_fixture_contract::count_shipped::DEF.location;
    for place in [format!("{}:21", file!()), exists.to_string()] {
        assert!(problem.contains(&place), "{problem}");
    }
}

#[test]
fn nothing_else_is_wrong() {
    assert_eq!(problems().len(), 4, "{:#?}", problems());
    let _ = (PaymentCompleted {}, AnotherPaymentCompleted {});
}
