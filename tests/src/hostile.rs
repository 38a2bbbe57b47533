//! Bad input: one table, and one verdict on every backend. S12, D8, D9, I13, I15, E13.
//!
//! The table is in `hostile/vectors.rs`; a vector is what somebody gives, and what must become of it. What is kept is read
//! back and compared; what is refused leaves nothing behind. Drawn values ([`Value`]) do the same for payloads that nobody
//! thought of.

mod numbers;
mod values;
mod vectors;
mod words;

use std::time::Duration;

use proptest::strategy::{Strategy as _, ValueTree as _};
use signals_core::payload::{DEFAULT_LIMIT, PayloadError, decode};
use signals_core::store::{Failed, Finished};
use signals_core::{Error, Receipt, Result, Signal, outcome, send_all};

use crate::fixtures::{ARCHIVE, ASSAY, Measured, PLOT, SHIP, Sample, anything, paid};
use crate::harness::{failed, retry_in};
use crate::{App, Db, Harness, TestTx, seed};

pub use values::Value;
use vectors::{Given, Vector, Verdict, vectors};

/// S12, D8: every payload of the table is kept byte for byte, or refused by the error that the table says.
pub async fn s12_every_payload_of_the_table_has_its_verdict<H: Harness>(db: Db<H>) {
    let app = db.app(&[&ARCHIVE, &PLOT]).await;
    for Vector { what, given, verdict } in vectors() {
        let (sent, expected) = match given {
            Given::Json(json) => (try_send(&app, &anything(json.clone())).await, format!("{{\"json\":{json}}}")),
            Given::Float(value) => (try_send(&app, &Measured { value }).await, format!("{{\"value\":{value:?}}}")),
            Given::Error(_)
            | Given::Key(_)
            | Given::Actor(_)
            | Given::Search(_)
            | Given::Build { .. }
            | Given::Trace(_)
            | Given::Name(_)
            | Given::Delay(_) => continue,
        };
        judge(what, verdict, sent.as_ref().map(drop));
        if sent.is_ok() {
            let claimed = app.puppet().await.claim_one().await;
            assert_eq!(String::from_utf8_lossy(&claimed.signal.payload), expected, "{what}: the receiver's");
            let shown = db.get(claimed.held.delivery).await.signal.expect("not forgotten");
            assert_eq!(shown.payload, claimed.signal.payload, "{what}: the operator's");
            app.puppet().await.ack(&claimed).await;
        }
    }
}

/// I13: every error of the table is recorded as it was cleaned, whatever it says.
pub async fn i13_every_error_of_the_table_is_recorded<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    let [id] = app.deliver(&paid(7), [&SHIP]).await;
    let mut puppet = app.puppet().await;
    for Vector { what, given, verdict } in vectors() {
        let Given::Error(text) = given else { continue };
        let claimed = puppet.claim_one().await;
        let error = outcome::clean(&text);
        let batch = [Failed { error: error.clone(), ..failed(&claimed, retry_in(0)) }];
        judge(what, verdict, db.store.fail(&batch).await.as_ref().map(|answer| assert_eq!(answer, &[Finished::Done])));
        assert_eq!(db.get(id).await.attempts.last().expect("recorded").error, error, "{what}");
        // One dark spot is enough to make a terminal, a log or a JSON parser stumble.
        assert!(!error.contains(['\0', '\u{1b}']), "{what}: {error:?}");
    }
}

/// S12, I13: keys, actors and searches of the table are taken literally, or refused.
pub async fn i13_every_word_of_the_table_has_its_verdict<H: Harness>(db: Db<H>) {
    words::every_word_has_its_verdict(db).await;
}

/// E13: what stands beside a payload and beside a worker, and comes from anywhere, never fails a send.
pub async fn e13_every_header_of_the_table_has_its_verdict<H: Harness>(db: Db<H>) {
    words::every_header_has_its_verdict(db).await;
}

/// I15: names are refused when the registry is built, or serve on every backend.
pub async fn i15_every_name_of_the_table_has_its_verdict<H: Harness>(db: Db<H>) {
    words::every_name_has_its_verdict(db).await;
}

