//! Who sends: as applications do, with every retry that they need.

use std::time::Duration;

use signals_core::{Result, Signal as _, send_all};
use signals_runtime::Tx;

use super::receivers::{Audited, Ordered, Reminded};
use super::story::Doubt;
use super::{Ground, Story, verdict};

impl<G: Ground> Story<G> {
    /// One after the other.
    pub(super) async fn send(&self) {
        self.in_turn("an order under a key", async |_| self.order_under_a_key(1).await).await;
        self.in_turn("an order", async |doubt| self.order(2, doubt).await).await;
        self.in_turn("an order that is undone", async |_| self.undone(3).await).await;
        verdict::undone(self, 3).await;
        self.in_turn("an order with savepoints", async |doubt| self.with_savepoints(4, doubt).await).await;
        self.in_turn("an order of somebody careless", async |doubt| self.careless(5, doubt).await).await;
        self.in_turn("reminders", async |doubt| self.reminders(6, doubt).await).await;
        self.in_turn("an audit", async |doubt| self.audit(7, doubt).await).await;
    }

    /// S2: after a commit whose answer is lost, the same again under its key.
    async fn order_under_a_key(&self, number: i64) -> Result<()> {
        let mut tx = self.signals.begin().await?;
        let sent = Ordered { number }.send(&mut tx).idempotency_key(format!("order {number}")).await?;
        if !sent.repeated {
            G::note(&mut tx, "order", number).await?;
        }
        tx.commit().await
    }

    /// Without a key the business row tells whether it happened, to whoever was told that nobody knows. All other errors say that
    /// it did not, and are taken at their word.
    async fn order(&self, number: i64, doubt: Doubt) -> Result<()> {
        let Some(mut tx) = self.unless_noted("order", number, doubt).await? else { return Ok(()) };
        G::note(&mut tx, "order", number).await?;
        Ordered { number }.send(&mut tx).await?;
        tx.commit().await
    }

    async fn undone(&self, number: i64) -> Result<()> {
        let mut tx = self.signals.begin().await?;
        G::note(&mut tx, "order", number).await?;
        Ordered { number }.send(&mut tx).await?;
        tx.rollback().await
    }

    /// S5: one savepoint is rolled back, one kept, and one dropped.
    async fn with_savepoints(&self, number: i64, doubt: Doubt) -> Result<()> {
        let Some(mut tx) = self.unless_noted("order", number, doubt).await? else { return Ok(()) };
        G::note(&mut tx, "order", number).await?;
        Ordered { number }.send(&mut tx).await?;
        for (part, kept) in [(number * 10, Some(false)), (number * 10 + 1, Some(true)), (number * 10 + 2, None)] {
            let mut savepoint = tx.savepoint().await?;
            G::note(&mut savepoint, "order", part).await?;
            Ordered { number: part }.send(&mut *savepoint).await?;
            match kept {
                Some(true) => savepoint.release().await?,
                Some(false) => savepoint.rollback().await?,
                None => drop(savepoint),
            }
        }
        tx.commit().await
    }

    /// S4: whoever ignores that a send has failed is told at the commit.
    async fn careless(&self, number: i64, doubt: Doubt) -> Result<()> {
        let Some(mut tx) = self.unless_noted("order", number, doubt).await? else { return Ok(()) };
        G::note(&mut tx, "order", number).await?;
        let _ = Ordered { number }.send(&mut tx).await;
        tx.commit().await
    }

    /// Three at once, and one for later.
    async fn reminders(&self, number: i64, doubt: Doubt) -> Result<()> {
        let Some(mut tx) = self.unless_noted("order", number, doubt).await? else { return Ok(()) };
        G::note(&mut tx, "order", number).await?;
        let parts = [1, 2, 3].map(|part| Reminded { number: number * 10 + part });
        send_all(&parts, &mut tx).await?;
        Reminded { number: number * 10 + 4 }.send(&mut tx).after(Duration::from_millis(20)).await?;
        tx.commit().await
    }

    async fn audit(&self, number: i64, doubt: Doubt) -> Result<()> {
        let Some(mut tx) = self.unless_noted("order", number, doubt).await? else { return Ok(()) };
        G::note(&mut tx, "order", number).await?;
        Audited { number }.send(&mut tx).await?;
        tx.commit().await
    }

    /// A transaction for what has not happened yet.
    async fn unless_noted(&self, what: &'static str, number: i64, doubt: Doubt) -> Result<Option<Tx<G::Backend>>> {
        let mut tx = self.signals.begin().await?;
        if doubt == Doubt::Unknown && G::is_noted(&mut tx, what, number).await? {
            return tx.rollback().await.map(|()| None);
        }
        Ok(Some(tx))
    }
}
