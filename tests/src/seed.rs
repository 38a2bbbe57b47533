//! What is drawn, histories and payloads, is drawn from a number that is another one in each run.
//!
//! `SIGNALS_SEED=7` says which; `cargo xtask test` draws one for all its steps. Each test that draws prints it, so that a red
//! one can be taken again. Only who tests the tests themselves fixes it: what they must find is not to depend on luck.

use std::env;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// The variable that says what is drawn from.
const VARIABLE: &str = "SIGNALS_SEED";

/// What this process draws from.
static SEED: OnceLock<u64> = OnceLock::new();

/// Has this process draw from `seed`, whatever the environment says.
///
/// # Panics
///
/// Panics when something was drawn from another one.
pub fn draw_from(seed: u64) {
    assert_eq!(*SEED.get_or_init(|| seed), seed, "something was drawn before");
}

/// The assignment that has the same drawn again.
pub(crate) fn told() -> String {
    format!("{VARIABLE}={}", seed())
}

/// Draws the `number`th of what is called `of`, and prints what it is drawn from.
pub(crate) fn runner(of: &str, number: u64) -> TestRunner {
    println!("{of} {number} is drawn from {}", told());
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    for (byte, letter) in bytes[16..].iter_mut().zip(of.bytes()) {
        *byte = letter;
    }
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

fn seed() -> u64 {
    *SEED.get_or_init(|| match env::var(VARIABLE) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{VARIABLE}={text} is no number: give one from 0 up")),
        // Short enough to be typed.
        Err(_) => RandomState::new().hash_one(()) >> 32,
    })
}
