//! The shop's database: opened, set up, and what lies beside it.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use base::{Place, Shop};
use signals_runtime::Error;

/// The shop at `place`, created and brought up to date as needed.
pub(crate) async fn open(place: &Place) -> Result<Shop> {
    let opened = async {
        let shop = base::open(place).await?.with_build(concat!("shop ", env!("CARGO_PKG_VERSION")));
        shop.setup().await?;
        for table in [payments::TABLE, orders::TABLE, analytics::TABLE] {
            sqlx::query(table).execute(shop.backend().pool()).await?;
        }
        anyhow::Ok(shop)
    };
    opened.await.with_context(|| format!("the database {place} could not be opened"))
}

/// The shop at `place` as it stands: nothing is made, migrated or registered.
pub(crate) async fn existing(place: &Place) -> Result<Shop> {
    base::existing(place).await.map_err(|error| match error.downcast_ref() {
        Some(Error::NotMigrated { .. }) => error.context(format!(
            "{place} does not hold the tables of this shop; `shop migrate --{} {place}` makes them",
            Place::OPTION
        )),
        Some(_) => error.context(format!("the database {place} could not be opened")),
        None => error, // it says what is to be done
    })
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
    /// The folders beside the file, or what stands for one, at `place`.
    pub(crate) fn of(place: &Place) -> Self {
        let file = place.beside();
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let folder = |what| file.with_file_name(format!("{stem}-{what}"));
        Self { mail: folder("mail"), exports: folder("exports") }
    }
}
