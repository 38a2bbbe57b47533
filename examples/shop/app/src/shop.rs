//! The shop's database: opened, set up, and what lies beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use base::Shop;
use signals_runtime::Error;

/// The shop in the file `database`, created and brought up to date as needed.
pub(crate) async fn open(database: &Path) -> Result<Shop> {
    let opened = async {
        let shop = base::open(database).await?.with_build(concat!("shop ", env!("CARGO_PKG_VERSION")));
        shop.setup().await?;
        for table in [payments::TABLE, orders::TABLE, analytics::TABLE] {
            sqlx::query(table).execute(shop.backend().pool()).await?;
        }
        anyhow::Ok(shop)
    };
    opened.await.with_context(|| format!("the database {} could not be opened", database.display()))
}

/// The shop in the file `database` as it stands: nothing is made, migrated or registered.
pub(crate) async fn existing(database: &Path) -> Result<Shop> {
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.exists()) {
        bail!("there is no folder {}: make it, or name another file with --database", folder.display());
    }
    let name = database.display();
    if !database.exists() {
        bail!("there is no database {name}: `shop serve` or `shop worker` creates it");
    }
    match base::existing(database).await {
        Err(error @ Error::NotMigrated { .. }) => Err(anyhow!(error).context(format!(
            "{name} does not hold the tables of this shop; `shop migrate --database {name}` makes them"
        ))),
        opened => opened.with_context(|| format!("the database {name} could not be opened")),
    }
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
