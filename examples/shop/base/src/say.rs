//! One line on the screen, at once and whole, whoever else writes.

use std::fmt;
use std::io::{self, Write as _};

/// Prints a line, as `println!` does, but lives on when nobody reads it any more.
#[macro_export]
macro_rules! say {
    ($($part:tt)*) => { $crate::line(::core::format_args!($($part)*)) };
}

/// What [`say!`] calls.
pub fn line(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    // A receiver must not fail because the terminal that watched it is gone.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
