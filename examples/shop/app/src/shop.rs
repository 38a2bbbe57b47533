//! The shop's database: opened, set up, and what lies beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use base::Shop;

/// The shop in the file `database`, created and brought up to date as needed.
pub(crate) async fn open(database: &Path) -> Result<Shop> {
    let opened = async {
        let shop = base::open(database).await?;
        shop.setup().await?;
        for table in [payments::TABLE, orders::TABLE, analytics::TABLE] {
            sqlx::query(table).execute(shop.backend().pool()).await?;
        }
        anyhow::Ok(shop)
    };
    opened.await.with_context(|| format!("the database {} could not be opened", database.display()))
}

/// The shop in the file `database`, which must be there.
pub(crate) async fn existing(database: &Path) -> Result<Shop> {
    if !database.exists() {
        bail!("there is no database {}: `shop serve` or `shop worker` creates it", database.display());
    }
    open(database).await
}

/// What the shop keeps beside its database: `shop.db` has `shop-mail` and `shop-exports`.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// One file for each mail that was sent.
    pub(crate) mail: PathBuf,
    /// One file for each order that was exported.
    pub(crate) exports: PathBuf,
}

impl Folders {
    /// The folders beside `database`.
    pub(crate) fn beside(database: &Path) -> Self {
        let stem = database.file_stem().unwrap_or_default().to_string_lossy();
        let folder = |what| database.with_file_name(format!("{stem}-{what}"));
        Self { mail: folder("mail"), exports: folder("exports") }
    }
}
