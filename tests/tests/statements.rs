//! How many statements a send costs on SQLite: those of every text that sqlx tells of, for one text may hold several.
#![cfg(feature = "sqlite")]

use std::sync::atomic::{AtomicUsize, Ordering};

use signals_conformance::fixtures::{MAIL, SHIP, paid};
use signals_conformance::stage::{Hasty, Plain};
use signals_core::{Receiver as _, ReceiverDef, Registry};
use signals_runtime::{Signals, SqliteBackend, send_all};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

/// How many statements there were in this process.
static STATEMENTS: AtomicUsize = AtomicUsize::new(0);

/// Counts them.
struct Counter;

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        STATEMENTS.fetch_add(statements(&text.0), Ordering::AcqRel);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// What an event says was executed: a short text is its own summary, and then there is no other.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        let is_text = field.name() == "db.statement" && !value.is_empty();
        if is_text || field.name() == "summary" && self.0.is_empty() {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// How many statements `text` holds. None of ours has a semicolon or two dashes in a literal.
fn statements(text: &str) -> usize {
    let without_comments: Vec<&str> = text.lines().filter_map(|line| line.split("--").next()).collect();
    without_comments.join(" ").split(';').filter(|statement| !statement.trim().is_empty()).count()
}

/// How many statements it takes to send `count` signals in one call.
async fn of(signals: &Signals<SqliteBackend>, count: i64) -> usize {
    let orders: Vec<_> = (0..count).map(paid).collect();
    let mut tx = signals.begin().await.expect("a transaction can begin");
    let before = STATEMENTS.load(Ordering::Acquire);
    send_all(&orders, &mut tx).await.expect("the send succeeds");
    let statements = STATEMENTS.load(Ordering::Acquire) - before;
    tx.commit().await.expect("the commit succeeds");
    statements
}

/// How many statements it takes to send 1, 500 and 5,000 signals to these receivers.
async fn with(receivers: &[&'static ReceiverDef]) -> [usize; 3] {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = SqliteBackend::open(folder.path().join("signals.db")).await.expect("a new file can be opened");
    let registry = receivers.iter().fold(Registry::builder(), |builder, def| builder.receiver_def(def));
    let signals = Signals::new(backend).with_registry(registry.build().expect("they do not contradict each other"));
    signals.setup().await.expect("an empty database can be set up");
    [of(&signals, 1).await, of(&signals, 500).await, of(&signals, 5_000).await]
}

/// E10: there are as many statements for 500 signals as for one, however many receivers; beyond, another for each 500 signals
/// and for each 1,000 deliveries, which is what one statement takes.
#[tokio::test]
async fn e10_the_statements_of_a_send_grow_neither_with_its_signals_nor_with_its_receivers() {
    tracing::subscriber::set_global_default(Counter).expect("this test's subscriber is the only one");
    let receivers: [&ReceiverDef; 4] = [&SHIP, &MAIL, Plain::DEF, Hasty::DEF];

    let to_one = with(&receivers[..1]).await;
    let to_all = with(&receivers).await;

    assert!(to_one[0] > 0 && to_one[..2] == [to_one[0]; 2] && to_all[..2] == to_one[..2], "{to_one:?}, {to_all:?}");
    for (receivers, [_, _, most]) in [(1, to_one), (receivers.len(), to_all)] {
        assert!(most <= 5 + 5_000 / 500 + receivers * 5_000 / 1_000, "{most} statements to {receivers} receivers");
    }
}
