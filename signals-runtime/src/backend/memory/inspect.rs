//! What operators see, in one snapshot each.

use std::collections::BTreeMap;
use std::time::Duration;

use signals_core::clock::Timestamp;
use signals_core::delivery::{DeliveryId, Lane, ReceiverId, State};
use signals_core::store::{
    Action, ActionId, AttemptOutcome, Bucket, Count, Counts, DeliveryDetail, DeliverySummary, Filter, Found,
    LaneCounts, Page, ReceiverTrend, Span, StoredSignal, Trends, WorkerRecord,
};

use super::tables::{Row, Tables};

/// Counts by lane; a receiver that holds nothing is there with the lane of version 1.
pub(super) fn counts(tables: &Tables, now: Timestamp) -> Counts {
    let mut lanes: BTreeMap<Lane, LaneCounts> = BTreeMap::new();
    for row in tables.rows() {
        let counts = lanes.entry(row.lane).or_insert_with(|| empty(tables, row.lane));
        let count = match row.state {
            State::Ready if row.due_at.is_some_and(|due_at| due_at > now) => &mut counts.scheduled,
            State::Ready => {
                let sent_at = row.signal.sent_at;
                counts.oldest = Some(counts.oldest.map_or(sent_at, |oldest| oldest.min(sent_at)));
                counts.due_since = Some(counts.due_since.map_or(row.due_since, |since| since.min(row.due_since)));
                &mut counts.ready
            }
            State::Running => &mut counts.running,
            State::Done => &mut counts.done,
            State::Dead => &mut counts.dead,
            State::Cancelled => &mut counts.cancelled,
        };
        self::count(count);
    }
    for receiver in tables.names.receivers() {
        if !lanes.keys().any(|lane| lane.receiver == receiver.id) {
            let lane = Lane { receiver: receiver.id, version: 1 };
            lanes.insert(lane, empty(tables, lane));
        }
    }
    let mut lanes: Vec<_> = lanes.into_values().collect();
    lanes.sort_by(|a, b| (&a.receiver, a.lane.version).cmp(&(&b.receiver, b.lane.version)));
    Counts { lanes }
}

fn empty(tables: &Tables, lane: Lane) -> LaneCounts {
    LaneCounts {
        lane,
        receiver: tables.names.receiver_name(lane.receiver).to_owned(),
        signal: tables.names.signal_of(lane.receiver).to_owned(),
        ready: Count::default(),
        scheduled: Count::default(),
        running: Count::default(),
        done: Count::default(),
        dead: Count::default(),
        cancelled: Count::default(),
        oldest: None,
        due_since: None,
    }
}

/// The workers that did not stop and were seen within `within`.
pub(super) fn workers(tables: &Tables, within: Duration, now: Timestamp) -> Vec<WorkerRecord> {
    let alive = tables.workers.iter().filter(|(_, row)| !row.stopped && now.since(row.seen) <= within);
    alive
        .map(|(incarnation, row)| WorkerRecord {
            incarnation: *incarnation,
            host: row.info.host.clone(),
            pid: row.info.pid,
            build: row.info.build.clone(),
            lanes: row.info.lanes.clone(),
            started: row.started,
            seen: row.seen,
        })
        .collect()
}

/// One page: newest signal first, then by receiver.
pub(super) fn list(tables: &Tables, filter: &Filter, now: Timestamp) -> Page {
    let Found { ids, next } = find(tables, filter, filter.page(), now);
    let rows = ids.into_iter().filter_map(|id| tables.row(id));
    Page { deliveries: rows.map(|row| summary(tables, row)).collect(), next }
}

/// Which deliveries match, in the order of a list.
pub(super) fn find(tables: &Tables, filter: &Filter, limit: usize, now: Timestamp) -> Found {
    let receiver = filter.receiver.as_deref().map(|name| tables.names.receiver_named(name));
    let error = filter.error.as_ref().map(|text| text.to_ascii_lowercase());
    let matches = |row: &&Row| {
        let age = now.since(row.signal.sent_at);
        filter.states().contains(&row.state)
            && receiver.is_none_or(|wanted| wanted == Some(tables.names.survivor(row.id.receiver)))
            && filter.signal.as_deref().is_none_or(|name| name == &*row.signal.name)
            && filter.older_than.is_none_or(|least| age >= least)
            && filter.younger_than.is_none_or(|most| age < most)
            && error.as_deref().is_none_or(|text| says(row, text))
            && filter.after.is_none_or(|after| place(row.id) > place(after))
    };
    let mut ids: Vec<_> = tables.rows().filter(matches).map(|row| row.id).collect();
    ids.sort_by_key(|id| place(*id));
    let more = ids.len() > limit;
    ids.truncate(limit);
    Found { next: ids.last().copied().filter(|_| more), ids }
}

