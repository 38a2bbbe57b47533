//! Servers start, break and end as they are told, and databases are of their own.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use signals_cluster::{Cluster, Database, PgBouncer, Server, Settings, StartOptions, Stop};
use sqlx::{Connection as _, PgConnection};

fn start() -> Cluster {
    Cluster::start(Settings::fast()).expect("a private server starts")
}

#[tokio::test]
async fn a_database_is_a_copy_of_its_template_and_gone_when_dropped() {
    let cluster = start();
    let server = cluster.server();
    let prepare = async |url: String| {
        let mut connection = PgConnection::connect(&url).await?;
        sqlx::raw_sql("CREATE TABLE fact (number int); INSERT INTO fact VALUES (7)").execute(&mut connection).await?;
        Ok(connection.close().await?)
    };
    let first = server.database_like("facts", prepare).await.expect("a template and its copy are made");
    let second = server.database_like("facts", async |_| panic!("it is there")).await.expect("another copy is made");
    assert_ne!(first.name(), second.name());

    let mut connection = PgConnection::connect(first.url()).await.expect("it takes connections");
    let change = "UPDATE fact SET number = 8 RETURNING number";
    let changed: i32 = sqlx::query_scalar(change).fetch_one(&mut connection).await.expect("the table is there");
    let mut connection = PgConnection::connect(second.url()).await.expect("it takes connections");
    let other: i32 = sqlx::query_scalar("SELECT number FROM fact").fetch_one(&mut connection).await.expect("so it is");
    assert_eq!((changed, other), (8, 7));

    let gone = first.url().to_owned();
    drop(first);
    PgConnection::connect(&gone).await.expect_err("it was dropped, though somebody was connected");
}

/// Reads the only number of the table, through a connection of its own.
async fn number(server: &Server, database: &str) -> sqlx::Result<i32> {
    let mut connection = PgConnection::connect_with(&server.options(database)).await?;
    sqlx::query_scalar("SELECT number FROM fact").fetch_one(&mut connection).await
}

async fn remember(server: &Server) -> Database {
    let database = server.database().await.expect("a database can be made");
    let mut connection = PgConnection::connect(database.url()).await.expect("it takes connections");
    let fact = "CREATE TABLE fact (number int); INSERT INTO fact VALUES (7)";
    sqlx::raw_sql(fact).execute(&mut connection).await.expect("it takes a table");
    database
}

#[tokio::test]
async fn a_server_that_is_stopped_killed_and_started_again_has_what_was_committed() {
    let mut cluster = start();
    let server = cluster.server();
    let database = remember(&server).await;
    for how in [Stop::Fast, Stop::Immediate, Stop::Kill] {
        cluster.stop(how).expect("it stops");
        server.connect().await.expect_err("nobody listens");
        cluster.up().expect("it starts again");
        assert_eq!(number(&server, database.name()).await.expect("it is there"), 7, "{how:?}");
    }
    assert!(cluster.up().is_err_and(|error| error.to_string().contains("runs already")));
}

#[tokio::test]
async fn sessions_that_are_terminated_end_and_new_ones_begin() {
    let cluster = start();
    let server = cluster.server();
    let database = remember(&server).await;
    let mut connection = PgConnection::connect(database.url()).await.expect("it takes connections");
    assert_eq!(server.terminate(Some("other")).await.expect("the server answers"), 0);
    connection.ping().await.expect("it was not meant");
    assert_eq!(server.terminate(Some(database.name())).await.expect("the server answers"), 1);
    connection.ping().await.expect_err("its session was ended");
    assert_eq!(number(&server, database.name()).await.expect("a new session can be had"), 7);
}

#[tokio::test]
async fn a_setting_counts_at_once_or_from_the_next_start() {
    let mut cluster = Cluster::start(Settings::fast().max_connections(7)).expect("a private server starts");
    let server = cluster.server();
    let database = remember(&server).await;
    assert_eq!(show(&server, "max_connections").await, "7");

    cluster.set("default_transaction_read_only", "on").expect("it runs");
    cluster.set("max_connections", "9").expect("it runs");
    until(async || show(&server, "default_transaction_read_only").await == "on").await;
    assert_eq!(show(&server, "max_connections").await, "7");
    let mut connection = PgConnection::connect(database.url()).await.expect("it takes connections");
    let refused =
        sqlx::query("UPDATE fact SET number = 8").execute(&mut connection).await.expect_err("it is read-only");
    assert!(refused.to_string().contains("read-only"), "{refused}");

    cluster.restart(Stop::Fast).expect("it starts again");
    assert_eq!(show(&server, "max_connections").await, "9");
}

