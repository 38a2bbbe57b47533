//! What a program is told through `tracing`, whoever tells it.

use std::fmt::{self, Write as _};
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Keeps every event of the process, whatever its level, as `LEVEL target: field=value …`.
#[derive(Debug, Default)]
pub struct Ears(Mutex<Vec<String>>);

impl Subscriber for &'static Ears {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut line = Line(format!("span {}", attributes.metadata().name()));
        attributes.record(&mut line);
        self.keep(line);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut line = Line("span".to_owned());
        values.record(&mut line);
        self.keep(line);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{} {}:", event.metadata().level(), event.metadata().target()));
        event.record(&mut line);
        self.keep(line);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").expect("a text takes everything");
    }
}

impl Ears {
    fn keep(&self, line: Line) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.0);
    }

    /// The ears of this process, opened with the first call.
    ///
    /// # Panics
    ///
    /// Panics when something else listens already.
    pub fn open() -> &'static Self {
        static EARS: OnceLock<&'static Ears> = OnceLock::new();
        EARS.get_or_init(|| {
            let ears: &'static Self = Box::leak(Box::default());
            tracing::subscriber::set_global_default(ears).expect("this test's subscriber is the only one");
            ears
        })
    }

    /// What was heard with all of `parts` in it, of this level.
    #[must_use]
    pub fn heard(&self, level: Level, parts: &[&str]) -> Vec<String> {
        let beginning = format!("{level} signals: ");
        let lines = self.all().into_iter();
        lines.filter(|line| line.starts_with(&beginning) && parts.iter().all(|part| line.contains(part))).collect()
    }

    /// Everything that was heard.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
