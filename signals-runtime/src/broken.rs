//! Builds that are broken on purpose: each switch takes one promise away, and `cargo xtask bite` shows which tests notice.
//!
//! A switch is a `--cfg` of the compiler, in no feature and no manifest; without it, what is asked here is a constant. Flags in
//! `RUSTFLAGS` reach every crate of a build, and an application may use one of these names for something of its own, and would
//! lose deliveries by it. So a switch alone is an error of the build: it takes `--cfg signals_broken`, too. Of the switches that a
//! build has, [`CHOSEN`] names the one that is on, so that one build is enough for all; without the variable all of them are.

use std::env;
use std::sync::{LazyLock, Once};

#[cfg(all(
    any(
        break_fencing,
        break_transaction,
        ack_before_run,
        fan_out_linked_only,
        skip_sweep,
        leave_open,
        lost_commit_done,
        lost_commit_undone
    ),
    not(signals_broken)
))]
compile_error!(
    "one of `--cfg break_fencing`, `break_transaction`, `ack_before_run`, `fan_out_linked_only`, `skip_sweep`, `leave_open`, \
     `lost_commit_done` and `lost_commit_undone` is set: each makes this library lose or repeat work, for its own tests. Name \
     yours otherwise, or set `--cfg signals_broken`, too"
);

/// The variable that names the only switch that is on, or none of them.
const CHOSEN: &str = "SIGNALS_BREAK";

/// The variable that keeps the memory backend sound, where others are compared with it: else both would be wrong alike.
const SOUND_MODEL: &str = "SIGNALS_SOUND_MODEL";

/// The database no longer tells tokens apart: whoever once held a running delivery may still renew and finish it (I6).
pub(crate) fn fencing() -> bool {
    cfg!(break_fencing) && is_chosen("break_fencing")
}

/// A send commits by itself, and so do the effects of a transactional receiver, before they are acknowledged (I1, I5).
pub(crate) fn transaction() -> bool {
    cfg!(break_transaction) && is_chosen("break_transaction")
}

/// A plain receiver's delivery is acknowledged before the receiver runs (I2, I3).
pub(crate) fn ack_before_run() -> bool {
    cfg!(ack_before_run) && is_chosen("ack_before_run")
}

/// A send reaches the receivers that are linked into its own program, and no others (I14).
pub(crate) fn fan_out_linked_only() -> bool {
    cfg!(fan_out_linked_only) && is_chosen("fan_out_linked_only")
}

/// Nobody looks below the floors: what was committed late is never found, to claim or to promote, nor are expired leases (S13,
/// T8, T9).
pub(crate) fn skip_sweep() -> bool {
    cfg!(skip_sweep) && is_chosen("skip_sweep")
}

/// The connection of a transaction that was committed goes back to its pool inside another, which nobody has asked for and
/// nobody ends (S6). Whoever begins on it next does not notice.
pub(crate) fn leave_open() -> bool {
    cfg!(leave_open) && is_chosen("leave_open")
}

/// A commit whose connection was lost is told as one that happened (S1): nothing is wrong as long as no connection is lost.
pub(crate) fn lost_commit_done() -> bool {
    cfg!(lost_commit_done) && is_chosen("lost_commit_done")
}

/// A commit of which nobody knows whether it happened is told as one that did not (S2), and whoever trusts that does it twice.
pub(crate) fn lost_commit_undone() -> bool {
    cfg!(lost_commit_undone) && is_chosen("lost_commit_undone")
}

/// Whether the memory backend breaks this, too.
pub(crate) fn in_memory(switch: fn() -> bool) -> bool {
    switch() && env::var_os(SOUND_MODEL).is_none()
}

fn is_chosen(switch: &str) -> bool {
    static ONE: LazyLock<Option<String>> = LazyLock::new(|| env::var(CHOSEN).ok());
    ONE.as_ref().is_none_or(|one| one == switch)
}

/// The name of a `--cfg`, and whether it is on.
type Switch = (&'static str, fn() -> bool);

/// Every switch.
const SWITCHES: [Switch; 8] = [
    ("break_fencing", fencing),
    ("break_transaction", transaction),
    ("ack_before_run", ack_before_run),
    ("fan_out_linked_only", fan_out_linked_only),
    ("skip_sweep", skip_sweep),
    ("leave_open", leave_open),
    ("lost_commit_done", lost_commit_done),
    ("lost_commit_undone", lost_commit_undone),
];

/// Tells whoever sends or works in such a build, once, on the standard error: a log may be looked at by nobody.
pub(crate) fn warn() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (name, _) in SWITCHES.iter().filter(|(_, is_on)| is_on()) {
            eprintln!(
                "signals: THIS BUILD IS BROKEN ON PURPOSE (--cfg {name}): IT LOSES OR REPEATS WORK. For tests alone."
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red in the builds that `cargo xtask bite` makes, and in no other.
    #[test]
    fn nothing_is_broken_on_purpose() {
        let on: Vec<_> = SWITCHES.iter().filter(|(_, is_on)| is_on()).map(|(name, _)| name).collect();
        assert!(on.is_empty(), "built with {on:?}");
    }
}
