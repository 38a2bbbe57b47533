//! The options of operators' commands, and the [`Order`] that they make of the words.

use std::str::FromStr as _;

use anyhow::{Context as _, Result, bail};
use lexopt::{Parser, ValueExt as _};
use signals_runtime::defaults;
use signals_runtime::delivery::{DeliveryId, State};
use signals_runtime::operating::Pending;
use signals_runtime::store::{Filter, Retention, Switch, Verb};

use super::time::duration;
use super::{How, Order};

/// What the options say, whichever command they are for.
#[derive(Debug)]
pub(crate) struct OpsOptions {
    filter: Filter,
    narrowed: bool,
    all: bool,
    dry_run: bool,
    pending: Option<Pending>,
    retention: Retention,
    print: bool,
    actor: Option<String>,
    json: bool,
}

impl Default for OpsOptions {
    fn default() -> Self {
        let retention = Retention {
            done: defaults::HISTORY,
            cancelled: defaults::KEEP_CANCELLED,
            dead: None,
            keys: defaults::KEEP_KEYS,
        };
        Self {
            filter: Filter::default(),
            narrowed: false,
            all: false,
            dry_run: false,
            pending: None,
            retention,
            print: false,
            actor: None,
            json: false,
        }
    }
}

impl OpsOptions {
    /// Takes option `name` in; `false` when it is none of an operator's.
    pub(crate) fn set(&mut self, name: &str, parser: &mut Parser) -> Result<bool> {
        let mut text = || anyhow::Ok(parser.value()?.string()?);
        match name {
            "state" => self.filter.states.push(State::from_str(&text()?)?),
            "receiver" => self.filter.receiver = Some(text()?),
            "signal" => self.filter.signal = Some(text()?),
            "older-than" => self.filter.older_than = Some(duration(&text()?)?),
            "younger-than" => self.filter.younger_than = Some(duration(&text()?)?),
            "error" => self.filter.error = Some(text()?),
            "after" => self.filter.after = Some(place(&text()?)?),
            "limit" => self.filter.limit = text()?.parse().context("expected a number")?,
            "all" => self.all = true,
            "dry-run" => self.dry_run = true,
            "keep" => self.pending = Some(self.pending(Pending::Keep)?),
            "cancel" => self.pending = Some(self.pending(Pending::Cancel)?),
            "done" => self.retention.done = duration(&text()?)?,
            "cancelled" => self.retention.cancelled = duration(&text()?)?,
            "dead" => self.retention.dead = Some(duration(&text()?)?),
            "keys" => self.retention.keys = duration(&text()?)?,
            "print" => self.print = true,
            "actor" => self.actor = Some(text()?),
            "json" => self.json = true,
            _ => return Ok(false),
        }
        self.narrowed |= matches!(name, "state" | "receiver" | "signal" | "older-than" | "younger-than" | "error");
        Ok(true)
    }

    fn pending(&self, pending: Pending) -> Result<Pending> {
        match self.pending {
            Some(other) if other != pending => bail!("either --keep or --cancel"),
            _ => Ok(pending),
        }
    }

    /// What these words ask for; `None` when they are no operator's.
    pub(crate) fn order(self, words: &[&str]) -> Result<Option<(Order, How)>> {
        let verb = words.first().and_then(|word| Verb::from_word(word));
        let order = match (words, verb) {
            (["status"], _) => Order::Status,
            (["list"], _) => Order::List(self.filter),
            (["show", id], _) => Order::Show(DeliveryId::from_str(id)?),
            (["show"], _) => bail!("which delivery? `shop list` tells their ids, as in `shop show 42.3`"),
            (["actions"], _) => Order::Actions(if self.filter.limit == 0 { 50 } else { self.filter.limit }),
            (["migrate"], _) => Order::Migrate { print: self.print },
            (["prune"], _) => Order::Prune(self.retention),
            ([word, rest @ ..], Some(verb @ (Verb::Retry | Verb::Cancel | Verb::Discard))) => match rest {
                [id] if self.narrowed || self.all => {
                    bail!("either one delivery, {id}, or all that match: not both")
                }
                [id] => Order::One(verb, DeliveryId::from_str(id)?),
                [] if self.narrowed || self.all => {
                    changeable(verb, &self.filter.states)?;
                    Order::All(verb, self.filter)
                }
                [] => bail!(
                    "which deliveries? `shop {word} 42.3` means one (`shop list` tells their ids), a filter such as \
                     `--receiver NAME` all that match, `--all` all of them"
                ),
                _ => bail!("too many words after `{word}`; see `shop --help`"),
            },
            (["pause", receiver], _) => Order::Switch(Switch::Pause, (*receiver).to_owned()),
            (["resume", receiver], _) => Order::Switch(Switch::Resume, (*receiver).to_owned()),
            (["restore", receiver], _) => Order::Switch(Switch::Restore, (*receiver).to_owned()),
            (["retire", receiver], _) => {
                let pending = self.pending.context("and what is pending? say --keep to have it run, or --cancel")?;
                Order::Retire((*receiver).to_owned(), pending)
            }
            ([word @ ("pause" | "resume" | "restore" | "retire")], _) => {
                bail!("which receiver? `shop status` lists them, as in `shop {word} receipts.receivers.mail_receipt`")
            }
            ([known @ ("status" | "list" | "show" | "actions" | "migrate"), ..], _) | ([known, ..], Some(_)) => {
                bail!("too many words after `{known}`; see `shop --help`")
            }
            _ => return Ok(None),
        };
        let actor = self.actor.unwrap_or_else(user);
        Ok(Some((order, How { actor, json: self.json, dry_run: self.dry_run })))
    }
}

/// Whether `verb` can change deliveries in all of these states. The library passes over those that it cannot; whoever names one
/// here expects something else.
fn changeable(verb: Verb, states: &[State]) -> Result<()> {
    match states.iter().find(|state| !verb.changes().contains(state)) {
        None => Ok(()),
        Some(state) => {
            let can: Vec<_> = verb.changes().iter().map(|state| state.as_str()).collect();
            bail!("nothing that is {state} can be changed by {verb}: it takes --state {}", can.join(" or --state "))
        }
    }
}

/// A place in a list, as `shop list` prints it: a delivery's id.
fn place(text: &str) -> Result<DeliveryId> {
    Ok(DeliveryId::from_str(text)?)
}

/// Who is at the keyboard.
fn user() -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
        .unwrap_or_else(|| "shop".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_kept_by_default_is_what_workers_keep() {
        let Retention { done, cancelled, dead, .. } = OpsOptions::default().retention;
        assert_eq!((done, cancelled, dead), (Duration::from_secs(86_400), Duration::from_secs(7 * 86_400), None));
    }
}
