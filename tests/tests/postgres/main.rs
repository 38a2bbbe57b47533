//! Postgres against the suite, and what is particular to it: its statements and their plans, transactions of sqlx's own,
//! sessions that were set up otherwise, roles, the server's clock.
#![cfg(feature = "postgres")]

mod addressed;
mod claimed;
mod claims;
mod harness;
mod hints;
mod idle;
mod locks;
mod planted;
mod promotes;
mod refusals;
mod registers;
mod sends;
mod sessions;
mod statements;
mod transactions;

use harness::Postgres;

signals_conformance::conformance!(Postgres);
