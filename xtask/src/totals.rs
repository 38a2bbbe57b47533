//! What the runners of tests say at their end.

use std::collections::BTreeSet;

/// What a test runner says of its tests.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// How many passed.
    pub(crate) passed: u64,
    /// The same in words, with those that failed.
    pub(crate) text: String,
}

/// The sums of cargo's `test result:` lines, or nextest's summary.
pub(crate) fn totals(lines: &[String]) -> Option<Totals> {
    let before = |line: &str, word: &str| -> u64 {
        let words: Vec<_> = line.split([' ', ',', ';']).filter(|part| !part.is_empty()).collect();
        words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
    };
    let starting = |start: &str| lines.iter().map(|line| line.trim()).filter(|line| line.starts_with(start)).collect();
    let mut own: Vec<&str> = starting("Summary [");
    if own.is_empty() {
        // Under nextest these are of single processes, and counted in its summary.
        own = starting("test result:");
    }
    let sum = |word: &str| own.iter().map(|line| before(line, word)).sum::<u64>();
    let (passed, failed) = (sum("passed"), sum("failed") + sum("timed"));
    (!own.is_empty()).then(|| Totals { passed, text: format!("{passed} tests passed, {failed} failed") })
}

/// The tests that failed, as their runner names them, each once.
pub(crate) fn failed(lines: &[String]) -> BTreeSet<&str> {
    let of = |line: &'_ str| -> bool {
        let ended = ["FAIL", "TIMEOUT", "ABORT", "SIG", "LEAK-FAIL"].iter().any(|word| line.starts_with(word));
        (ended && line.contains(" [")) || (line.starts_with("test ") && line.ends_with(" ... FAILED"))
    };
    lines.iter().map(|line| line.trim()).filter(|line| of(line)).map(named).collect()
}

/// `line` without how long it took and which of how many it was, which nextest says before the name.
fn named(line: &str) -> &str {
    let name = line.split_once("] ").map_or(line, |(_, name)| name).trim();
    name.strip_prefix('(').and_then(|counted| counted.split_once(") ")).map_or(name, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> Option<String> {
        totals(&text.lines().map(str::to_owned).collect::<Vec<_>>()).map(|totals| totals.text)
    }

    #[test]
    fn what_failed_is_named_once_by_both_runners() {
        let said = "PASS [   0.1s] core a\n  FAIL [   0.5s] ( 3/40) core::x b\n  FAIL [   0.5s] ( 3/40) core::x b\ntest c ... FAILED\n\
                    SIGABRT [   0.2s] (4/40) core d\nFAILED. 1 passed";
        let lines: Vec<String> = said.lines().map(str::to_owned).collect();
        assert_eq!(Vec::from_iter(failed(&lines)), ["core d", "core::x b", "test c ... FAILED"]);
    }

    #[test]
    fn both_runners_are_understood() {
        let cargo =
            "test result: ok. 12 passed; 0 failed; 0 ignored\nnoise\ntest result: FAILED. 3 passed; 2 failed; 0";
        assert_eq!(counted(cargo).as_deref(), Some("15 tests passed, 2 failed"));
        let nextest = "test result: FAILED. 0 passed; 1 failed\n     Summary [   0.512s] 40 tests run: 38 passed (1 slow), 2 failed, 0 skipped";
        assert_eq!(counted(nextest).as_deref(), Some("38 tests passed, 2 failed"));
        assert_eq!(counted("Finished"), None);
    }
}
