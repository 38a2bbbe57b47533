//! What a registration changes, decided without a database.

use std::collections::{BTreeMap, HashMap};

use signals_core::delivery::ReceiverId;
use signals_core::store::{ReceiverEntry, Registered, Registration, SignalEntry};
use signals_core::{Error, Result};

/// The names and ids in the database.
#[derive(Clone, Debug, Default)]
pub(in crate::backend) struct Stored {
    /// Signals by identity: the name each was last registered under.
    pub(in crate::backend) types: BTreeMap<i64, String>,
    pub(in crate::backend) type_names: HashMap<String, i64>,
    pub(in crate::backend) receivers: BTreeMap<i64, Receiver>,
    pub(in crate::backend) receiver_names: HashMap<String, i64>,
    /// The highest ids ever used.
    pub(in crate::backend) last_type: i64,
    pub(in crate::backend) last_receiver: i64,
}

/// A receiver in the database.
#[derive(Clone, Debug)]
pub(in crate::backend) struct Receiver {
    pub(in crate::backend) name: String,
    /// The identity of the signal it receives.
    pub(in crate::backend) of: i64,
    pub(in crate::backend) paused: bool,
    pub(in crate::backend) retired: bool,
}

/// One thing to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backend) enum Change {
    /// A new identity of a signal, or its new name.
    Type {
        id: i64,
        name: String,
    },
    TypeName {
        name: String,
        id: i64,
    },
    MergeType {
        from: i64,
        into: i64,
    },
    /// A new receiver, or the name it is registered under now.
    Receiver {
        id: i64,
        name: String,
        of: i64,
    },
    ReceiverName {
        name: String,
        id: i64,
    },
    MergeReceiver {
        from: i64,
        into: i64,
    },
    Retire {
        id: i64,
    },
}

/// What to write, in order, and what the answer is when it is written.
#[derive(Clone, Debug, Default)]
pub(in crate::backend) struct Plan {
    pub(in crate::backend) changes: Vec<Change>,
    pub(in crate::backend) registered: Registered,
}

/// Decides what `registration` changes in `stored`.
pub(in crate::backend) fn plan(mut stored: Stored, registration: &Registration) -> Result<Plan> {
    let mut changes = Vec::new();
    let mut merged = Vec::new();
    for signal in &registration.signals {
        stored.signal(signal, &mut changes);
    }
    for receiver in &registration.receivers {
        stored.receiver(receiver, &mut changes, &mut merged)?;
    }
    for name in &registration.retired {
        if let Some(&id) = stored.receiver_names.get(*name)
            && let Some(receiver) = stored.receivers.get_mut(&id)
            && !receiver.retired
        {
            receiver.retired = true;
            changes.push(Change::Retire { id });
        }
    }
    let mut registered = stored.resolve(registration);
    registered.merged = merged;
    Ok(Plan { changes, registered })
}

impl Stored {
    /// What is known of the receivers of `registration`.
    pub(in crate::backend) fn resolve(&self, registration: &Registration) -> Registered {
        let mut registered = Registered::default();
        for entry in &registration.receivers {
            let known = names(entry.name, entry.aliases).find_map(|name| self.receiver_names.get(name));
            let Some((&id, receiver)) = known.and_then(|id| Some((id, self.receivers.get(id)?))) else { continue };
            let aliases = registration.signals.iter().find(|signal| signal.name == entry.signal);
            let aliases = aliases.map_or(&[][..], |signal| signal.aliases);
            // Stored for another signal, it is another receiver (I15).
            if !names(entry.signal, aliases).any(|name| self.type_names.get(name) == Some(&receiver.of)) {
                continue;
            }
            if receiver.retired {
                registered.retired.push(entry.name);
            }
            registered.ids.push((entry.name, ReceiverId(id)));
            if receiver.paused {
                registered.paused.push(ReceiverId(id));
            }
        }
        registered.ids.sort_unstable();
        registered
    }

    /// One identity for all names of a signal.
    fn signal(&mut self, entry: &SignalEntry, changes: &mut Vec<Change>) {
        let known = names(entry.name, entry.aliases).find_map(|name| self.type_names.get(name).copied());
        let id = known.unwrap_or_else(|| {
            self.last_type += 1;
            self.last_type
        });
        for &alias in entry.aliases {
            if let Some(from) = self.type_names.get(alias).copied().filter(|&from| from != id) {
                changes.push(Change::MergeType { from, into: id });
                self.types.remove(&from);
                self.type_names.values_mut().filter(|of| **of == from).for_each(|of| *of = id);
                self.receivers
                    .values_mut()
                    .filter(|receiver| receiver.of == from)
                    .for_each(|receiver| receiver.of = id);
            }
        }
        if self.types.get(&id).map(String::as_str) != Some(entry.name) {
            self.types.insert(id, entry.name.to_owned());
            changes.push(Change::Type { id, name: entry.name.to_owned() });
        }
        for name in names(entry.name, entry.aliases) {
            if self.type_names.get(name) != Some(&id) {
                self.type_names.insert(name.to_owned(), id);
                changes.push(Change::TypeName { name: name.to_owned(), id });
            }
        }
    }

