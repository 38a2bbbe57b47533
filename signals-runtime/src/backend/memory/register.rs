//! Names: the receivers and signals of this database, under every name that they ever had (I14, I15).

use std::collections::{BTreeMap, BTreeSet};

use signals_core::audience::{self, Listener};
use signals_core::clock::Timestamp;
use signals_core::delivery::{DeliveryId, ReceiverId, Transition};
use signals_core::store::{ReceiverEntry, ReceiverInfo, Registered, Registration, Switch};
use signals_core::{Error, ReceiverDef, Result, SignalDef};

use super::tables::Tables;
use crate::broken;

/// Who is meant by which name.
#[derive(Clone, Default)]
pub(super) struct Names {
    receivers: BTreeMap<ReceiverId, ReceiverRow>,
    receiver_names: BTreeMap<String, ReceiverId>,
    /// Receivers that are another one by now, with the names that they went by.
    merged: BTreeMap<ReceiverId, (ReceiverId, String)>,
    /// The name that each signal was last registered under.
    signals: BTreeMap<i64, String>,
    signal_names: BTreeMap<String, i64>,
    last_receiver: i64,
    last_signal: i64,
}

#[derive(Clone)]
struct ReceiverRow {
    name: String,
    signal: i64,
    paused: bool,
    retired: bool,
}

/// `from` is `to` by now: all its deliveries are to move.
struct Merge {
    from: ReceiverId,
    to: ReceiverId,
}

/// Stores the receivers of a binary: all of it, or nothing when there is an error.
pub(super) fn register(tables: &mut Tables, registration: &Registration, now: Timestamp) -> Result<Registered> {
    let mut names = tables.names.clone();
    let mut merges = Vec::new();
    let mut merged = Vec::new();
    for signal in &registration.signals {
        names.name_signal(signal.name, signal.aliases);
    }
    for receiver in &registration.receivers {
        names.name_receiver(receiver, &mut merges, &mut merged)?;
    }
    for name in &registration.retired {
        if let Some(row) = names.receiver_named(name).and_then(|id| names.receivers.get_mut(&id)) {
            row.retired = true;
        }
    }
    tables.check_unlocked(merges.iter().flat_map(|merge| deliveries_of(tables, merge.from)))?;

    tables.names = names;
    for merge in &merges {
        move_deliveries(tables, merge, now);
    }
    Ok(Registered { merged, ..tables.names.resolve(registration) })
}

fn deliveries_of(tables: &Tables, receiver: ReceiverId) -> Vec<DeliveryId> {
    tables.rows().map(|row| row.id).filter(|id| id.receiver == receiver).collect()
}

/// Of two deliveries of one signal the alias's stays behind, cancelled if it was pending.
fn move_deliveries(tables: &mut Tables, merge: &Merge, now: Timestamp) {
    for id in deliveries_of(tables, merge.from) {
        let moved = DeliveryId { receiver: merge.to, ..id };
        let taken = tables.row(moved).is_some();
        let Some(mut row) = tables.take(id) else { continue };
        if !taken {
            row.id = moved;
            row.lane.receiver = merge.to;
        } else if row.step(Transition::Cancel, now) {
            row.actor = Some("merged".to_owned());
        }
        tables.put(row);
    }
}

impl Names {
    /// The ids of a binary's receivers, as far as they are stored.
    pub(super) fn resolve(&self, registration: &Registration) -> Registered {
        let mut registered = Registered::default();
        for entry in &registration.receivers {
            let names = std::iter::once(entry.name).chain(entry.aliases.iter().copied());
            let Some((id, row)) = self.stored(names) else { continue };
            let aliases = registration.signals.iter().find(|signal| signal.name == entry.signal);
            let aliases = aliases.map_or(&[][..], |signal| signal.aliases);
            let mut signals = std::iter::once(entry.signal).chain(aliases.iter().copied());
            if !signals.any(|name| self.signal_names.get(name) == Some(&row.signal)) {
                continue;
            }
            if row.retired {
                registered.retired.push(entry.name);
            }
            registered.ids.push((entry.name, id));
            if row.paused {
                registered.paused.push(id);
            }
        }
        registered
    }

    /// Who receives `signal` under any of its names.
    ///
    /// # Errors
    ///
    /// Returns an error that names the `linked` receivers that are not registered for it.
    pub(super) fn audience(
        &self,
        signal: &SignalDef,
        linked: impl Iterator<Item = &'static ReceiverDef>,
    ) -> Result<Vec<ReceiverId>> {
        let signals: BTreeSet<i64> = signal.names().filter_map(|name| self.signal_names.get(name).copied()).collect();
        let registered = self.receivers.iter().filter(|(_, row)| signals.contains(&row.signal));
        let registered = registered.map(|(&receiver, row)| Listener { receiver, retired: row.retired });
        let linked: Vec<_> = linked.map(|def| (def.name, self.stored(def.names()).map(|(id, _)| id))).collect();
        let mut audience =
            audience::of(&registered.collect::<Vec<_>>(), linked.iter().copied()).map_err(|missing| {
                let receivers = missing.into_iter().map(str::to_owned).collect();
                Error::NotRegistered { signal: signal.name.to_owned(), receivers }
            })?;
        if broken::in_memory(broken::fan_out_linked_only) {
            audience.retain(|id| linked.iter().any(|(_, own)| *own == Some(*id)));
        }
        Ok(audience)
    }

    /// The receiver of this name or alias.
    pub(super) fn receiver_named(&self, name: &str) -> Option<ReceiverId> {
        self.receiver_names.get(name).copied()
    }

