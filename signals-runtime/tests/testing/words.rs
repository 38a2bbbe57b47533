//! What a step says when it fails.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

/// The message of a step that must fail, without the line that it was said in.
pub(crate) async fn of<T>(step: impl Future<Output = T>) -> String {
    let panic = AssertUnwindSafe(step).catch_unwind().await.err().expect("the step fails");
    let message = panic.downcast_ref::<String>().expect("a step fails with a text");
    without_lines(message)
}

/// `text` with every `.rs:12:34` as `.rs`.
pub(crate) fn without_lines(text: &str) -> String {
    let mut parts = text.split(".rs:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let place = part.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(part.len());
        let rest = &part[place..];
        // A colon behind the place belongs to the sentence.
        let colon = if part[..place].ends_with(':') { ":" } else { "" };
        out = out + ".rs" + colon + rest;
    }
    out
}
