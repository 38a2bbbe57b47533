//! The whole shop in one test, without a process: its modules, their receivers, and the kit in the place of its workers.

use std::time::Duration;

use analytics::receivers::{count_sale, export_order, score_fraud};
use analytics::{RiskTable, Warehouse};
use base::Db;
use orders::OrderPlaced;
use orders::receivers::complete_order;
use payments::{Notice, PaymentCompleted};
use receipts::Mailer;
use receipts::receivers::mail_receipt;
use signals_runtime::testing::{Point, TestSignals};
use tempfile::TempDir;

signals_runtime::link!(orders, receipts, analytics);

/// A shop in a database of its own, whose mail server refuses the first `refusals` mails.
struct Shop {
    signals: TestSignals<Db>,
    folder: TempDir,
}

impl Shop {
    async fn open(refusals: u32) -> Self {
        let folder = TempDir::new().expect("a folder");
        let mailer = Mailer::new(folder.path().join("mail"), refusals).expect("a folder for mails");
        let warehouse = Warehouse::new(folder.path().join("exports"), Duration::ZERO).expect("a folder for exports");
        let builder = TestSignals::builder().state(mailer).state(warehouse).state(RiskTable::up_to(9));
        let signals = builder.on::<Db>().build().await;
        for table in [payments::TABLE, orders::TABLE, analytics::TABLE] {
            sqlx::query(table).execute(signals.backend().pool()).await.expect("a table");
        }
        Self { signals, folder }
    }

    async fn place(&self, order: i64) {
        orders::place(&self.signals, order, 4_990).await.expect("an order");
    }

    async fn pay(&self, order: i64) {
        let notice = Notice { id: format!("evt_{order}"), payment_id: order, succeeded: true };
        payments::record(&self.signals, &notice).await.expect("a payment");
    }

    /// How many rows there are of `what`.
    async fn count(&self, what: &'static str) -> i64 {
        sqlx::query_scalar(what).fetch_one(self.signals.backend().pool()).await.expect("a number")
    }

    fn mails(&self) -> usize {
        self.folder.path().join("mail").read_dir().expect("the folder is there").count()
    }
}

const COMPLETED: &str = "SELECT COUNT(*) FROM customer_order WHERE status = 'completed' AND completions = 1";
const SALES: &str = "SELECT COUNT(*) FROM sale";

#[tokio::test]
async fn an_order_that_is_paid_is_completed_mailed_and_counted() {
    let shop = Shop::open(0).await;
    shop.place(7).await;
    shop.signals.assert_sent::<OrderPlaced>(|order| order.order_id == 7).await;
    shop.signals.assert_not_sent::<PaymentCompleted>(|_| true).await;
    shop.signals.drain().await;
    shop.signals.assert_delivered::<export_order>(|order| order.order_id == 7).await;

    shop.pay(7).await;
    assert_eq!(shop.signals.drain().await.done, 4);
    shop.signals.assert_delivered::<score_fraud>(|payment| payment.payment_id == 7).await;
    assert_eq!((shop.count(COMPLETED).await, shop.count(SALES).await, shop.mails()), (1, 1, 1));
}

#[tokio::test]
async fn a_notice_that_comes_twice_is_one_payment() {
    let shop = Shop::open(0).await;
    shop.place(7).await;
    shop.pay(7).await;
    shop.pay(7).await;
    shop.signals.assert_sent_times::<PaymentCompleted>(1, |payment| payment.payment_id == 7).await;
}

#[tokio::test]
async fn a_mail_server_that_is_down_holds_up_nobody_else() {
    let shop = Shop::open(2).await;
    shop.place(7).await;
    shop.pay(7).await;
    shop.signals.expect_failure::<mail_receipt>().saying("was not mailed");
    shop.signals.drain().await;
    assert_eq!((shop.count(COMPLETED).await, shop.mails()), (1, 0));

    shop.signals.expect_failure::<mail_receipt>();
    shop.signals.settled("10s").await;
    shop.signals.assert_attempts::<mail_receipt>(3, |_| true).await;
    assert_eq!(shop.mails(), 1);
}

#[tokio::test]
async fn a_receiver_that_runs_twice_has_its_effect_once() {
    let shop = Shop::open(0).await;
    shop.place(7).await;
    shop.pay(7).await;
    shop.signals.drain().await;
    let paid = || PaymentCompleted { payment_id: 7, amount_cents: 4_990, succeeded: true };
    shop.signals.run_twice::<mail_receipt>(paid(), || async { shop.mails() }).await;
    shop.signals.run_twice::<count_sale>(paid(), || async { shop.count(SALES).await }).await;
}

#[tokio::test]
async fn an_order_is_completed_once_though_its_worker_dies() {
    let shop = Shop::open(0).await;
    shop.place(7).await;
    shop.pay(7).await;
    shop.signals.crash_at::<complete_order>(Point::BeforeAck);
    shop.signals.drain().await;
    assert_eq!(shop.count(COMPLETED).await, 0, "what it wrote is rolled back");
    shop.signals.settled("1m").await;
    assert_eq!(shop.count(COMPLETED).await, 1);
}
