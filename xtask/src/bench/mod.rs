//! `cargo xtask bench`: what users wait for, measured. Each bench has goals, and fails when it misses one.

pub(crate) mod all;
pub(crate) mod compile;
pub(crate) mod dispatch;
pub(crate) mod latency;
pub(crate) mod memory;
pub(crate) mod operate;
pub(crate) mod peers;
pub(crate) mod postgres;
pub(crate) mod sqlite;
pub(crate) mod testing;

mod generate;

use crate::Result;

/// Whether each of `known` was given.
fn flags<const N: usize>(bench: &str, known: [&str; N], options: &[&str]) -> Result<[bool; N]> {
    if let Some(other) = options.iter().find(|option| !known.contains(option)) {
        return Err(format!("`bench {bench}` knows no `{other}`: it takes {}", known.join(" and ")));
    }
    Ok(known.map(|flag| options.contains(&flag)))
}

/// What a bench printed as `name: value`.
fn value(lines: &[String], name: &str) -> Option<f64> {
    lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.split(' ').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_option_is_named() {
        assert_eq!(flags("x", ["--json", "--quick"], &["--quick"]), Ok([false, true]));
        assert!(flags("x", ["--json"], &["--fast"]).is_err_and(|message| message.contains("`--fast`")));
    }

    #[test]
    fn values_are_read_by_name() {
        let lines = ["noise", "look-up: 31.2 ns", "decode alone: 90 ns"].map(str::to_owned);
        assert_eq!(value(&lines, "look-up"), Some(31.2));
        assert_eq!(value(&lines, "decode"), None, "a name is whole");
    }
}
