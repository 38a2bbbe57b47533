//! The business facts: what orders, payments and mails look like now, whatever the signals say.

use std::fs;
use std::io;
use std::path::Path;

use base::Shop;

/// An order with its payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number.
    pub id: i64,
    /// What it costs.
    pub cents: i64,
    /// `placed` or `completed`.
    pub status: String,
    /// How often its completion took effect.
    pub completions: i64,
    /// `due`, `paid` or `failed`.
    pub payment: String,
}

/// Order number `id`.
pub async fn order(shop: &Shop, id: i64) -> sqlx::Result<Option<Order>> {
    Ok(orders(shop).await?.into_iter().find(|order| order.id == id))
}

/// All orders.
pub async fn orders(shop: &Shop) -> sqlx::Result<Vec<Order>> {
    let sql = "SELECT o.id, o.amount_cents AS cents, o.status, o.completions, p.status AS payment \
               FROM customer_order o JOIN payment p ON p.id = o.id ORDER BY o.id";
    let rows: Vec<(i64, i64, String, i64, String)> = sqlx::query_as(sql).fetch_all(shop.backend().pool()).await?;
    let order = |(id, cents, status, completions, payment)| Order { id, cents, status, completions, payment };
    Ok(rows.into_iter().map(order).collect())
}

/// How many receipts of payment `id` were mailed, by the mails in `folder`.
pub fn mails(folder: &Path, id: i64) -> io::Result<usize> {
    let beginning = format!("Payment {id}:");
    let mut count = 0;
    for mail in fs::read_dir(folder)? {
        count += usize::from(fs::read_to_string(mail?.path())?.starts_with(&beginning));
    }
    Ok(count)
}
