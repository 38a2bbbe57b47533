//! D7: tables that a newer release has made.

use signals_conformance::Harness as _;
use signals_conformance::fixtures::SHIP;
use signals_core::Error;
use signals_runtime::{Registry, Signals};
use sqlx::Executor as _;

use crate::harness::Postgres;

/// A release that is not told to be additive may have taken away what this build reads of the registry.
#[tokio::test]
async fn d7_tables_that_are_too_new_are_told_to_be_though_they_lack_what_is_read() {
    let harness = Postgres::on_the_servers_clock().await;
    let registry = Registry::builder().receiver_def(&SHIP).build().expect("nothing contradicts itself");
    let signals = Signals::new(harness.backend().clone()).with_registry(registry);
    let newer =
        "INSERT INTO signals.migration (number, name, additive, applied_at) VALUES (900, 'newer', false, now())";
    for change in [newer, "DROP TABLE signals.signal_name"] {
        harness.reader.execute(change).await.expect("a newer release");
        let registered = signals.register().await;
        assert!(matches!(registered, Err(Error::SchemaTooNew { migration: 900 })), "{registered:?}");
    }
}
