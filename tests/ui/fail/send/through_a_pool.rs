use signals_runtime::{Signal as _, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

/// As in sqlx.
struct Pool<DB>(std::marker::PhantomData<DB>);
struct Sqlite;

async fn pay(mut pool: Pool<Sqlite>) {
    let _ = PaymentCompleted { id: 1 }.send(&mut pool).await;
}

fn main() {
    drop(pay(Pool(std::marker::PhantomData)));
}

extern crate signals_core as signals_runtime;
