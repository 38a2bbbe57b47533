//! Reliable in-application signals.

pub mod backend;
