//! What Postgres quotes of rows that a foreign hand lets it refuse is told by nobody. W17, I13.

use signals_conformance::Db;
use signals_conformance::secrets::w17_i13_what_is_refused_is_told_without_what_it_says;
use sqlx::Executor as _;

use crate::harness::Postgres;

async fn refused_by(refuse: &'static str) {
    let case = Db::<Postgres>::open().await;
    let refuse = async {
        case.harness.reader.execute(sqlx::raw_sql(refuse)).await.expect("a foreign hand's");
    };
    w17_i13_what_is_refused_is_told_without_what_it_says(&case, refuse).await;
}

/// The detail of the error: `Failing row contains (1, stage.paid, …`.
#[tokio::test]
async fn w17_i13_a_row_that_a_constraint_refuses_is_quoted_nowhere() {
    let refuse = "
        ALTER TABLE signals.signal ADD CONSTRAINT foreign_hand CHECK (false) NOT VALID;
        ALTER TABLE signals.attempt ADD CONSTRAINT foreign_hand CHECK (false) NOT VALID;
        ALTER TABLE signals.settled ADD CONSTRAINT foreign_hand CHECK (false) NOT VALID";
    refused_by(refuse).await;
}

/// The message itself: `invalid input syntax for type integer: "…"`.
#[tokio::test]
async fn w17_i13_a_value_that_a_trigger_cannot_read_is_quoted_nowhere() {
    let refuse = "
        CREATE FUNCTION public.reads_payload() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM NEW.payload::integer; RETURN NEW; END';
        CREATE FUNCTION public.reads_error() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM NEW.error::integer; RETURN NEW; END';
        CREATE TRIGGER foreign_hand BEFORE INSERT ON signals.signal FOR EACH ROW EXECUTE FUNCTION public.reads_payload();
        CREATE TRIGGER foreign_hand BEFORE INSERT ON signals.attempt FOR EACH ROW EXECUTE FUNCTION public.reads_error();
        CREATE TRIGGER foreign_hand BEFORE INSERT ON signals.settled FOR EACH ROW EXECUTE FUNCTION public.reads_payload()";
    refused_by(refuse).await;
}
