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
use crate::report::{Measured, Part};

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

/// What a bench printed: facts (`key = value`), and the values that came after each `part = name`.
fn by_part<'a>(
    lines: &'a [String],
    measured: impl Fn(&'a str) -> Option<Measured<'a>>,
) -> (Vec<(&'a str, &'a str)>, Vec<Part<'a>>) {
    let (mut facts, mut parts) = (Vec::new(), Vec::<Part<'a>>::new());
    for line in lines {
        match line.split_once(" = ") {
            Some(("part", name)) => parts.push((name, Vec::new())),
            Some(fact) => facts.push(fact),
            None => {
                if let (Some(value), Some((_, values))) = (measured(line), parts.last_mut()) {
                    values.push(value);
                }
            }
        }
    }
    (facts, parts)
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

    #[test]
    fn values_belong_to_the_part_that_was_named_last() {
        let lines = ["machine = 2 CPUs", "part = sends", "a: 1 us", "b: 2 us", "part = log", "c: 3 bytes", "load = 1"];
        let lines = lines.map(str::to_owned);
        let (facts, parts) =
            by_part(&lines, |line| Some(Measured { name: line.split_once(": ")?.0, value: 1.0, unit: "", goal: None }));
        assert_eq!(facts, [("machine", "2 CPUs"), ("load", "1")]);
        let names =
            parts.iter().map(|(part, values)| (*part, values.iter().map(|value| value.name).collect::<Vec<_>>()));
        assert_eq!(names.collect::<Vec<_>>(), [("sends", vec!["a", "b"]), ("log", vec!["c"])]);
    }
}
