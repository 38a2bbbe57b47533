//! What programs are told through `tracing`, and what they are never told: payloads.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use signals_conformance::Ears;
use signals_runtime::store::Filter;
use signals_runtime::worker::{DrainError, Report};
use signals_runtime::{Delivery, MemoryBackend, Receiver, Registry, Signal, Signals, State, receiver, signal};
use tracing::Level;

/// What payloads carry here, and nothing else does.
const CANARY: &str = "canary-in-the-payload";

async fn program(registry: Registry) -> Signals<MemoryBackend> {
    let signals = Signals::new(MemoryBackend::new()).with_registry(registry);
    signals.setup().await.expect("an empty database can be set up");
    signals
}

async fn program_of<R: Receiver>() -> Signals<MemoryBackend> {
    program(Registry::builder().receiver::<R>().build().expect("nothing contradicts itself")).await
}

async fn send<S: Signal>(signals: &Signals<MemoryBackend>, signal: &S) {
    let mut tx = signals.begin().await.expect("a transaction can begin");
    signal.send(&mut tx).await.expect("the send succeeds");
    tx.commit().await.expect("the commit succeeds");
}

async fn drain(signals: &Signals<MemoryBackend>) -> Report {
    match signals.worker().build().expect("the worker lacks nothing").drain().await {
        Ok(report) | Err(DrainError::Failed(report)) => report,
        Err(error) => panic!("the worker could not run: {error}"),
    }
}

#[signal(name = "telling.unheard")]
struct Unheard {
    text: String,
}

#[signal(name = "telling.allowed", allow_unheard)]
struct Allowed {
    text: String,
}

#[signal(name = "telling.failing")]
struct Failing {
    text: String,
}

#[receiver(signal = Failing, name = "telling.fails", max_attempts = 1)]
async fn fails(failing: &Failing) -> Result<(), String> {
    Err(format!("the text has {} bytes", failing.text.len()))
}

#[receiver(signal = Failing, name = "telling.fails_first", max_attempts = 2)]
async fn fails_first(_: Failing) -> Result<(), String> {
    Err("no stock".to_owned())
}

#[tokio::test]
async fn a_send_to_nobody_warns_unless_it_is_allowed() {
    let ears = Ears::open();
    let signals = program(Registry::default()).await;
    send(&signals, &Unheard { text: CANARY.to_owned() }).await;
    send(&signals, &Allowed { text: CANARY.to_owned() }).await;
    let warned = ears.heard(Level::WARN, &["sent to nobody"]);
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].contains("telling.unheard") && warned[0].contains("allow_unheard"), "{warned:?}");
    assert_eq!(ears.heard(Level::DEBUG, &["signal stored", "telling.allowed"]).len(), 1, "it was sent");
}

#[tokio::test]
async fn a_failed_attempt_warns_with_receiver_and_delivery_and_says_where_its_error_is() {
    let ears = Ears::open();
    let signals = program_of::<fails_first>().await;
    send(&signals, &Failing { text: CANARY.to_owned() }).await;
    assert_eq!(drain(&signals).await.retried, 1);
    let id = signals.inspect().list(&Filter::default()).await.expect("lists").deliveries[0].id.to_string();
    let told = ears.heard(Level::WARN, &["attempt failed", "telling.fails_first"]);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [&*format!("delivery={id}"), "attempt=1", "outcome=\"error\"", "retry_in=", "`inspect().get(delivery)`"]
    {
        assert!(told[0].contains(part), "`{part}` is missing in {told:?}");
    }
    assert!(!told[0].contains("no stock") && !told[0].contains(" error="), "{told:?}");
}

#[tokio::test]
async fn a_dead_delivery_is_an_error_with_its_reason() {
    let ears = Ears::open();
    let signals = program_of::<fails>().await;
    send(&signals, &Failing { text: CANARY.to_owned() }).await;
    assert_eq!(drain(&signals).await.dead, 1);
    let told = ears.heard(Level::ERROR, &["delivery is dead", "\"telling.fails\""]);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["attempt=1", "reason=\"exhausted\"", "`inspect().get(delivery)`"] {
        assert!(told[0].contains(part), "`{part}` is missing in {told:?}");
    }
    assert!(!told[0].contains("the text has 21 bytes"), "{told:?}");
}

#[receiver(signal = Failing, name = "telling.is_cancelled", max_attempts = 2)]
async fn is_cancelled(_: Failing, delivery: Delivery, signals: State<Signals<MemoryBackend>>) -> Result<(), String> {
    signals.operate("ops").cancel(delivery.id).await.map_err(|error| error.to_string())?;
    Err("too late".to_owned())
}

/// T10: what will not be retried is not told as if it would be.
#[tokio::test]
async fn t10_a_failure_of_what_was_cancelled_meanwhile_tells_of_no_retry() {
    let ears = Ears::open();
    let signals = program_of::<is_cancelled>().await;
    send(&signals, &Failing { text: CANARY.to_owned() }).await;
    let worker = signals.worker().state(signals.clone()).build().expect("the worker lacks nothing");
    let report = worker.drain().await.expect("nothing failed that counts");
    assert_eq!((report.stale, report.failed()), (1, 0));
    let all = ears.all();
    let told: Vec<_> = all.iter().filter(|line| line.contains("\"telling.is_cancelled\"")).collect();
    assert!(
        told.iter().any(|line| line.contains("outcome refused: stolen, cancelled or settled meanwhile")),
        "{told:?}"
    );
    assert!(!told.iter().any(|line| line.contains("attempt failed") || line.contains("retry_in")), "{told:?}");
}

#[signal(name = "telling.secret")]
struct Secret {
    number: i64,
    kind: Kind,
    picky: Picky,
}

#[derive(Serialize, Deserialize)]
enum Kind {
    Known,
}

/// Its `Deserialize` refuses in words of its own, with the value in them.
#[derive(Serialize)]
struct Picky(String);

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(serde::de::Error::custom(format!("`{text}` is refused")))
    }
}

/// [`Secret`] as another build sends it: it never decodes.
#[signal(name = "telling.secret")]
struct Garbled {
    number: Box<RawValue>,
    kind: String,
    picky: String,
}

#[receiver(signal = Secret, name = "telling.reads_secrets")]
async fn reads_secrets(_: Secret) {}

#[tokio::test]
async fn w17_payloads_are_never_told_not_even_when_they_do_not_decode() {
    let ears = Ears::open();
    let signals = program_of::<reads_secrets>().await;
    let quoted = format!("\"{CANARY}, expected \"");
    let garbled = |number: &str, kind: &str| Garbled {
        number: RawValue::from_string(number.to_owned()).expect("JSON"),
        kind: kind.to_owned(),
        picky: CANARY.to_owned(),
    };
    for (signal, expected) in [
        (garbled(&quoted, "Known"), "invalid type: string, expected i64 at line 1 column"),
        (garbled("7", &format!("{CANARY}`, expected `")), "unknown variant, expected `Known` at line 1 column"),
        (garbled("7", "Known"), "a value was refused by its type at line 1 column"),
    ] {
        send(&signals, &signal).await;
        let report = drain(&signals).await;
        assert_eq!(report.dead, 1);
        assert!(report.failures[0].error.contains(expected), "{expected} is missing in {:?}", report.failures);
    }
    assert_eq!(ears.heard(Level::ERROR, &["delivery is dead", "telling.reads_secrets", "undecodable"]).len(), 3);
    let told: Vec<_> = ears.all().into_iter().filter(|line| line.contains(CANARY)).collect();
    assert_eq!(told, [""; 0]);
    let _ = Secret { number: 7, kind: Kind::Known, picky: Picky(String::new()) };
}
