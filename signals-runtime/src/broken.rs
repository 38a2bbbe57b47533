//! Builds that are broken on purpose: each switch takes one promise away, and `cargo xtask bite` shows which tests notice.
//!
//! A switch is a `--cfg` of the compiler, in no feature and no manifest: no build has one by accident, and no application can
//! ask for it. What it breaks stands as `if broken::…` where the promise is otherwise kept.

/// The database no longer compares tokens: whoever once held a running delivery may still renew and finish it (I6).
pub(crate) const FENCING: bool = cfg!(break_fencing);

/// A send commits by itself, and so do the effects of a transactional receiver, before they are acknowledged (I1, I5).
pub(crate) const TRANSACTION: bool = cfg!(break_transaction);

/// A plain receiver's delivery is acknowledged before the receiver runs (I2, I3).
pub(crate) const ACK_BEFORE_RUN: bool = cfg!(ack_before_run);

/// A send reaches the receivers that are linked into its own program, and no others (I14).
pub(crate) const FAN_OUT_LINKED_ONLY: bool = cfg!(fan_out_linked_only);

/// Nobody looks below the floors of claims: what was committed late is never found, nor are expired leases (S13, T9).
#[cfg(feature = "postgres")]
pub(crate) const SKIP_SWEEP: bool = cfg!(skip_sweep);

/// Every switch by the name of its `--cfg`.
const SWITCHES: [(&str, bool); 5] = [
    ("break_fencing", FENCING),
    ("break_transaction", TRANSACTION),
    ("ack_before_run", ACK_BEFORE_RUN),
    ("fan_out_linked_only", FAN_OUT_LINKED_ONLY),
    ("skip_sweep", cfg!(skip_sweep)),
];

/// The variable that keeps the memory backend sound, where others are compared with it: else both would be wrong alike.
const SOUND_MODEL: &str = "SIGNALS_SOUND_MODEL";

/// Whether the memory backend breaks this, too.
pub(crate) fn in_memory(switch: bool) -> bool {
    switch && std::env::var_os(SOUND_MODEL).is_none()
}

/// Tells whoever starts a worker of such a build, on the standard error: a log may be looked at by nobody.
pub(crate) fn warn() {
    for (name, _) in SWITCHES.iter().filter(|(_, on)| *on) {
        eprintln!(
            "signals: THIS BUILD IS BROKEN ON PURPOSE (--cfg {name}): IT LOSES OR REPEATS WORK. For tests alone."
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red in every build that `cargo xtask bite` makes, and in no other.
    #[test]
    fn nothing_is_broken_on_purpose() {
        let on: Vec<_> = SWITCHES.iter().filter(|(_, on)| *on).collect();
        assert!(on.is_empty(), "built with {on:?}");
    }
}
