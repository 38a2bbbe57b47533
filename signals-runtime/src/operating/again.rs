//! What is done by hand is begun again when another transaction is in the way.

use std::time::Duration;

use signals_core::{BoxFuture, Result};

/// How often something that meets another transaction in the way is begun.
const TRIES: u32 = 10;

/// Does `deed`, one transaction, again as long as it may succeed without anybody changing anything: nothing has happened then.
/// About a second in all.
pub(super) async fn again<'a, T>(mut deed: impl FnMut() -> BoxFuture<'a, Result<T>>) -> Result<T> {
    let mut tries = 1;
    loop {
        match deed().await {
            Err(error) if error.is_retryable() && tries < TRIES => {
                tokio::time::sleep(Duration::from_millis(20) * tries).await;
                tries += 1;
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use signals_core::Error;

    use super::*;

    /// How often a deed is begun that succeeds the third time, unless it fails with this before.
    async fn begun(fails: impl Fn() -> Error + Send + Copy) -> (u32, Result<()>) {
        let mut begun = 0;
        let done = again(|| {
            begun += 1;
            let done = if begun < 3 { Err(fails()) } else { Ok(()) };
            Box::pin(async move { done })
        });
        let done = done.await;
        (begun, done)
    }

    #[tokio::test]
    async fn a_deed_that_meets_another_in_the_way_is_begun_again() {
        let (times, done) = begun(|| Error::Contention("locked".into())).await;
        assert!(times == 3 && done.is_ok(), "{times}: {done:?}");
    }

    #[tokio::test]
    async fn a_deed_of_which_nobody_knows_whether_it_happened_is_not_begun_again() {
        let (times, done) = begun(|| Error::CommitUnknown("gone".into())).await;
        assert!(times == 1 && matches!(done, Err(Error::CommitUnknown(_))), "{times}: {done:?}");
    }
}
