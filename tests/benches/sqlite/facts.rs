//! The signals that are sent, with one, three and ten receivers that do nothing.

use std::path::Path;

use signals_runtime::{Signals, SqliteBackend, receiver, signal};

use crate::Result;

macro_rules! facts {
    ($($name:ident = $stable:literal, $prefix:literal: $($receiver:ident = $receiver_name:literal),*;)*) => {$(
        /// Two hundred bytes of JSON, as an ordinary fact has.
        #[signal(name = $stable)]
        #[derive(Debug)]
        pub(crate) struct $name {
            pub(crate) payment_id: i64,
            pub(crate) order_id: i64,
            pub(crate) amount_cents: i64,
            pub(crate) succeeded: bool,
            pub(crate) reference: String,
        }

        impl $name {
            /// The receivers of it are these.
            pub(crate) const RECEIVERS: &'static str = $prefix;

            pub(crate) fn new(payment_id: i64) -> Self {
                let reference = format!("{payment_id:0>100}");
                Self { payment_id, order_id: 815, amount_cents: 129_900, succeeded: true, reference }
            }
        }

        $(
            #[receiver(signal = $name, name = $receiver_name)]
            async fn $receiver(fact: &$name) {
                std::hint::black_box(fact.payment_id);
            }
        )*
    )*};
}

facts! {
    One = "bench.one", "bench.one.": one_1 = "bench.one.1";
    Three = "bench.three", "bench.three.":
        three_1 = "bench.three.1", three_2 = "bench.three.2", three_3 = "bench.three.3";
    Ten = "bench.ten", "bench.ten.":
        ten_1 = "bench.ten.01", ten_2 = "bench.ten.02", ten_3 = "bench.ten.03", ten_4 = "bench.ten.04",
        ten_5 = "bench.ten.05", ten_6 = "bench.ten.06", ten_7 = "bench.ten.07", ten_8 = "bench.ten.08",
        ten_9 = "bench.ten.09", ten_10 = "bench.ten.10";
}

/// A file of its own, opened as an application opens it, with a table of the application's.
pub(crate) async fn open(path: &Path) -> Result<Signals<SqliteBackend>> {
    let signals = Signals::new(SqliteBackend::open(path).await?);
    signals.setup().await?;
    sqlx::query(
        "CREATE TABLE payment (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL, reference TEXT NOT NULL) STRICT",
    )
    .execute(signals.backend().pool())
    .await?;
    Ok(signals)
}