async fn show(server: &Server, parameter: &str) -> String {
    let mut connection = server.connect().await.expect("it takes connections");
    let query = "SELECT current_setting($1)";
    sqlx::query_scalar(query).bind(parameter).fetch_one(&mut connection).await.expect("it has this parameter")
}

#[tokio::test]
async fn a_standby_has_what_was_committed_and_takes_writes_once_promoted() {
    let settings = Settings::fast().set("synchronous_commit", "remote_apply");
    let mut cluster = Cluster::start(settings).expect("a private server starts");
    let mut standby = cluster.standby(Settings::fast()).expect("a standby follows it");
    cluster.set("synchronous_standby_names", "*").expect("it runs");
    until(async || show(&cluster.server(), "synchronous_standby_names").await == "*").await;
    let database = remember(&cluster.server()).await;

    let server = standby.server();
    assert_eq!(number(&server, database.name()).await.expect("it has the table"), 7);
    let mut connection = PgConnection::connect_with(&server.options(database.name())).await.expect("it can be read");
    let change = "UPDATE fact SET number = 8";
    sqlx::query(change).execute(&mut connection).await.expect_err("it only follows");
    cluster.stop(Stop::Kill).expect("it runs");
    standby.promote().expect("it follows nobody any more");
    sqlx::query(change).execute(&mut connection).await.expect("it takes writes");
}

#[tokio::test]
async fn a_server_whose_clock_is_ahead_says_so() {
    let hour = 3600;
    let cluster = Cluster::start(Settings::fast().clock_ahead_by(hour)).expect("a private server starts");
    let mut connection = cluster.server().connect().await.expect("it takes connections");
    let own = "SELECT extract(epoch FROM clock_timestamp())::bigint";
    let theirs: i64 = sqlx::query_scalar(own).fetch_one(&mut connection).await.expect("it has a clock");
    // A file's time is the machine's.
    let file = tempfile::NamedTempFile::new().expect("a file can be made").path().metadata();
    let ours = file.and_then(|of| of.modified()).expect("it has a time").duration_since(std::time::UNIX_EPOCH);
    let ahead = theirs - i64::try_from(ours.expect("it is later").as_secs()).expect("it is a small number");
    assert!((hour - 60..hour + 60).contains(&ahead), "{ahead} s ahead");
}

#[tokio::test]
async fn a_bouncer_gives_each_transaction_another_session() {
    let cluster = start();
    let database = remember(&cluster.server()).await;
    let bouncer = PgBouncer::start(&cluster, 1, StartOptions::Refused).expect("a bouncer starts");
    let pid = |connection| async move {
        let query = sqlx::query_scalar::<_, i32>("SELECT pg_backend_pid()").persistent(false);
        query.fetch_one(connection).await.expect("the server answers")
    };
    let mut first = PgConnection::connect_with(&bouncer.server().options(database.name())).await.expect("it listens");
    let mut second = PgConnection::connect_with(&bouncer.server().options(database.name())).await.expect("it listens");
    assert_eq!(pid(&mut first).await, pid(&mut second).await, "two clients, one session");
}

/// Nothing is left of a server whose process was killed.
#[test]
fn a_server_ends_with_the_process_that_started_it() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_signals-cluster"))
        .arg("serve")
        .env_remove("DATABASE_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut url = String::new();
    let stdout = child.stdout.take().expect("it is a pipe");
    BufReader::new(stdout).read_line(&mut url).expect("it says where the server is");
    let address: SocketAddr = url.split(['@', '/']).nth(3).and_then(|at| at.parse().ok()).expect("it has an address");
    TcpStream::connect(address).expect("it listens");

    child.kill().expect("it runs");
    child.wait().expect("it was ours");
    let began = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(10), "the server outlived the process that started it");
        // tidy: not a wait: a condition with a deadline is asked again
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until `is`, for ten seconds at most.
async fn until(mut is: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is().await {
        assert!(began.elapsed() < Duration::from_secs(10), "it did not come to be within ten seconds");
        // tidy: not a wait: a condition with a deadline is asked again
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