/// D9: every delay of the table is kept to the microsecond, or refused with nothing stored.
pub async fn d9_every_delay_of_the_table_has_its_verdict<H: Harness>(db: Db<H>) {
    let app = db.app(&[&SHIP]).await;
    for Vector { what, given, verdict } in vectors() {
        let Given::Delay(delay) = given else { continue };
        let stored = db.all().await.len();
        let mut tx = app.begin().await;
        let sent = paid(7).send(&mut tx).after(delay).await;
        judge(what, verdict, sent.as_ref().map(drop));
        end(tx, &sent).await;
        assert_eq!(db.all().await.len(), stored + usize::from(sent.is_ok()), "{what}");
        if let Ok(receipt) = sent {
            let all = db.all().await;
            let delivery = all.iter().find(|delivery| delivery.id.signal == receipt.signal_id).expect("stored");
            let due = delivery.due_at.unwrap_or(delivery.sent_at);
            assert_eq!(due, delivery.sent_at.saturating_add(delay), "{what}");
        }
    }
}

/// D9: the numbers that every other statement takes may be as large as they like.
pub async fn d9_no_number_of_a_statement_overflows<H: Harness>(db: Db<H>) {
    numbers::no_number_of_a_statement_overflows(db).await;
}

/// D9: nor does the number of an attempt, which no case can get so far: `plant` is to set it to `i32::MAX` for every delivery
/// that is stored. For backends whose tables a test can write to.
///
/// # Panics
///
/// Panics when the delivery does not go on like any other.
pub async fn d9_no_attempt_is_one_too_many<H: Harness>(db: &Db<H>, plant: impl AsyncFnOnce()) {
    numbers::no_attempt_is_one_too_many(db, plant).await;
}

/// S12, D8, E7: of a thousand drawn values, each is refused with nothing stored, or read back equal.
pub async fn s12_what_a_send_accepts_decodes_to_an_equal_value<H: Harness>(db: Db<H>) {
    let app = db.app(&[&ASSAY]).await;
    let mut runner = seed::runner("payloads", 0);
    let samples = values::sample();
    let mut kept = Vec::new();
    while kept.len() < 1_000 {
        let sample = samples.new_tree(&mut runner).expect("a value can always be drawn").current();
        let refusal = signals_core::payload::encode(&sample).err();
        assert_eq!(refusal.is_some(), !sample.value.is_finite(), "{sample:?}: {refusal:?}");
        match refusal {
            None => kept.push(sample),
            Some(_) => assert!(matches!(try_send(&app, &sample).await, Err(Error::Payload { .. })), "{sample:?}"),
        }
    }
    assert_eq!(db.all().await.len(), 0, "what was refused is not stored");

    let mut tx = app.begin().await;
    send_all(&kept, &mut tx).await.expect("none of them is refused");
    tx.commit().await.expect("the commit succeeds");
    let claimed = app.puppet().await.claim(kept.len()).await;
    assert_eq!(claimed.len(), kept.len());
    for (sent, claimed) in kept.iter().zip(&claimed) {
        let got: Sample = decode(&claimed.signal.payload, DEFAULT_LIMIT).expect("what was accepted decodes");
        assert_eq!(format!("{got:?}"), format!("{sent:?}"), "{}", String::from_utf8_lossy(&claimed.signal.payload));
    }
}

/// Sends, and commits whatever comes of it.
async fn try_send<H: Harness, S: Signal>(app: &App<H>, signal: &S) -> Result<Receipt> {
    let mut tx = app.begin().await;
    let sent = signal.send(&mut tx).await;
    end(tx, &sent).await;
    sent
}

/// Commits, also after a refusal: then nothing may come of it, and a database may refuse.
async fn end<B: signals_core::Backend>(tx: TestTx<B>, sent: &Result<Receipt>) {
    let committed = tx.commit().await;
    assert!(committed.is_ok() || sent.is_err(), "{committed:?}");
}

fn judge(what: &str, verdict: Verdict, outcome: std::result::Result<(), &Error>) {
    let got = match outcome {
        Ok(()) => Verdict::Kept,
        Err(Error::Payload { source: PayloadError::NotFinite, .. }) => Verdict::NotFinite,
        Err(Error::Payload { source: PayloadError::TooDeep, .. }) => Verdict::TooDeep,
        Err(Error::Payload { source: PayloadError::TooLarge { .. }, .. }) => Verdict::TooLarge,
        Err(Error::Payload { source: PayloadError::Raw(_), .. }) => Verdict::NotReadable,
        Err(Error::KeyInvalid) => Verdict::KeyInvalid,
        Err(Error::ActorInvalid) => Verdict::ActorInvalid,
        Err(Error::Registry(_)) => Verdict::NameInvalid,
        Err(Error::DelayTooLong) => Verdict::DelayTooLong,
        Err(other) => panic!("{what}: no such verdict: {other:?}"),
    };
    assert_eq!(got, verdict, "{what}");
}

/// More than any clock holds.
const FOR_EVER: Duration = Duration::MAX;
