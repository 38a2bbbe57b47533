//! Servers start, break and end as they are told, and databases are of their own.

use signals_cluster::{Cluster, Settings};
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
