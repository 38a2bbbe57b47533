//! The business facts: what orders, payments and mails look like now, whatever the signals say.

use std::fs;
use std::io;
use std::path::Path;

use base::Shop;

/// An order with its payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// Its number.
    pub(crate) id: i64,
    /// What it costs.
    pub(crate) cents: i64,
    /// `placed` or `completed`.
    pub(crate) status: String,
    /// How often its completion took effect.
    pub(crate) completions: i64,
    /// `due`, `paid` or `failed`; `none` when the order has no payment, which should never be.
    pub(crate) payment: String,
}

/// Order number `id`.
pub(crate) async fn order(shop: &Shop, id: i64) -> sqlx::Result<Option<Order>> {
    Ok(orders(shop).await?.into_iter().find(|order| order.id == id))
}

/// All orders.
pub(crate) async fn orders(shop: &Shop) -> sqlx::Result<Vec<Order>> {
    let sql = "SELECT o.id, o.amount_cents AS cents, o.status, o.completions, COALESCE(p.status, 'none') AS payment \
               FROM customer_order o LEFT JOIN payment p ON p.id = o.id ORDER BY o.id";
    let rows: Vec<(i64, i64, String, i64, String)> = sqlx::query_as(sql).fetch_all(shop.backend().pool()).await?;
    let order = |(id, cents, status, completions, payment)| Order { id, cents, status, completions, payment };
    Ok(rows.into_iter().map(order).collect())
}

/// How often the sale of each payment was counted, ordered by payment.
pub(crate) async fn sales(shop: &Shop) -> sqlx::Result<Vec<(i64, i64)>> {
    let sql = "SELECT payment_id, COUNT(*) FROM sale GROUP BY payment_id ORDER BY payment_id";
    sqlx::query_as(sql).fetch_all(shop.backend().pool()).await
}

/// How many receipts of payment `id` were mailed, by the mails in `folder`.
pub(crate) fn mails(folder: &Path, id: i64) -> io::Result<usize> {
    let beginning = format!("Payment {id}:");
    let mut count = 0;
    for mail in fs::read_dir(folder)? {
        count += usize::from(fs::read_to_string(mail?.path())?.starts_with(&beginning));
    }
    Ok(count)
}
