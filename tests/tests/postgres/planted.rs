//! Rows that a foreign hand has written where the end of a delivery is stored: they fail nothing else. I2, I4, T4, T10. And the
//! largest number of an attempt. D9.

use std::time::Duration;

use signals_conformance::fixtures::{SHIP, paid};
use signals_conformance::{Db, Harness as _, hostile};
use signals_core::delivery::{MAX_COUNTED_ATTEMPTS, State};
use signals_core::store::{Acting, Filter, Verdict};
use signals_core::{Backend as _, Signal as _};
use sqlx::Executor as _;

use crate::harness::Postgres;

type Case = Db<Postgres>;

/// The end of every delivery to be of the first signal, as another program would write it.
const PLANTED: &str = "
    INSERT INTO signals.settled (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, settled_at,
                                 name, sent_at)
    SELECT min(d.signal), min(d.receiver), 1, 0, 1, 0, 0, 'done', now(), 'planted', now()
    FROM (SELECT signal, receiver FROM signals.delivery UNION ALL SELECT signal, receiver FROM signals.later) AS d";

/// T10: of a batch that is cancelled, what has an end already keeps it; the others have theirs.
#[tokio::test]
async fn t10_a_planted_end_fails_nothing_of_what_is_cancelled_with_it() {
    for delay in [Duration::ZERO, Duration::from_secs(60)] {
        let case = Case::open().await;
        let app = case.app(&[&SHIP]).await;
        for number in 1..=2 {
            let mut tx = app.begin().await;
            paid(number).send(&mut tx).after(delay).await.expect("sends");
            tx.commit().await.expect("commits");
        }
        let pending = case.store.find(&Filter::default(), 10).await.expect("finds").ids;
        case.harness.reader.execute(PLANTED).await.expect("a row of a foreign hand's");
        let acting = Acting { actor: "ops", subject: "a test", continues: None };
        let mut verdicts = case.store.cancel(&pending, &acting).await.expect("cancels").verdicts;
        verdicts.sort_by_key(|verdict| *verdict != Verdict::Done);
        assert_eq!(verdicts, [Verdict::Done, Verdict::WrongState(State::Done)], "after {delay:?}");
        let ended = "SELECT count(*) FROM signals.settled WHERE outcome = 'cancelled' AND actor = 'ops'";
        assert_eq!(case.harness.number(ended).await, 1, "after {delay:?}");
    }
}

/// D9, T9: the largest number that the column holds, by the statements of a sweep: a test's clock stands still.
#[tokio::test]
async fn d9_t9_the_largest_attempt_can_be_claimed_and_stolen() {
    let case = Case::open().await;
    let plant = async || {
        let attempts = "UPDATE signals.delivery SET attempt = 2147483647";
        case.harness.reader.execute(attempts).await.expect("a number of a foreign hand's");
    };
    hostile::d9_no_attempt_is_one_too_many(&case, plant).await;
}

/// D9, T2: and by the statement of a claim that begins at the floors.
#[tokio::test]
async fn d9_the_largest_attempt_can_be_claimed_above_the_floors() {
    let case = crate::claims::open().await;
    let app = case.app(&[&SHIP]).await;
    // In a lane that has been swept already, which is done but twice a second.
    let mut puppet = app.puppet().await;
    for _ in 0..3 {
        puppet.claim(1).await;
        app.send(&paid(7)).await;
        let attempts = "UPDATE signals.delivery SET attempt = 2147483647 WHERE token IS NULL";
        case.harness.reader.execute(attempts).await.expect("a number of a foreign hand's");
        assert_eq!(puppet.claim_one().await.counters.attempt, MAX_COUNTED_ATTEMPTS);
    }
}

/// T4, I5: a receiver's transaction commits with its effects, although its delivery's end stands there already.
#[tokio::test]
async fn i5_a_planted_end_does_not_undo_what_a_receiver_did() {
    let case = Case::open().await;
    let app = case.app(&[&SHIP]).await;
    app.send(&paid(1)).await;
    let held = app.puppet().await.claim_one().await;
    case.harness.reader.execute(PLANTED).await.expect("a row of a foreign hand's");
    let backend = case.harness.backend();
    let mut tx = backend.begin().await.expect("begins");
    backend.fence(&mut tx).await.expect("marks");
    Postgres::write(&mut tx, "order 1", "shipped").await.expect("writes");
    let acked = signals_conformance::harness::acked(&held, true);
    backend.ack(&mut tx, &acked).await.expect("acknowledges");
    backend.commit(tx).await.expect("commits");
    assert_eq!(Postgres::read(&case.harness, "order 1").await.as_deref(), Some("shipped"));
    assert_eq!(case.harness.number("SELECT count(*) FROM signals.delivery").await, 0);
}
