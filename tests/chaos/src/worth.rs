//! What a campaign must have seen to prove something: one that found nothing, and looked at nothing, has failed.

use std::time::Duration;

use crate::calm;
use crate::campaign::{Options, Until};
use crate::figures::Figures;
use crate::nemesis::{Ill, Mix};
use crate::recovery::BEYOND;

/// From so many kills on there must be plain effects that were made twice, or the kills hit nothing; and so many there must be
/// in a [long](is_long) campaign.
const MUST_KILL: u64 = 50;

/// So many recoveries of each minute of its storm must be judged under L1 without an excuse, when a campaign of everything has
/// [more minutes than one](VERY_LONG): the last act alone would be as good after a second as after an hour.
const MUST_JUDGE_A_MINUTE: u64 = 10;

/// A campaign of this length has time for everything, and so has one of this many kills: the slowest machines kill four times a
/// second.
const LONG: Duration = Duration::from_secs(60);
const MANY: u64 = 250;

/// The storm of a campaign of this length is longer than its ills.
const VERY_LONG: Duration = Duration::from_secs(120);

/// Whether the campaign is to have a minute or more, or has kills for one, or its storm `took` one for fewer: then it must have had
/// everything that comes in turns.
pub(crate) fn is_long(options: Options, took: Duration) -> bool {
    match options.until {
        Until::Killed(count) => count >= MANY || took >= LONG,
        Until::Elapsed(span) => span >= LONG,
    }
}

/// Whether its storm is longer than its ills: the time says so that it was to have, or, of kills, that it took.
fn is_very_long(options: Options, took: Duration) -> bool {
    match options.until {
        Until::Killed(_) => took >= VERY_LONG,
        Until::Elapsed(span) => span >= VERY_LONG,
    }
}

