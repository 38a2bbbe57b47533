//! Series of latencies: how they are taken from a log, and how they are shown and judged.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::Log;

/// How many sends are measured.
pub const SENDS: i64 = 500;

/// How far they are apart: an idle system, as most are.
pub const APART: Duration = Duration::from_millis(7);

/// How long the last start is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// One measured series, in microseconds, sorted.
#[derive(Debug)]
pub struct Series(Vec<i64>);

impl Series {
    /// From the moments of commits, by the numbers of the work, to the starts in `log`.
    #[must_use]
    pub fn of(commits: &[i64], log: &Log) -> Self {
        let since = |number: i64| usize::try_from(number).ok().and_then(|number| commits.get(number));
        let lines = log.read();
        let starts = lines.iter().filter(|line| line.what == "start" && line.attempt == 1);
        let mut series: Vec<i64> =
            starts.filter_map(|line| since(line.number).map(|since| (line.at - since).max(0))).collect();
        series.sort_unstable();
        Self(series)
    }

    /// The value below which this part of the series lies.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Duration {
        let last = self.0.len() - 1;
        let at = (last as f64 * part).round() as usize;
        Duration::from_micros(self.0[at.min(last)].try_into().unwrap_or(0))
    }
}

/// Waits until so many starts are in `log`.
///
/// # Errors
///
/// Returns an error when they take too long.
pub async fn started(log: &Log, count: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    while log.read().iter().filter(|line| line.what == "start").count() < count {
        anyhow::ensure!(began.elapsed() < PATIENCE, "only {:?} was logged", log.read().len());
        // tidy: not a wait: the pause of a poll with a deadline
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// What is measured, its series, and its goal for the median.
pub type Row<'a> = (&'a str, &'a Series, Duration);

/// Whether every goal is met.
#[must_use]
pub fn are_met(rows: &[Row<'_>]) -> bool {
    rows.iter().all(|(_, series, goal)| series.quantile(0.5) <= *goal)
}

/// As a table, `over` such a database.
#[must_use]
pub fn as_table(over: &str, rows: &[Row<'_>]) -> String {
    let mut text = format!("commit → start, {SENDS} sends {APART:?} apart, {over}\n");
    text.push_str("receiver in                   p50        p95        p99        max        goal (p50)\n");
    for (name, series, goal) in rows {
        let [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1.0].map(|part| format!("{:?}", series.quantile(part)));
        let met = if series.quantile(0.5) <= *goal { "met" } else { "MISSED" };
        let _ = writeln!(text, "{name:<29} {p50:<10} {p95:<10} {p99:<10} {max:<10} ≤ {goal:?} {met}");
    }
    text
}

/// As JSON.
#[must_use]
pub fn as_json(rows: &[Row<'_>]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|(name, series, goal)| {
            let [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1.0].map(|part| series.quantile(part).as_micros());
            let goal = goal.as_micros();
            format!(
                r#"{{"receiver_in":"{name}","p50_us":{p50},"p95_us":{p95},"p99_us":{p99},"max_us":{max},"goal_p50_us":{goal}}}"#
            )
        })
        .collect();
    format!("[{}]", rows.join(","))
}
