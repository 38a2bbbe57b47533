//! What a campaign counted, as a table or as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use signals_runtime::delivery::State;
use signals_runtime::store::DeathReason;

use crate::app::{ATTEMPTS, Order};
use crate::facts::Facts;
use crate::member::What;
use crate::nemesis::Ill;
use crate::{LEASE, check, recovery, returning, robbery, silence};

/// The figures, in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figures(Vec<(&'static str, u64)>);

impl Figures {
    pub(crate) fn of(facts: &Facts, took: Duration) -> Self {
        let fates = |what| facts.fates.iter().filter(|fate| fate.what == what).count();
        let ills = |ills: &[Ill]| facts.ills.iter().filter(|ill| ills.contains(ill)).count();
        let journal = |what: &str| facts.journal.iter().filter(|line| line.what == what).count();
        let state = |state| facts.deliveries.iter().filter(|fact| fact.state == state).count();
        let dead = |reason| facts.deliveries.iter().filter(|fact| fact.death == Some(reason)).count();
        let booked = |is: &dyn Fn(i64) -> bool| facts.books.orders.iter().filter(|(number, _)| is(*number)).count();
        let effects = facts.effects.iter().filter(|line| line.what == "plain-effect");
        let plain_effects = effects.map(|line| &line.number);
        let returns = returning::judge(facts);
        let times = recovery::times(facts);
        let robbery = robbery::judge(facts);
        let shut: i64 = silence::spans(facts).iter().map(|(from, to)| to - from).sum();
        let kept: i64 = recovery::kept_waiting(facts).iter().map(|(from, to)| to - from).sum();
        let outcomes = journal("stored") + journal("repeated") + journal("refused");
        let kills = fates(What::Killed);
        let without =
            facts.fates.iter().filter(|fate| fate.what == What::Killed && is_in_outage(facts, fate.at)).count();
        let row = |name, count: usize| (name, count as u64);
        Self(vec![
            row("kills", kills),
            row("kills_per_minute", (kills as f64 * 60.0 / took.as_secs_f64().max(1.0)) as usize),
            row("kills_in_outages", without),
            row("zombies", fates(What::Stopped)),
            row("asked_to_end", fates(What::Asked)),
            row("database_restarts", ills(&[Ill::Restart])),
            row("database_crashes", ills(&[Ill::Crash, Ill::Kill])),
            row("sessions_terminated", ills(&[Ill::Terminate])),
            row("connections_exhausted", ills(&[Ill::Exhaust])),
            row("black_holes", ills(&[Ill::Hole])),
            row("wires_cut", ills(&[Ill::Cut])),
            row("lost_their_database", fates(What::Cut)),
            ("took_ms", took.as_millis() as u64),
            row("sends", facts.books.orders.len()),
            row("unknown_outcomes", journal("intent").saturating_sub(outcomes)),
            row("repeated_and_there", journal("repeated")),
            row("done", state(State::Done)),
            row("dead_crashed", dead(DeathReason::Crashed)),
            row("dead_exhausted", dead(DeathReason::Exhausted)),
            row("dead_wanted", booked(&|number| Order::failures(number) == ATTEMPTS)),
            row("failed_attempts", facts.effects.iter().filter(|line| line.what == "reluctant-fails").count()),
            row("delayed", booked(&|number| Order::delay(number) > Duration::ZERO)),
            row("lost", check::lost(facts)),
            row("double_plain_effects", doubled(plain_effects)),
            row("double_transactional_effects", doubled(facts.books.rows.iter())),
            row("stale_acks_accepted", check::stale_acknowledgements(facts)),
            row("acks_known_outside", facts.acknowledged.len()),
            row("outcomes_refused", facts.refusals.len()),
            row("lost_leases", facts.deliveries.iter().map(|fact| fact.counters.lost_leases as usize).sum()),
            row("leases_robbed", robbery.found.len()),
            row("robbed_while_waiting", robbery.excused),
            row("robbed_while_starved", robbery.starved),
            row("connected_again", returns.judged),
            row("recoveries", times.raw.len()),
            ("recovery_p50_ms", quantile(&times.raw, 0.5)),
            ("recovery_p99_ms", quantile(&times.raw, 0.99)),
            ("recovery_max_ms", quantile(&times.raw, 1.0)),
            row("l1_unexcused", times.clean.len()),
            row("l1_unexcused_in_storm", times.clean_in_storm),
            row("l1_excused", times.excused.len()),
            ("l1_excused_max_ms", quantile(&times.excused, 1.0)),
            ("l1_p50_ms", quantile(&times.clean, 0.5)),
            ("l1_p99_ms", quantile(&times.clean, 0.99)),
            ("l1_max_ms", quantile(&times.clean, 1.0)),
            ("kept_waiting_ms", u64::try_from(kept / 1_000).unwrap_or_default()),
            ("pinned_looks", facts.leases.pins()),
            ("nobody_wrote_ms", u64::try_from(shut / 1_000).unwrap_or_default()),
            ("lease_ms", LEASE.as_millis() as u64),
        ])
    }

    /// With these alone.
    #[cfg(test)]
    pub(crate) fn with(rows: &[(&'static str, u64)]) -> Self {
        Self(rows.to_vec())
    }

    pub(crate) fn get(&self, name: &str) -> u64 {
        self.0.iter().find(|(known, _)| *known == name).map_or(0, |(_, value)| *value)
    }

    pub(crate) fn as_table(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.0 {
            let _ = writeln!(text, "{:<28} {value}", name.replace('_', " "));
        }
        text
    }

    pub(crate) fn as_json(&self, findings: usize) -> String {
        let fields: Vec<String> = self.0.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
        format!(r#"{{{},"findings":{findings}}}"#, fields.join(","))
    }
}

/// Whether the database was down at that moment, or whoever began found no connection left: all that everybody feels.
fn is_in_outage(facts: &Facts, at: i64) -> bool {
    facts.outages.iter().any(|outage| outage.pid.is_none() && (outage.from..outage.to).contains(&at))
}

/// Of sorted times, in milliseconds.
fn quantile(times: &[Duration], part: f64) -> u64 {
    let last = times.len().saturating_sub(1);
    times.get((last as f64 * part).round() as usize).map_or(0, |time| time.as_millis() as u64)
}

/// How many effects there are beyond the first of each order.
fn doubled<'n>(numbers: impl Iterator<Item = &'n i64>) -> usize {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for number in numbers {
        *counts.entry(*number).or_default() += 1;
    }
    counts.values().map(|count| count - 1).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Line;

    #[test]
    fn a_row_that_is_missing_is_no_double_and_one_that_is_there_twice_is() {
        let double = |rows| {
            let mut facts = Facts::default();
            facts.books.orders = vec![(1, 101), (2, 102)];
            facts.books.rows = rows;
            Figures::of(&facts, Duration::from_secs(2)).get("double_transactional_effects")
        };
        assert_eq!([double(vec![1]), double(vec![1, 2]), double(vec![1, 2, 2])], [0, 0, 1]);
    }

    #[test]
    fn effects_beyond_the_first_are_doubles() {
        let line = |number| Line { what: "plain-effect".to_owned(), number, attempt: 1, at: 0, pid: 1 };
        let facts = Facts { effects: vec![line(1), line(2), line(1), line(1)], ..Facts::default() };
        let figures = Figures::of(&facts, Duration::from_secs(2));
        assert_eq!((figures.get("double_plain_effects"), figures.get("kills"), figures.get("took_ms")), (2, 0, 2_000));
        assert!(figures.as_json(0).starts_with(r#"{"kills":0,"#) && figures.as_table().contains("took ms"));
    }
}
