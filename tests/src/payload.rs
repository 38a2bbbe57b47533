//! S12, D8, E6, E7: what a receiver reads is what was sent, or nothing was sent.

use std::collections::BTreeMap;

use signals_core::payload::{DEFAULT_LIMIT, PayloadError, decode};
use signals_core::{Error, Signal};

use crate::fixtures::{ARCHIVE, Anything, CONFUSE, Framework, KEEP, Measured, PLOT, Precious, anything};
use crate::{App, Db, Harness};

/// Sends what must be refused, commits nevertheless, and answers why; nothing may be stored.
async fn refused<H: Harness, S: Signal>(app: &App<H>, signal: &S) -> PayloadError {
    let mut tx = app.begin().await;
    let error = signal.send(&mut tx).await.expect_err("cannot be stored as it is");
    let _ = tx.commit().await;
    assert!(app.db.all().await.is_empty(), "a refused send stores nothing");
    let Error::Payload { signal, source } = error else { panic!("{error:?}") };
    assert_eq!(signal, S::DEF.name);
    source
}

/// Sends and reads the payload that a worker gets.
async fn travelled<H: Harness, S: Signal>(app: &App<H>, signal: &S) -> Vec<u8> {
    app.send(signal).await;
    app.puppet().await.claim_one().await.signal.payload.clone()
}

/// S12.
pub async fn s12_floats_that_json_cannot_say_are_refused<H: Harness>(db: Db<H>) {
    let app = db.app(&[&PLOT]).await;
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let why = refused(&app, &Measured { value }).await;
        assert!(matches!(why, PayloadError::NotFinite), "{why:?}");
    }
}

/// S12: what nests too deep could be sent, and never read.
pub async fn s12_a_payload_that_nests_too_deep_is_refused<H: Harness>(db: Db<H>) {
    let app = db.app(&[&ARCHIVE]).await;
    let deep = |levels: usize| anything(format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
    let why = refused(&app, &deep(127)).await;
    assert!(matches!(why, PayloadError::TooDeep), "{why:?}");
    app.send(&deep(126)).await;
}

/// S12: the limit is the application's, and counts bytes.
pub async fn s12_a_payload_over_the_limit_is_refused<H: Harness>(db: Db<H>) {
    let app = db.app(&[&ARCHIVE]).await;
    let of = |bytes: usize| anything(format!("\"{}\"", "x".repeat(bytes - r#"{"json":""}"#.len())));
    let why = refused(&app, &of(DEFAULT_LIMIT + 1)).await;
    assert!(matches!(why, PayloadError::TooLarge { limit: DEFAULT_LIMIT }), "{why:?}");
    assert_eq!(travelled(&app, &of(DEFAULT_LIMIT)).await.len(), DEFAULT_LIMIT);
}

/// S12: raw JSON is read before it is sent.
pub async fn s12_raw_json_with_a_lone_surrogate_is_refused<H: Harness>(db: Db<H>) {
    let app = db.app(&[&ARCHIVE]).await;
    for json in [r#""\ud800""#, r#"{"a":["\udfff"]}"#] {
        let why = refused(&app, &anything(json)).await;
        assert!(matches!(why, PayloadError::Raw(_)), "{why:?}");
    }
}

/// S12, E7: texts with NUL, large integers, pairs, integer keys and all digits of a float.
pub async fn s12_values_that_lossy_encodings_lose_come_back_equal<H: Harness>(db: Db<H>) {
    let app = db.app(&[&KEEP]).await;
    let sent = Precious {
        text: "a\0b\u{1f980}\u{7f}".to_owned(),
        large: u64::MAX,
        huge: i128::MIN,
        pair: (-1, "two".to_owned()),
        by_number: BTreeMap::from([(0, "zero".to_owned()), (u32::MAX, "most".to_owned())]),
        amount: "0.10".to_owned(),
        ratio: 0.1 + 0.2,
    };
    let got: Precious = decode(&travelled(&app, &sent).await, DEFAULT_LIMIT).expect("decodes");
    assert_eq!(format!("{got:?}"), format!("{sent:?}"));
}

/// E6: no field of a payload is the framework's.
pub async fn e6_a_payload_may_name_its_fields_like_the_frameworks_own<H: Harness>(db: Db<H>) {
    let app = db.app(&[&CONFUSE]).await;
    let sent = Framework {
        id: -1,
        signal: "shop.paid".to_owned(),
        receiver: "orders.ship".to_owned(),
        token: 0,
        payload: vec![1, 2],
        attempt: None,
        life: (),
    };
    let got: Framework = decode(&travelled(&app, &sent).await, DEFAULT_LIMIT).expect("decodes");
    assert_eq!(format!("{got:?}"), format!("{sent:?}"));
}

/// D8: no database tidies them up.
pub async fn d8_payload_bytes_come_back_as_they_were_sent<H: Harness>(db: Db<H>) {
    let app = db.app(&[&ARCHIVE]).await;
    let json = "{ \"b\" : 1.0e2,\t\"a\":1, \"a\":1.10, \"c\":\"\\u0041\\/\\u0000\", \"d\":100000000000000000000 }";
    let bytes = travelled(&app, &anything(json)).await;
    assert_eq!(String::from_utf8_lossy(&bytes), format!("{{\"json\":{json}}}"));
}

/// D8: the bytes are the same wherever they are looked at.
pub async fn d8_an_operator_sees_the_payload_that_the_receiver_gets<H: Harness>(db: Db<H>) {
    let app = db.app(&[&ARCHIVE]).await;
    let [id] = app.deliver(&anything("[\"geheim\",  2]"), [&ARCHIVE]).await;
    let claimed = app.puppet().await.claim_one().await;
    let shown = db.get(id).await.signal.expect("not forgotten");
    assert_eq!((shown.payload.clone(), shown.version), (claimed.signal.payload.clone(), Anything::DEF.version));
    assert_eq!((&*shown.name, shown.id), (Anything::DEF.name, id.signal));
    assert!(!format!("{shown:?} {claimed:?}").contains("geheim"), "payloads never appear in Debug output");
}
