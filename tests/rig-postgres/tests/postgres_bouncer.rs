//! Postgres behind PgBouncer in transaction mode, which gives every transaction another session: what the suite says of a
//! server holds there, too. D1.

#[allow(dead_code, reason = "what is particular to a server without a pooler is shown in its own folder")]
#[path = "../../tests/postgres/harness.rs"]
mod harness;

use std::sync::OnceLock;

use harness::{Postgres, Sessions, pool};
use signals_cluster::{Cluster, Package, PgBouncer, Settings, StartOptions, install};
use signals_conformance::fixtures::{SHIP, paid};
use signals_conformance::harness::LEASE;
use signals_conformance::{Db, cases};
use signals_core::Backend as _;
use signals_core::store::{Claim, ClaimLane, Finished};
use signals_runtime::PgBackend;

/// Sessions that a pooler lends, for one transaction each.
const LENT: Sessions = Sessions {
    server: || servers().0.server(),
    options: |options| {
        let database = options.get_database().expect("a case has a database of its own");
        servers().1.server().options(database)
    },
    over: |pool| PgBackend::new(pool).behind_pooler(),
    ..Sessions::PLAIN
};

/// The server and the pooler in front of it, for all cases of this process.
fn servers() -> &'static (Cluster, PgBouncer) {
    static SERVERS: OnceLock<(Cluster, PgBouncer)> = OnceLock::new();
    SERVERS.get_or_init(|| {
        install(Package::PgBouncer).expect("PgBouncer is there or can be installed");
        let cluster = Cluster::start(Settings::fast()).expect("a private server starts");
        let bouncer = PgBouncer::start(&cluster, 12, StartOptions::Refused).expect("a pooler in front of it starts");
        (cluster, bouncer)
    })
}

/// Runs the cases of some modules of the suite.
fn suite(modules: &[&str]) {
    let _lent = LENT.on_this_thread();
    let of = |name: &str| name.split("::").next().is_some_and(|module| modules.contains(&module));
    let chosen: Vec<_> = cases::<Postgres>().into_iter().filter(|case| of(case.name)).collect();
    assert!(chosen.len() >= modules.len(), "the suite has no such modules: {modules:?}");
    for case in chosen {
        println!("{}", case.name);
        case.run();
    }
}

#[test]
fn d1_sends_mean_the_same_through_pgbouncer() {
    suite(&["send", "keys"]);
}

#[test]
fn d1_claims_mean_the_same_through_pgbouncer() {
    suite(&["claim", "registry"]);
}

#[test]
fn d1_transactions_of_receivers_mean_the_same_through_pgbouncer() {
    suite(&["tx", "transactional"]);
}

/// D1: whoever does not say that there is a pooler is not told by it of options that its sessions cannot have: transactions say
/// what they need.
#[tokio::test]
async fn d1_a_pooler_that_refuses_options_for_its_sessions_is_asked_without() {
    let harness = Postgres::with(LENT).await;
    let unsaid = PgBackend::new(harness.backend.pool().clone()).without_hints();
    unsaid.store().promote(1).await.expect("it connects, and looks");
}

/// What statements on deliveries find set, each with what it does.
const WITNESS: &str = "
    CREATE TABLE public.said (verb text, path text, nestloop text);
    CREATE FUNCTION public.hear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.said VALUES (TG_OP, current_setting('search_path'), current_setting('enable_nestloop'));
        RETURN NULL;
    END $$;
    CREATE TRIGGER hear AFTER UPDATE OR DELETE ON signals.delivery FOR EACH ROW EXECUTE FUNCTION public.hear()";

/// D1: a pooler that takes options and keeps them to itself is found out: claims and outcomes say what they need.
#[tokio::test]
async fn d1_behind_a_pooler_that_ignores_options_transactions_say_what_they_need() {
    let _lent = LENT.on_this_thread();
    let case = Db::<Postgres>::open().await;
    let app = case.app(&[&SHIP]).await;
    app.send(&paid(7)).await;
    let mut puppet = app.puppet().await;
    sqlx::raw_sql(WITNESS).execute(&case.harness.reader).await.expect("somebody listens");
    // One pooler for each connection of the store: old ones lend no session in which others have prepared the same names.
    let ignorant = || {
        let bouncer = PgBouncer::start(&servers().0, 1, StartOptions::Ignored).expect("a pooler starts");
        let options = bouncer.server().options(case.harness.database.name());
        (PgBackend::new(pool(options)).without_hints().store(), bouncer)
    };
    let (for_claims, for_outcomes) = (ignorant(), ignorant());
    let lanes = puppet.lanes.iter().map(|&lane| ClaimLane { lane, limit: 1 }).collect();
    let token = puppet.tokens.draw().expect("tokens are left");
    let claim = Claim { token, lease: LEASE, lanes, limit: 1, steal: false, suspect: false };
    let claims = for_claims.0.claim(&claim).await.expect("claims");
    puppet.store = for_outcomes.0.clone();
    assert_eq!(puppet.ack(&claims.claimed[0]).await, Finished::Done);
    let said: Vec<(String, String, String)> =
        sqlx::query_as("SELECT verb, path, nestloop FROM public.said ORDER BY verb")
            .fetch_all(&case.harness.reader)
            .await
            .expect("it has heard");
    let [path, nestloop] = ["pg_catalog, pg_temp", "off"].map(str::to_owned);
    let expected = ["DELETE", "UPDATE"].map(|verb| (verb.to_owned(), path.clone(), nestloop.clone()));
    assert_eq!(said, expected);
}
