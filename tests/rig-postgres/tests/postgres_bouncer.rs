//! Postgres behind PgBouncer in transaction mode, which gives every transaction another session: what the suite says of a
//! server holds there, too. D1.

#[allow(dead_code, reason = "what is particular to a server without a pooler is shown in its own folder")]
#[path = "../../tests/postgres/harness.rs"]
mod harness;

use std::sync::OnceLock;

use harness::{Postgres, Sessions};
use signals_cluster::{Cluster, Package, PgBouncer, Server, Settings, install};
use signals_conformance::cases;
use signals_core::Backend as _;
use signals_runtime::PgBackend;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

/// Sessions that a pooler lends, for one transaction each.
struct Lent;

/// The server and the pooler in front of it, for all cases of this process.
fn servers() -> &'static (Cluster, PgBouncer) {
    static SERVERS: OnceLock<(Cluster, PgBouncer)> = OnceLock::new();
    SERVERS.get_or_init(|| {
        install(Package::PgBouncer).expect("PgBouncer is there or can be installed");
        let cluster = Cluster::start(Settings::fast()).expect("a private server starts");
        let bouncer = PgBouncer::start(&cluster, 12).expect("a pooler in front of it starts");
        (cluster, bouncer)
    })
}

impl Sessions for Lent {
    fn server() -> Server {
        servers().0.server()
    }

    fn options(options: PgConnectOptions) -> PgConnectOptions {
        let database = options.get_database().expect("a case has a database of its own");
        servers().1.server().options(database)
    }

    fn over(pool: PgPool) -> PgBackend {
        PgBackend::new(pool).behind_pooler()
    }
}

/// Runs the cases of some modules of the suite.
fn suite(modules: &[&str]) {
    let of = |name: &str| name.split("::").next().is_some_and(|module| modules.contains(&module));
    let chosen: Vec<_> = cases::<Postgres<Lent>>().into_iter().filter(|case| of(case.name)).collect();
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
    let harness = Postgres::<Lent>::on_the_servers_clock().await;
    let unsaid = PgBackend::new(harness.backend.pool().clone()).without_hints();
    unsaid.store().promote(1).await.expect("it connects, and looks");
}