    /// The receiver of the first of these names that is stored.
    fn stored<'n>(&self, mut names: impl Iterator<Item = &'n str>) -> Option<(ReceiverId, &ReceiverRow)> {
        let id = names.find_map(|name| self.receiver_named(name))?;
        Some((id, self.receivers.get(&id)?))
    }

    /// Who `receiver` is by now.
    pub(super) fn survivor(&self, receiver: ReceiverId) -> ReceiverId {
        self.merged.get(&receiver).map_or(receiver, |(survivor, _)| *survivor)
    }

    /// The name of a receiver; of one that was merged the name that it went by.
    pub(super) fn receiver_name(&self, receiver: ReceiverId) -> &str {
        let merged = || self.merged.get(&receiver).map(|(_, name)| name);
        self.receivers.get(&receiver).map(|row| &row.name).or_else(merged).map_or("", String::as_str)
    }

    /// The name of the signal that a receiver receives.
    pub(super) fn signal_of(&self, receiver: ReceiverId) -> &str {
        let row = self.receivers.get(&self.survivor(receiver));
        row.and_then(|row| self.signals.get(&row.signal)).map_or("", String::as_str)
    }

    /// Whether claims are stopped.
    pub(super) fn is_paused(&self, receiver: ReceiverId) -> bool {
        self.receivers.get(&receiver).is_some_and(|row| row.paused)
    }

    /// Pauses, resumes, retires or restores; whether that changed anything.
    pub(super) fn switch(&mut self, receiver: ReceiverId, switch: Switch) -> bool {
        let Some(row) = self.receivers.get_mut(&receiver) else { return false };
        let (flag, to) = match switch {
            Switch::Pause => (&mut row.paused, true),
            Switch::Resume => (&mut row.paused, false),
            Switch::Retire => (&mut row.retired, true),
            Switch::Restore => (&mut row.retired, false),
        };
        std::mem::replace(flag, to) != to
    }

    /// All receivers, by name.
    pub(super) fn receivers(&self) -> Vec<ReceiverInfo> {
        let info = |(id, row): (&ReceiverId, &ReceiverRow)| ReceiverInfo {
            id: *id,
            name: row.name.clone(),
            aliases: self
                .receiver_names
                .iter()
                .filter(|(name, other)| *other == id && **name != row.name)
                .map(|(name, _)| name.clone())
                .collect(),
            signal: self.signal_of(*id).to_owned(),
            paused: row.paused,
            retired: row.retired,
        };
        let mut infos: Vec<_> = self.receivers.iter().map(info).collect();
        infos.sort_by(|a, b| a.name.cmp(&b.name));
        infos
    }

    /// One identity for a signal's name and its aliases.
    fn name_signal(&mut self, name: &str, aliases: &[&str]) {
        let names = || std::iter::once(name).chain(aliases.iter().copied());
        let known = names().filter_map(|name| self.signal_names.get(name).copied()).collect::<Vec<_>>();
        let id = known.first().copied().unwrap_or_else(|| {
            self.last_signal += 1;
            self.last_signal
        });
        for other in known.into_iter().filter(|other| *other != id) {
            self.signals.remove(&other);
            self.signal_names.values_mut().filter(|known| **known == other).for_each(|known| *known = id);
            self.receivers.values_mut().filter(|row| row.signal == other).for_each(|row| row.signal = id);
        }
        self.signal_names.extend(names().map(|name| (name.to_owned(), id)));
        self.signals.insert(id, name.to_owned());
    }

    /// One identity for a receiver's name and its aliases.
    fn name_receiver(
        &mut self,
        entry: &ReceiverEntry,
        merges: &mut Vec<Merge>,
        merged: &mut Vec<String>,
    ) -> Result<()> {
        if !self.signal_names.contains_key(entry.signal) {
            self.name_signal(entry.signal, &[]);
        }
        let signal = self.signal_names[entry.signal];
        let names = || std::iter::once(entry.name).chain(entry.aliases.iter().copied());
        let known: Vec<_> = names().filter_map(|name| Some((name, self.receiver_named(name)?))).collect();
        for (_, id) in &known {
            let stored = self.receivers[id].signal;
            if stored != signal {
                return Err(Error::NameTaken {
                    receiver: entry.name.to_owned(),
                    stored: self.signals[&stored].clone(),
                    declared: entry.signal.to_owned(),
                });
            }
        }
        let id = known.first().map_or_else(
            || {
                self.last_receiver += 1;
                ReceiverId(self.last_receiver)
            },
            |(_, id)| *id,
        );
        for (alias, other) in known.into_iter().filter(|(_, other)| *other != id) {
            // Of two aliases of one receiver the second finds it merged already.
            if let Some(gone) = self.receivers.remove(&other) {
                merged.push(alias.to_owned());
                self.merge(&gone, other, id);
                merges.push(Merge { from: other, to: id });
            }
        }
        self.receiver_names.extend(names().map(|name| (name.to_owned(), id)));
        let new = ReceiverRow { name: String::new(), signal, paused: false, retired: false };
        self.receivers.entry(id).or_insert(new).name = entry.name.to_owned();
        Ok(())
    }

    /// `from` is `to` from now on. Somebody had a reason to pause or to retire it: that outlives the merge.
    fn merge(&mut self, gone: &ReceiverRow, from: ReceiverId, to: ReceiverId) {
        self.receiver_names.values_mut().filter(|known| **known == from).for_each(|known| *known = to);
        self.merged.values_mut().filter(|(known, _)| *known == from).for_each(|(known, _)| *known = to);
        self.merged.insert(from, (to, gone.name.clone()));
        if let Some(row) = self.receivers.get_mut(&to) {
            row.paused |= gone.paused;
            row.retired |= gone.retired;
        }
    }
}
