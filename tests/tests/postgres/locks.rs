//! S9: whatever changes several deliveries locks them in key order, so that no two of them wait for each other.

use std::time::Duration;

use signals_conformance::fixtures::{SHIP, paid};
use signals_conformance::harness::{acked, failed, retry_in};
use signals_conformance::stage::until;
use signals_core::store::{Acting, Claimed, Held, Snoozed, Store};

use crate::claims::open;

/// What changes several deliveries, each named the last first.
const VERBS: [&str; 5] = ["ack", "fail", "snooze", "release", "cancel"];

/// Says of `claimed` what became of it.
pub(crate) async fn say(store: &dyn Store, verb: &str, claimed: &[Claimed]) {
    let held: Vec<Held> = claimed.iter().map(|claimed| claimed.held).collect();
    let said = match verb {
        "ack" => store.ack(&claimed.iter().map(|claimed| acked(claimed, true)).collect::<Vec<_>>()).await.map(drop),
        "fail" => {
            let failed: Vec<_> = claimed.iter().map(|claimed| failed(claimed, retry_in(1))).collect();
            store.fail(&failed).await.map(drop)
        }
        "snooze" => {
            let snoozed = held.iter().map(|&held| Snoozed { held, delay: Duration::from_secs(1) });
            store.snooze(&snoozed.collect::<Vec<_>>()).await.map(drop)
        }
        "release" => store.release(&held).await.map(drop),
        _ => {
            let deliveries: Vec<_> = held.iter().map(|held| held.delivery).collect();
            let acting = Acting { actor: "ops", subject: "a test", continues: None };
            store.cancel(&deliveries, &acting).await.map(drop)
        }
    };
    said.unwrap_or_else(|error| panic!("{verb}: {error:?}"));
}

#[tokio::test]
async fn s9_whoever_changes_several_deliveries_waits_for_the_first_without_the_second() {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let free = "SELECT count(*) FROM (SELECT FROM signals.delivery FOR UPDATE SKIP LOCKED) AS free";
    for verb in VERBS {
        let case = open().await;
        let app = case.app(&[&SHIP]).await;
        app.send(&paid(1)).await;
        app.send(&paid(2)).await;
        let mut claimed = app.puppet().await.claim(2).await;
        claimed.reverse();
        let mut holder = case.harness.reader.acquire().await.expect("a connection");
        let first = "BEGIN; SELECT FROM signals.delivery ORDER BY receiver, version, id LIMIT 1 FOR UPDATE";
        sqlx::raw_sql(first).execute(&mut *holder).await.expect("locks the first");
        let meanwhile = async {
            until("it waits", async || case.harness.number(waiting).await == 1).await;
            let free = case.harness.number(free).await;
            sqlx::raw_sql("COMMIT").execute(&mut *holder).await.expect("lets go");
            free
        };
        let ((), free) = tokio::join!(say(&*case.store, verb, &claimed), meanwhile);
        assert_eq!(free, 1, "{verb} waits for the first, and has the second already");
    }
}
