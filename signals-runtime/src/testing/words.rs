//! Small words of messages: counts, durations, payloads.

use std::time::Duration;

/// The most characters of a payload that a message shows.
const SHOWN: usize = 200;

/// The most lines of a list that a message shows.
const MOST: usize = 10;

/// The most characters of a line.
const LONGEST: usize = 400;

/// The first of `lines`, and how many more there are.
pub(super) fn shorten(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST);
    lines.truncate(MOST);
    lines.extend((more > 0).then(|| format!("… and {more} more")));
    lines
}

/// The first line of a text, and how many more there are.
pub(super) fn brief(text: &str) -> String {
    let mut lines = text.lines();
    let first = cut(lines.next().unwrap_or_default());
    match lines.count() {
        0 => first,
        more => format!("{first} (… and {})", count(more, "line more", "lines more")),
    }
}

/// A line, cut where it gets long.
pub(super) fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// `number` of a thing.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

/// A duration as an option of a receiver says it, where a single unit does: `"90s"`, `"1h"`.
pub(super) fn duration(duration: Duration) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let exact = |(unit, name)| {
        let whole = duration.as_micros().is_multiple_of(unit * 1_000) && duration.as_millis() >= unit;
        whole.then(|| format!("{}{name}", duration.as_millis() / unit))
    };
    units.into_iter().find_map(exact).unwrap_or_else(|| format!("{duration:?}"))
}

/// A payload as a message shows it: its JSON text, cut where it gets long.
pub(super) fn payload(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}… ({} bytes)", &text[..cut], bytes.len()),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_their_largest_whole_unit() {
        let said = [0, 1, 250, 1_000, 90_000, 120_000, 3_600_000, 86_400_000 * 2]
            .map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(said, ["0ns", "1ms", "250ms", "1s", "90s", "2m", "1h", "2d"]);
        assert_eq!(duration(Duration::from_micros(1_500)), "1.5ms");
    }

    #[test]
    fn long_payloads_are_cut() {
        assert_eq!(payload(b"{}"), "{}");
        let long = payload("ä".repeat(300).as_bytes());
        assert_eq!(long, format!("{}… (600 bytes)", "ä".repeat(200)));
    }
}
