//! What operators are told to ask the server, in docs/operations.md: it is asked here, and it answers.

mod common;

use common::Rig;
use signals_cluster::Settings;
use signals_rig_postgres::{Work, prepare};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

/// The statements of the page's part about Postgres.
fn statements() -> Vec<String> {
    let page = include_str!("../../../docs/operations.md");
    let (_, part) = page.split_once("\n## On Postgres\n").expect("the page has that part");
    let blocks = part.split("```sql\n").skip(1).map(|block| block.split("```").next().unwrap_or(block));
    let statements = blocks.flat_map(|block| block.split(';'));
    statements.map(|statement| statement.trim().to_owned()).filter(|statement| !statement.is_empty()).collect()
}

/// D3: each is understood, and the first shows who pins the horizon.
#[tokio::test(flavor = "multi_thread")]
async fn d3_what_operators_are_told_to_ask_shows_who_pins_the_horizon() {
    let rig = Rig::new(Settings::fast()).await;
    let (open, _) = prepare(&rig.signals, &Work::light(1)).await.expect("it is sent, and stays open");
    let mut server = PgConnection::connect(rig.database.url()).await.expect("it takes connections");
    let statements = statements();
    assert!(statements.len() >= 6, "{statements:#?}");
    let mut answers = Vec::new();
    for statement in statements {
        let rows = sqlx::query(AssertSqlSafe(statement.clone())).fetch_all(&mut server).await;
        answers.push(rows.unwrap_or_else(|error| panic!("{statement}: {error}")));
    }
    let states: Vec<String> = answers[0].iter().map(|row| row.get("state")).collect();
    assert!(states.iter().any(|state| state == "idle in transaction"), "{states:?}");
    open.rollback().await.expect("it was open");
}
