//! The tales of migrations: of an empty database, and of one that ends at the first migration.

use std::fmt;

use signals_runtime::Signals;

use super::receivers::{MAIL, linking};
use super::{Ground, Story};

/// What there is of the library's.
#[derive(Clone, PartialEq)]
struct Schema(Vec<String>);

/// All of it would be pages.
impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let migrations: Vec<_> = self.0.iter().filter(|part| part.starts_with("migration ")).collect();
        write!(f, "{} parts, {migrations:?}", self.0.len())
    }
}

impl<G: Ground> Story<G> {
    /// D7: whatever is cut, all of the tables are there or none, and whoever begins again is done.
    pub(super) async fn migrate(&self) {
        self.bring_up_to_date().await;
    }

    /// D7: whatever is cut, the tables are those of the first migration or of all.
    pub(super) async fn upgrade(&self) {
        let first = self.signals.migrations().remove(0);
        self.ground.run_script(first.to_string()).await;
        self.bring_up_to_date().await;
    }

    async fn bring_up_to_date(&self) {
        let signals = Signals::new(self.ground.backend().clone()).with_registry(linking(vec![&MAIL]));
        let see = async || Schema(self.ground.schema().await);
        let whole = Schema(self.ground.whole_schema().to_vec());
        let change = |schema: &mut Schema| schema.clone_from(&whole);
        self.one_transaction("a migration", see, change, async |_| signals.migrate().await).await;
        self.aside(async || signals.migrate().await).await;
        assert_eq!(see().await, whole, "D7: migrating again does nothing");

        self.aside(async || signals.register().await).await;
        self.order_aside(&signals, 1).await;
        self.drain(&signals).await;
        assert_eq!(self.ran.sorted(), [("faults.mail", 1)], "D7: what was migrated works");
    }
}
