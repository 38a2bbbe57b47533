use signals_runtime::{Signal as _, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

async fn pay(mut pool: sqlx::SqlitePool) {
    let _ = PaymentCompleted { id: 1 }.send(&mut pool).await;
}

fn main() {
    let _ = pay;
}
