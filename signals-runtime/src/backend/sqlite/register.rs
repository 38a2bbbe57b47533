//! Names and ids (I14, I15): what is stored is read, [`plan`](plan()) says what must change, and only that is written.
//!
//! The plan is made twice: once from a snapshot, and when it is not empty once more under the write lock.

use signals_core::store::{Registered, Registration};
use signals_core::{Error, Result};
use sqlx::SqliteConnection;

use super::super::common::registration::{Change, Receiver, Stored, plan};
use super::by_hand::execute;
use super::connections::{Connections, Writing};
use super::{error, migrate, sql};

/// Stores the receivers of a binary, and finds their ids.
pub(super) async fn register(connections: &Connections, registration: &Registration) -> Result<Registered> {
    {
        let mut snapshot = connections.snapshot().await?;
        migrate::check(&mut snapshot).await?;
        let plan = plan(load(&mut snapshot).await?, registration)?;
        if plan.changes.is_empty() {
            return Ok(plan.registered);
        }
    }
    let mut tx = connections.durable().await?;
    let plan = plan(load(&mut tx).await?, registration)?;
    for change in &plan.changes {
        apply(&mut tx, change).await?;
    }
    tx.commit().await?;
    Ok(plan.registered)
}

/// The ids as they are stored.
pub(super) async fn resolve(connections: &Connections, registration: &Registration) -> Result<Registered> {
    let mut snapshot = connections.snapshot().await?;
    migrate::check(&mut snapshot).await?;
    Ok(load(&mut snapshot).await?.resolve(registration))
}

async fn load(conn: &mut SqliteConnection) -> Result<Stored> {
    let mut stored = Stored::default();
    let types: Vec<(i64, String)> =
        sqlx::query_as(sql::REGISTRY_TYPES).fetch_all(&mut *conn).await.map_err(error::of)?;
    stored.types.extend(types);
    let names: Vec<(String, i64)> =
        sqlx::query_as(sql::REGISTRY_TYPE_NAMES).fetch_all(&mut *conn).await.map_err(error::of)?;
    stored.type_names.extend(names);
    let receivers: Vec<(i64, String, i64, bool, bool)> =
        sqlx::query_as(sql::REGISTRY_RECEIVERS).fetch_all(&mut *conn).await.map_err(error::of)?;
    for (id, name, of, paused, retired) in receivers {
        stored.receivers.insert(id, Receiver { name, of, paused, retired });
    }
    let names: Vec<(String, i64)> =
        sqlx::query_as(sql::REGISTRY_RECEIVER_NAMES).fetch_all(&mut *conn).await.map_err(error::of)?;
    stored.receiver_names.extend(names);
    (stored.last_type, stored.last_receiver) =
        sqlx::query_as(sql::REGISTRY_SEQUENCE).fetch_one(conn).await.map_err(error::of)?;
    Ok(stored)
}

async fn apply(tx: &mut Writing<'_>, change: &Change) -> Result<(), Error> {
    match change {
        Change::Type { id, name } => {
            sqlx::query(sql::REGISTER_TYPE).bind(id).bind(name).execute(&mut **tx).await.map_err(error::of)?;
        }
        Change::TypeName { name, id } => {
            sqlx::query(sql::REGISTER_TYPE_NAME).bind(name).bind(id).execute(&mut **tx).await.map_err(error::of)?;
        }
        Change::MergeType { from, into } => {
            execute(tx, sql::MERGE_TYPE_NAMES, &[*from, *into]).await?;
            execute(tx, sql::MERGE_TYPE_RECEIVERS, &[*from, *into]).await?;
            execute(tx, sql::MERGE_TYPE_REMOVE, &[*from]).await?;
        }
        Change::Receiver { id, name, of } => {
            let query = sqlx::query(sql::REGISTER_RECEIVER).bind(id).bind(name).bind(of);
            query.execute(&mut **tx).await.map_err(error::of)?;
        }
        Change::ReceiverName { name, id } => {
            let query = sqlx::query(sql::REGISTER_RECEIVER_NAME).bind(name).bind(id);
            query.execute(&mut **tx).await.map_err(error::of)?;
        }
        Change::MergeReceiver { from, into } => merge(tx, *from, *into).await?,
        Change::Retire { id } => {
            execute(tx, sql::REGISTER_RETIRED, &[*id]).await?;
        }
    }
    Ok(())
}

/// Moves everything of receiver `from` to `into`; of two deliveries of one signal that of `from` stays, cancelled.
async fn merge(tx: &mut Writing<'_>, from: i64, into: i64) -> Result<()> {
    let now = tx.now().as_micros();
    execute(tx, sql::MERGE_SETTLED, &[from, into]).await?;
    execute(tx, sql::MERGE_CANCEL, &[from, into, now]).await?;
    execute(tx, sql::MERGE_REMOVE_DELIVERIES, &[from]).await?;
    execute(tx, sql::MERGE_REMOVE_LATER, &[from]).await?;
    execute(tx, sql::MERGE_DELIVERIES, &[from, into]).await?;
    execute(tx, sql::MERGE_LATER, &[from, into]).await?;
    execute(tx, sql::MERGE_ATTEMPTS, &[from, into]).await?;
    execute(tx, sql::MERGE_NAMES, &[from, into]).await?;
    execute(tx, sql::MERGE_STOPS, &[from, into]).await?;
    execute(tx, sql::MERGE_RECEIVER, &[from, into]).await?;
    Ok(())
}