/// Why a campaign that found nothing proves nothing, or not enough. Of the `known` ills those were `done`.
pub(crate) fn failures(
    figures: &Figures,
    done: &[Ill],
    known: &[Ill],
    options: Options,
    unplayed: Option<String>,
) -> Vec<String> {
    let mut failures = Vec::new();
    let mut must = |is_so: bool, why: String| failures.extend((!is_so).then_some(why));
    let get = |name| figures.get(name);
    let kills = get("kills");

    let doubled = kills < MUST_KILL || get("double_plain_effects") > 0;
    must(doubled, "no plain effect was ever made twice: the kills hit nothing".to_owned());
    for (name, what) in [("dead_exhausted", "dead after all its attempts"), ("delayed", "sent with a delay")] {
        must(kills < MUST_KILL || get(name) > 0, format!("nothing was {what}"));
    }
    must(get("acks_known_outside") > 0, "no worker told of an acknowledgement: none could have been stale".to_owned());
    let took = Duration::from_millis(get("took_ms"));
    if is_long(options, took) {
        let least = if let Until::Killed(count) = options.until { count.min(MUST_KILL) } else { MUST_KILL };
        must(kills >= least, format!("there were {kills} kills, and {least} must be"));
        let missing: Vec<&Ill> = known.iter().filter(|ill| options.mix == Mix::All && !done.contains(ill)).collect();
        must(missing.is_empty(), format!("there was none of {missing:?}"));
        let has_outages = options.mix == Mix::All && known.iter().any(|ill| ill.forgets());
        let killed = !has_outages || get("kills_in_outages") > 0;
        must(killed, "nobody was killed while the database was down or had no connection left".to_owned());
    }
    must(get("outcomes_refused") > 0, "no outcome was refused: the fence had nothing to do".to_owned());
    if let Some(why) = unplayed {
        must(false, format!("the last act was not played: {why}"));
    }
    let (judged, least) = (get("l1_unexcused"), calm::MUST_JUDGE);
    must(judged >= least, format!("{judged} recoveries were judged under L1 without an excuse, and {least} must be"));
    if is_very_long(options, took) && options.mix == Mix::All {
        let (judged, took) = (get("l1_unexcused_in_storm"), get("took_ms"));
        must(
            judged * 60_000 >= MUST_JUDGE_A_MINUTE * took,
            format!(
                "{judged} recoveries of the storm, which took {took} ms, were judged under L1 without an excuse, and \
                 {MUST_JUDGE_A_MINUTE} of each minute must be"
            ),
        );
    }
    let (p99, promised) = (get("l1_p99_ms"), get("lease_ms") + BEYOND.as_millis() as u64);
    must(
        p99 <= promised,
        format!("of a hundred recoveries without an excuse one took {p99} ms, and L1 says {promised} ms"),
    );
    let (kept, took) = (get("kept_waiting_ms"), get("took_ms"));
    must(
        kept * 10 <= took,
        format!("the machine kept everybody waiting for {kept} ms of {took} ms: more than a tenth"),
    );
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [(&str, u64); 13] = [
        ("kills", 50),
        ("kills_in_outages", 1),
        ("dead_exhausted", 1),
        ("delayed", 1),
        ("double_plain_effects", 1),
        ("acks_known_outside", 1),
        ("outcomes_refused", 1),
        ("l1_unexcused", 10),
        ("l1_unexcused_in_storm", 0),
        ("l1_p99_ms", 5_000),
        ("lease_ms", 4_000),
        ("kept_waiting_ms", 4_000),
        ("took_ms", 40_000),
    ];

    const MINUTE: Options = Options { until: Until::Elapsed(LONG), seed: 1, mix: Mix::All, json: false };

    /// How many failures there are when one figure is another.
    fn with(name: &str, value: u64, options: Options) -> usize {
        let rows = ROWS.map(|(known, usual)| (known, if known == name { value } else { usual }));
        failures(&Figures::with(&rows), &[Ill::Crash], &[Ill::Crash], options, None).len()
    }

    #[test]
    fn every_figure_has_a_border_beyond_which_a_minute_proves_nothing() {
        for (name, good, bad) in [
            ("kills", 50, 49),
            ("double_plain_effects", 1, 0),
            ("kills_in_outages", 1, 0),
            ("dead_exhausted", 1, 0),
            ("delayed", 1, 0),
            ("acks_known_outside", 1, 0),
            ("outcomes_refused", 1, 0),
            ("l1_unexcused", 10, 9),
            ("l1_p99_ms", 5_000, 5_001),
            ("kept_waiting_ms", 4_000, 4_001),
        ] {
            assert_eq!([with(name, good, MINUTE), with(name, bad, MINUTE)], [0, 1], "{name}");
        }
    }

    #[test]
    fn l1_two_minutes_of_everything_judge_ten_recoveries_of_each_minute_of_the_storm() {
        let two = Options { until: Until::Elapsed(VERY_LONG), ..MINUTE };
        // Of forty seconds, two thirds of ten.
        assert_eq!([7, 6].map(|judged| with("l1_unexcused_in_storm", judged, two)), [0, 1]);
        let shorter = VERY_LONG.checked_sub(Duration::from_millis(1)).expect("it is longer");
        let until = Until::Elapsed(shorter);
        for less in [Options { until, ..two }, Options { mix: Mix::Kills, ..two }] {
            assert_eq!(with("l1_unexcused_in_storm", 0, less), 0, "{less:?}");
        }
    }

    /// How many failures there are of a campaign of so many kills whose storm took so long and had no ill.
    fn without_ills(kills: u64, took: Duration) -> usize {
        let rows = ROWS.map(|(known, usual)| match known {
            "kills" => (known, kills),
            "took_ms" => (known, took.as_millis() as u64),
            "l1_unexcused_in_storm" => (known, 1_000),
            _ => (known, usual),
        });
        let options = Options { until: Until::Killed(kills), ..MINUTE };
        failures(&Figures::with(&rows), &[], &[Ill::Cut], options, None).len()
    }

    #[test]
    fn a_campaign_of_kills_is_long_by_their_number_or_by_the_time_that_it_took() {
        let moment = Duration::from_millis(1);
        assert_eq!([without_ills(MANY - 1, LONG - moment), without_ills(MANY, LONG - moment)], [0, 1]);
        assert_eq!(
            [without_ills(7, LONG - moment), without_ills(7, LONG)],
            [0, 1],
            "what was asked for is seven kills"
        );
        let judged = |took: Duration| {
            let options = Options { until: Until::Killed(MANY), ..MINUTE };
            let rows =
                ROWS.map(|(known, usual)| (known, if known == "took_ms" { took.as_millis() as u64 } else { usual }));
            failures(&Figures::with(&rows), &[], &[], options, None).len()
        };
        assert_eq!([judged(VERY_LONG - moment), judged(VERY_LONG)], [0, 1], "its storm is judged, too");
    }

    #[test]
    fn a_campaign_of_few_kills_that_was_asked_for_may_have_seen_less() {
        let span = LONG.checked_sub(Duration::from_millis(1)).expect("it is longer");
        for until in [Until::Killed(7), Until::Elapsed(span)] {
            let short = Options { until, ..MINUTE };
            assert_eq!(with("kills", 7, short), 0);
            assert_eq!(with("double_plain_effects", 0, short), 1, "of fifty kills");
            assert_eq!(with("outcomes_refused", 0, short), 1, "the last act has one");
        }
    }

    #[test]
    fn a_minute_of_everything_has_had_every_ill_and_its_last_act() {
        let missing = |mix, done: &[Ill], unplayed: Option<&str>| {
            let options = Options { mix, ..MINUTE };
            failures(&Figures::with(&ROWS), done, &[Ill::Cut, Ill::Hole], options, unplayed.map(str::to_owned)).len()
        };
        assert_eq!(missing(Mix::All, &[Ill::Hole, Ill::Cut], None), 0);
        assert_eq!([missing(Mix::All, &[Ill::Hole], None), missing(Mix::Kills, &[], None)], [1, 0]);
        assert_eq!(missing(Mix::Kills, &[], Some("it stalled")), 1);
    }
}
