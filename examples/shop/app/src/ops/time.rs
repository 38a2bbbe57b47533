//! Times as operators write and read them.

use std::time::Duration;

use anyhow::{Context as _, Result};
use signals_runtime::clock::Timestamp;

/// Seconds by the letter that stands for them, largest first.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// `90s`, `15m`, `24h` or `7d`.
pub(super) fn duration(text: &str) -> Result<Duration> {
    let parsed = UNITS.into_iter().find_map(|(letter, seconds)| {
        let number: u64 = text.strip_suffix(letter)?.parse().ok()?;
        Some(Duration::from_secs(number.checked_mul(seconds)?))
    });
    parsed.with_context(|| format!("`{text}` is no duration: expected 90s, 15m, 24h or 7d"))
}

/// How long before `now` a moment was, in the largest unit that it fills.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    format!("{} ago", rounded(now.since(then)))
}

/// A moment before or after `now`: `5s ago` or `in 5s`.
pub(super) fn when(now: Timestamp, then: Timestamp) -> String {
    if then > now { format!("in {}", rounded(then.since(now))) } else { ago(now, then) }
}

fn rounded(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (letter, unit) = UNITS.into_iter().find(|(_, unit)| seconds >= *unit).unwrap_or(('s', 1));
    format!("{}{letter}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_their_units() {
        let read = |text| duration(text).expect("is one").as_secs();
        assert_eq!(["90s", "15m", "24h", "7d"].map(read), [90, 900, 86_400, 604_800]);
        for bad in ["", "s", "5", "-1s", "1.5h", "5w", "99999999999999999999d"] {
            assert!(duration(bad).is_err_and(|error| error.to_string().contains("expected 90s")), "{bad}");
        }
    }

    #[test]
    fn a_moment_is_told_in_its_largest_unit() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let told = [0, 59, 60, 7_199, 172_800].map(|seconds| ago(at(172_800), at(172_800 - seconds)));
        assert_eq!(told, ["0s ago", "59s ago", "1m ago", "1h ago", "2d ago"]);
        let around = [0, 61, 3].map(|seconds| when(at(3), at(seconds)));
        assert_eq!(around, ["3s ago", "in 58s", "0s ago"]);
    }
}
