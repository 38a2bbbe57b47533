//! What operators do from the command line: looking (`status`, `list`, `show`, `actions`) and acting (the rest). Each command
//! is one call of `signals.inspect()` or `signals.operate(actor)`, and what it answers as text or as JSON.

mod act;
mod look;
mod migrate;
mod parse;
mod time;

use anyhow::Result;
use base::Place;
use signals_runtime::delivery::DeliveryId;
use signals_runtime::operating::Pending;
use signals_runtime::store::{Filter, Retention, Switch, Verb};

use crate::{shop, status};

pub(crate) use parse::OpsOptions;
pub(crate) use time::ago;

/// What an operator asks for.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// Everything at a glance.
    Status,
    /// Deliveries that match; one page.
    List(Filter),
    /// One delivery with everything, its payload too: whoever asks for it wants to see it.
    Show(DeliveryId),
    /// The log of actions: so many lines.
    Actions(usize),
    /// Something about one delivery.
    One(Verb, DeliveryId),
    /// Something about all that match.
    All(Verb, Filter),
    /// Something about a receiver.
    Switch(Switch, String),
    /// A receiver goes.
    Retire(String, Pending),
    /// What is settled and old goes.
    Prune(Retention),
    /// The tables.
    Migrate {
        /// As SQL, for another tool.
        print: bool,
    },
}

/// How it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct How {
    /// Who asks.
    pub(crate) actor: String,
    /// Answers as JSON.
    pub(crate) json: bool,
    /// Counts, and changes nothing; only of deliveries, and of a retirement.
    pub(crate) dry_run: bool,
}

/// Does what is asked for in the shop whose database is at `place`.
pub(crate) async fn run(place: &Place, order: Order, how: &How) -> Result<()> {
    if let Order::Migrate { print } = order {
        return migrate::run(place, print).await;
    }
    let shop = shop::existing(place).await?;
    match order {
        Order::Status => status::show(&shop, how.json).await,
        Order::List(filter) => look::list(&shop, &filter, how.json).await,
        Order::Show(delivery) => look::show(&shop, delivery, how.json).await,
        Order::Actions(limit) => look::actions(&shop, limit, how.json).await,
        Order::One(verb, delivery) => act::one(&shop, verb, delivery, how).await,
        Order::All(verb, filter) => act::all(&shop, verb, filter, how).await,
        Order::Switch(switch, receiver) => act::switch(&shop, switch, &receiver, how).await,
        Order::Retire(receiver, pending) => act::retire(&shop, &receiver, pending, how).await,
        Order::Prune(retention) => act::prune(&shop, retention, how).await,
        Order::Migrate { .. } => unreachable!("migrated above, without opening the shop"),
    }
}