/// Whether the reason of death or the error of an attempt contains `text`, which is in small letters.
fn says(row: &Row, text: &str) -> bool {
    row.death.is_some_and(|reason| reason.as_str().contains(text))
        || row.attempts.iter().any(|attempt| attempt.error.to_ascii_lowercase().contains(text))
}

/// What happened, receiver by receiver.
pub(super) fn trends(tables: &Tables, span: &Span, now: Timestamp) -> Trends {
    let (starts, bucket) = span.starts(now);
    let at = |moment: Timestamp| starts.iter().rposition(|start| *start <= moment).filter(|_| moment <= now);
    let mut found: BTreeMap<ReceiverId, Vec<Bucket>> = BTreeMap::new();
    for row in tables.rows() {
        let done = row.settled_at.filter(|_| row.state == State::Done).and_then(at);
        let failed: Vec<_> =
            row.attempts.iter().filter_map(|attempt| Some((at(attempt.ended_at)?, attempt.outcome))).collect();
        if done.is_none() && failed.is_empty() {
            continue;
        }
        let buckets = found.entry(row.id.receiver).or_insert_with(|| vec![Bucket::default(); starts.len()]);
        if let Some(at) = done {
            count(&mut buckets[at].done);
        }
        for (at, outcome) in failed {
            let counts = &mut buckets[at].failed;
            match counts.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, known)) => count(known),
                None => counts.push((outcome, Count(1))),
            }
        }
    }
    let order = |outcome: &AttemptOutcome| AttemptOutcome::ALL.iter().position(|known| known == outcome);
    found.values_mut().flatten().for_each(|bucket| bucket.failed.sort_by_key(|(outcome, _)| order(outcome)));
    let name = |receiver| tables.names.receiver_name(receiver).to_owned();
    let trend = |(receiver, buckets)| ReceiverTrend { receiver, name: name(receiver), buckets };
    let mut receivers: Vec<_> = found.into_iter().map(trend).collect();
    receivers.sort_by(|a, b| (&a.name, a.receiver).cmp(&(&b.name, b.receiver)));
    Trends { starts, bucket, receivers }
}

/// The log of actions, newest first.
pub(super) fn actions(tables: &Tables, before: Option<ActionId>, limit: usize) -> Vec<Action> {
    let older = tables.actions.iter().rev().filter(|action| before.is_none_or(|before| action.id < before));
    older.take(limit).cloned().collect()
}

fn count(count: &mut Count) {
    count.0 = (count.0 + 1).min(Count::BOUND + 1);
}

/// Where a delivery stands in a list.
fn place(id: DeliveryId) -> (std::cmp::Reverse<i64>, i64) {
    (std::cmp::Reverse(id.signal.0), id.receiver.0)
}

/// One delivery, with everything.
pub(super) fn get(tables: &Tables, id: DeliveryId) -> Option<DeliveryDetail> {
    let row = tables.row(tables.find(id)?)?;
    // The dead and the cancelled carry their payload; a completion has it as long as the signal is remembered.
    let kept = row.state != State::Done || tables.signals.contains_key(&id.signal);
    Some(DeliveryDetail {
        summary: summary(tables, row),
        signal: kept.then(|| StoredSignal::clone(&row.signal)),
        attempts: row.attempts.clone(),
    })
}

fn summary(tables: &Tables, row: &Row) -> DeliverySummary {
    DeliverySummary {
        id: row.id,
        lane: row.lane,
        receiver: tables.names.receiver_name(row.id.receiver).to_owned(),
        signal: row.signal.name.to_string(),
        state: row.state,
        life: row.life,
        counters: row.counters,
        sent_at: row.signal.sent_at,
        due_at: row.due_at,
        worker: row.lease.map(|lease| lease.token.incarnation()),
        lease_until: row.lease.map(|lease| lease.until),
        settled_at: row.settled_at,
        death: row.death,
        actor: row.actor.clone(),
    }
}
