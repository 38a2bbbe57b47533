//! Named values, one a round; their medians are printed.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The values in the order in which their names first came.
#[derive(Debug, Default)]
pub(crate) struct Series(Vec<(String, &'static str, Vec<f64>)>);

impl Series {
    pub(crate) fn push(&mut self, name: impl Into<String>, unit: &'static str, value: f64) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, ..)| *known == name) {
            Some((.., values)) => values.push(value),
            None => self.0.push((name, unit, vec![value])),
        }
    }

    /// `name: median unit`, a line each.
    pub(crate) fn print(self) {
        for (name, unit, values) in self.0 {
            println!("{name}: {:.4} {unit}", median(values));
        }
    }
}

/// The middle value, or the mean of the two middle ones.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (len, middle) = (values.len(), values.len() / 2);
    if len % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// What is told of latencies.
#[allow(dead_code, reason = "one of the benches that share this file has no use for it")]
pub(crate) const PARTS: [(&str, f64); 4] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)];

/// The value below which this part of `sorted` lies; 0 of none.
#[allow(dead_code, reason = "one of the benches that share this file has no use for it")]
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    sorted[((last as f64 * part).round() as usize).min(last)]
}

/// Wall time and the processor time of the whole process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    pub(crate) wall: Duration,
    pub(crate) processor: Duration,
}

impl std::ops::AddAssign for Took {
    fn add_assign(&mut self, other: Self) {
        self.wall += other.wall;
        self.processor += other.processor;
    }
}

/// A running stop watch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch(Instant, Duration);

impl Watch {
    pub(crate) fn start() -> Self {
        Self(Instant::now(), processor_time())
    }

    pub(crate) fn stop(self) -> Took {
        Took { wall: self.0.elapsed(), processor: processor_time().saturating_sub(self.1) }
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// A part of a time, in microseconds.
pub(crate) fn micros(time: Duration, parts: usize) -> f64 {
    time.as_secs_f64() * 1e6 / parts as f64
}
