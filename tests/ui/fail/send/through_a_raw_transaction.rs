use signals_runtime::{Signal as _, signal};

#[signal]
struct PaymentCompleted {
    id: i64,
}

async fn pay(tx: &mut sqlx::Transaction<'static, sqlx::Sqlite>) {
    let _ = PaymentCompleted { id: 1 }.send(tx).await;
}

fn main() {
    let _ = pay;
}
