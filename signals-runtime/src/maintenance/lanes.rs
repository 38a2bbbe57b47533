//! Keeps up with what other builds register: merged and retired receivers, and lanes that nobody here knows (I12).

use std::collections::BTreeSet;
use std::time::Duration;

use signals_core::Result;
use signals_core::delivery::Lane;

use crate::defaults::ALIVE;
use crate::telemetry;
use crate::worker::Engine;

use super::{at_most_as_often_as_polled, rest};

/// How often the ids of this program's receivers are looked up again.
const LEARN_EVERY: Duration = Duration::from_secs(1);

/// How many look-ups later parked lanes are looked for.
const LOOK_FOR_PARKED: u32 = 30;

pub(super) async fn run(engine: &Engine) {
    let mut told = BTreeSet::new();
    let mut rounds = 0;
    let every = at_most_as_often_as_polled(engine, LEARN_EVERY);
    while rest(engine, every).await {
        let learned = engine.learn_lanes().await.map(drop);
        let looked = if rounds % LOOK_FOR_PARKED == 0 { tell_parked(engine, &mut told).await } else { Ok(()) };
        rounds += 1;
        if let Err(error) = learned.and(looked) {
            telemetry::store_failed("resolve", &error, every);
        }
    }
}

/// Tells once of every lane that holds deliveries and that no living worker knows; again when it was empty in between.
async fn tell_parked(engine: &Engine, told: &mut BTreeSet<Lane>) -> Result<()> {
    let mut known: BTreeSet<Lane> = engine.lanes().into_iter().flatten().collect();
    known.extend(engine.store.workers(ALIVE).await?.into_iter().flat_map(|worker| worker.lanes));
    let counts = engine.store.counts().await?;
    let parked: Vec<_> = counts.lanes.iter().filter(|lane| lane.has_pending() && !known.contains(&lane.lane)).collect();
    told.retain(|lane| parked.iter().any(|parked| parked.lane == *lane));
    for lane in parked {
        if told.insert(lane.lane) {
            telemetry::parked(lane);
        }
    }
    Ok(())
}
