//! Durations as they are written in options: `"250ms"`, `"30s"`, `"5m"`, `"1h"`, `"2d"`.

use std::time::Duration;

use syn::LitStr;

/// The duration that `literal` says.
pub(crate) fn parse(literal: &LitStr) -> syn::Result<Duration> {
    let text = literal.value();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let milliseconds: u64 = match unit {
        _ if number.is_empty() => return Err(unreadable(literal)),
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(unreadable(literal)),
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds)) {
        Some(total) => Ok(Duration::from_millis(total)),
        None => Err(syn::Error::new(literal.span(), "this duration is too long")),
    }
}

fn unreadable(literal: &LitStr) -> syn::Error {
    syn::Error::new(
        literal.span(),
        "expected a whole number and a unit (`ms`, `s`, `m`, `h` or `d`), as in \"250ms\", \"30s\" or \"2d\"",
    )
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn read(text: &str) -> Option<Duration> {
        parse(&LitStr::new(text, Span::call_site())).ok()
    }

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        for (text, milliseconds) in
            [("0s", 0), ("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("2d", 172_800_000)]
        {
            assert_eq!(read(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "5", "s", "5 s", "1.5s", "-1s", "5sec", "5S", "1h30m", "99999999999999999999d", "9999999999999999d"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
