//! Sessions that begin with what our statements need: there a single statement is a transaction of its own, and one round trip
//! takes the place of three.
//!
//! A session is told when it begins, by options of its connection. What is SET later would stay in it, and behind a pooler
//! it is somebody else's next. A pooler refuses such options, or its sessions lack the [`MARK`]: there every transaction says
//! what it needs, as the others of ours do everywhere (docs/decisions/0036-a-single-statement-is-a-transaction.md).

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};

use super::sql;
use super::transactions::Kind;

/// What only a session has that began as it was told to.
const MARK: (&str, &str) = ("signals.session", "own");

/// A connection of ours.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) conn: PgConnection,
    /// Whether it began with what single statements need.
    pub(super) is_told: bool,
}

impl Session {
    /// One that is told nothing: each of its transactions says what it needs.
    pub(super) async fn plain(options: &PgConnectOptions) -> Result<Self, sqlx::Error> {
        Ok(Self { conn: options.connect().await?, is_told: false })
    }

    /// One in which single statements of this `kind` can be said, unless something is in between that takes no options.
    pub(super) async fn told(options: &PgConnectOptions, kind: Kind) -> Result<Self, sqlx::Error> {
        let told = options.clone().options(kind.settings().iter().copied().chain([MARK]));
        match told.connect().await {
            Ok(mut conn) => {
                let mark: Option<String> = sqlx::query_scalar(sql::SESSION).fetch_one(&mut conn).await?;
                Ok(Self { conn, is_told: mark.as_deref() == Some(MARK.1) })
            }
            Err(error) if refuses_options(&error) => Self::plain(options).await,
            Err(error) => Err(error),
        }
    }
}

/// Whether it is about how a session shall begin: "protocol violation" is what PgBouncer calls it, others have it unsupported.
fn refuses_options(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("08P01" | "0A000"))
}
