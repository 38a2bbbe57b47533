//! `cargo xtask bench`: what users wait for, measured. Each bench has goals, and fails when it misses one.

pub(crate) mod compile;
pub(crate) mod dispatch;
pub(crate) mod latency;
pub(crate) mod memory;
pub(crate) mod operate;
pub(crate) mod sqlite;

mod generate;

use crate::Result;

/// Whether each of `known` was given.
fn flags<const N: usize>(bench: &str, known: [&str; N], options: &[&str]) -> Result<[bool; N]> {
    if let Some(other) = options.iter().find(|option| !known.contains(option)) {
        return Err(format!("`bench {bench}` knows no `{other}`: it takes {}", known.join(" and ")));
    }
    Ok(known.map(|flag| options.contains(&flag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_option_is_named() {
        assert_eq!(flags("x", ["--json", "--quick"], &["--quick"]), Ok([false, true]));
        assert!(flags("x", ["--json"], &["--fast"]).is_err_and(|message| message.contains("`--fast`")));
    }
}
