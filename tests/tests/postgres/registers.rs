//! Registrations, and what others do to the registry meanwhile. I14, D7.

use signals_conformance::Harness as _;
use signals_conformance::fixtures::SHIP;
use signals_conformance::stage::until;
use signals_core::Error;
use signals_runtime::{PgBackend, Registry, Signals};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::harness::Postgres;

/// A database where nothing is registered, and a program with a receiver.
async fn open() -> (Postgres, Signals<PgBackend>) {
    let harness = Postgres::on_the_servers_clock().await;
    let registry = Registry::builder().receiver_def(&SHIP).build().expect("nothing contradicts itself");
    let signals = Signals::new(harness.backend().clone()).with_registry(registry);
    (harness, signals)
}

/// I14: who waits for another registration reads again what that has stored, or both give the same id to their receivers.
#[tokio::test]
async fn i14_a_registration_that_waited_for_another_goes_on_from_what_that_has_stored() {
    let (harness, signals) = open().await;
    let mut other = PgConnection::connect_with(&harness.database.options()).await.expect("connects");
    other.execute("BEGIN; UPDATE signals.registry SET last_type = 7, last_receiver = 7").await.expect("it registers");
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let (registered, ()) = tokio::join!(signals.register(), async {
        until("the registration to wait", async || harness.number(waiting).await == 1).await;
        other.execute("COMMIT").await.expect("commits");
    });
    registered.expect("registers");
    assert_eq!(harness.number("SELECT id FROM signals.receiver").await, 8);
}

/// D7: a release that is not told to be additive may have taken away what this build reads of the registry.
#[tokio::test]
async fn d7_tables_that_are_too_new_are_told_to_be_though_they_lack_what_is_read() {
    let (harness, signals) = open().await;
    let newer =
        "INSERT INTO signals.migration (number, name, additive, applied_at) VALUES (900, 'newer', false, now())";
    for change in [newer, "DROP TABLE signals.signal_name"] {
        harness.reader.execute(change).await.expect("a newer release");
        let registered = signals.register().await;
        assert!(matches!(registered, Err(Error::SchemaTooNew { migration: 900 })), "{registered:?}");
    }
}