    /// One id for all names of a receiver.
    fn receiver(&mut self, entry: &ReceiverEntry, changes: &mut Vec<Change>, merged: &mut Vec<String>) -> Result<()> {
        if !self.type_names.contains_key(entry.signal) {
            self.signal(&SignalEntry { name: entry.signal, aliases: &[] }, changes);
        }
        let of = self.type_names[entry.signal];
        for name in names(entry.name, entry.aliases) {
            if let Some(kept) = self.receiver_names.get(name).and_then(|id| self.receivers.get(id))
                && kept.of != of
            {
                return Err(Error::NameTaken {
                    receiver: entry.name.to_owned(),
                    stored: self.types.get(&kept.of).cloned().unwrap_or_default(),
                    declared: entry.signal.to_owned(),
                });
            }
        }
        let known = names(entry.name, entry.aliases).find_map(|name| self.receiver_names.get(name).copied());
        let id = known.unwrap_or_else(|| {
            self.last_receiver += 1;
            self.last_receiver
        });
        // An older binary knows the receiver by one of its other names, and says so whenever it starts.
        let name = entry.name.to_owned();
        match self.receivers.get_mut(&id) {
            Some(receiver) if receiver.name == name => {}
            Some(receiver) => {
                receiver.name.clone_from(&name);
                changes.push(Change::Receiver { id, name, of });
            }
            None => {
                let receiver = Receiver { name: name.clone(), of, paused: false, retired: false };
                self.receivers.insert(id, receiver);
                changes.push(Change::Receiver { id, name, of });
            }
        }
        for &alias in entry.aliases {
            if let Some(from) = self.receiver_names.get(alias).copied().filter(|&from| from != id) {
                changes.push(Change::MergeReceiver { from, into: id });
                merged.push(alias.to_owned());
                let gone = self.receivers.remove(&from);
                if let (Some(gone), Some(receiver)) = (gone, self.receivers.get_mut(&id)) {
                    receiver.paused |= gone.paused;
                    receiver.retired |= gone.retired;
                }
                self.receiver_names.values_mut().filter(|of| **of == from).for_each(|of| *of = id);
            }
        }
        for name in names(entry.name, entry.aliases) {
            if self.receiver_names.get(name) != Some(&id) {
                self.receiver_names.insert(name.to_owned(), id);
                changes.push(Change::ReceiverName { name: name.to_owned(), id });
            }
        }
        Ok(())
    }
}

fn names<'n>(name: &'n str, aliases: &'n [&'n str]) -> impl Iterator<Item = &'n str> {
    std::iter::once(name).chain(aliases.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNAL: SignalEntry = SignalEntry { name: "paid", aliases: &[] };

    fn registration(receivers: &[ReceiverEntry]) -> Registration {
        Registration { signals: vec![SIGNAL], receivers: receivers.to_vec(), retired: Vec::new() }
    }

    fn entry(name: &'static str, aliases: &'static [&'static str]) -> ReceiverEntry {
        ReceiverEntry { name, aliases, signal: "paid" }
    }

    fn apply(mut stored: Stored, registration: &Registration) -> (Stored, Plan) {
        let plan = plan(stored.clone(), registration).expect("nothing is in the way");
        for change in &plan.changes {
            match change.clone() {
                Change::Type { id, name } => drop(stored.types.insert(id, name)),
                Change::TypeName { name, id } => drop(stored.type_names.insert(name, id)),
                Change::Receiver { id, name, of } => {
                    stored.last_receiver = stored.last_receiver.max(id);
                    stored.receivers.insert(id, Receiver { name, of, paused: false, retired: false });
                }
                Change::ReceiverName { name, id } => drop(stored.receiver_names.insert(name, id)),
                Change::MergeReceiver { from, into } => {
                    stored.receivers.remove(&from);
                    stored.receiver_names.values_mut().filter(|id| **id == from).for_each(|id| *id = into);
                }
                Change::MergeType { .. } | Change::Retire { .. } => unreachable!("not in these tests"),
            }
        }
        (stored, plan)
    }

    #[test]
    fn the_second_registration_changes_nothing() {
        let registration = registration(&[entry("a", &["b"])]);
        let (stored, first) = apply(Stored::default(), &registration);
        assert!(!first.changes.is_empty());
        let (_, second) = apply(stored, &registration);
        assert_eq!(second.changes, []);
        assert_eq!(second.registered.ids, first.registered.ids);
    }

    #[test]
    fn i15_an_alias_is_the_receiver_in_both_deploy_orders_and_on_rollback() {
        let (old, new) = (registration(&[entry("old", &[])]), registration(&[entry("new", &["old"])]));
        for order in [[&old, &new, &old], [&new, &old, &new]] {
            let mut stored = Stored::default();
            for registration in order {
                let plan;
                (stored, plan) = apply(stored, registration);
                assert_eq!(plan.registered.ids.len(), 1);
                assert_eq!(plan.registered.ids[0].1, ReceiverId(1), "{order:?}");
            }
        }
    }

    #[test]
    fn i15_two_ids_become_that_of_the_name() {
        let (stored, _) = apply(Stored::default(), &registration(&[entry("new", &[]), entry("old", &[])]));
        let (_, plan) = apply(stored, &registration(&[entry("new", &["old"])]));
        assert_eq!(plan.changes, [Change::MergeReceiver { from: 2, into: 1 }]);
        assert_eq!(plan.registered.merged, ["old"]);
    }
}
