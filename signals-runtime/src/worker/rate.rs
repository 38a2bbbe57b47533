//! How often something happens: what is claimed ahead is measured by what was finished lately.

use std::time::{Duration, Instant};

/// How many of something there were per window: the fuller of this window and the one before.
#[derive(Debug)]
pub(crate) struct Rate {
    window: Duration,
    began: Option<Instant>,
    current: usize,
    previous: usize,
}

impl Rate {
    pub(crate) fn over(window: Duration) -> Self {
        Self { window, began: None, current: 0, previous: 0 }
    }

    pub(crate) fn count(&mut self, now: Instant, events: usize) {
        self.roll(now);
        self.current += events;
    }

    pub(crate) fn per_window(&mut self, now: Instant) -> usize {
        self.roll(now);
        self.current.max(self.previous)
    }

    fn roll(&mut self, now: Instant) {
        let began = *self.began.get_or_insert(now);
        let windows = now.saturating_duration_since(began).as_micros() / self.window.as_micros().max(1);
        if windows > 0 {
            self.previous = if windows == 1 { self.current } else { 0 };
            self.current = 0;
            self.began = Some(now);
        }
    }
}
