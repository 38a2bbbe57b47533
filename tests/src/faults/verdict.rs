//! What must be so at the end, whatever was cut.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use signals_core::delivery::State;
use tokio::time::sleep;

use super::story::PATIENCE;
use super::tale::Tale;
use super::{Ground, Story};

/// The orders that were committed; the others were undone.
const ORDERS: [i64; 5] = [1, 2, 4, 41, 5];

/// I1: an order that was rolled back has stored nothing, neither its row nor its signal.
pub(super) async fn undone<G: Ground>(story: &Story<G>, order: i64) {
    let rows = story.ground.noted().await.into_iter().filter(|(_, number)| *number == order).count();
    // The two before it have a signal each.
    let signals: BTreeSet<_> = story.deliveries().await.into_iter().map(|delivery| delivery.id.signal).collect();
    assert_eq!((rows, signals.len()), (0, 2), "I1: rows and signals of what was rolled back");
}

/// I1: every order that was told as committed is there once, and its signals with it.
pub(super) async fn committed<G: Ground>(story: &Story<G>) {
    let mut rows = story.ground.noted().await;
    rows.sort();
    let mut expected: Vec<_> = ORDERS.iter().chain(&[6, 7]).map(|&order| ("order".to_owned(), order)).collect();
    expected.sort();
    assert_eq!(rows, expected, "I1: business rows, each once");
    let signals: BTreeSet<_> = story.deliveries().await.into_iter().map(|delivery| delivery.id.signal).collect();
    assert_eq!(signals.len(), ORDERS.len() + 5, "I1: signals of orders, four reminders and an audit");
}

/// I1, I2, I5: every business row has its deliveries, all of them are done, and each effect is there as often as it must.
pub(super) async fn settled<G: Ground>(story: &Story<G>) {
    let mut rows = story.ground.noted().await;
    rows.sort();
    let mut expected: Vec<_> = ORDERS.iter().flat_map(|&order| [("booked", order), ("order", order)]).collect();
    expected.extend([("order", 6), ("order", 7)]);
    expected.sort_unstable();
    let expected: Vec<_> = expected.into_iter().map(|(what, number)| (what.to_owned(), number)).collect();
    assert_eq!(rows, expected, "I1, I5: business rows, each once");

    let mut deliveries: BTreeMap<(String, State), usize> = BTreeMap::new();
    for delivery in story.deliveries().await {
        *deliveries.entry((delivery.receiver, delivery.state)).or_default() += 1;
    }
    let orders = [("book", 5), ("confirm", 5), ("falter", 5), ("mail", 5)];
    let expected = [("audit", 1), ("doze", 1), ("hold", 1), ("remind", 4)].into_iter().chain(orders);
    let expected = expected.map(|(receiver, count)| ((format!("faults.{receiver}"), State::Done), count));
    assert_eq!(deliveries, expected.collect(), "I1, I2: deliveries, one for each receiver of what was committed");

    let mut ran = story.ran.sorted();
    ran.dedup();
    let orders = ORDERS.iter().flat_map(|&order| ["confirm", "falter", "mail"].map(|name| (name, order)));
    let reminders = [61, 62, 63, 64].map(|number| ("remind", number));
    let mut expected: Vec<_> = orders.chain(reminders).chain([("audit", 7), ("doze", 7), ("hold", 7)]).collect();
    expected.sort_unstable();
    let ran: Vec<_> = ran.into_iter().map(|(name, number)| (name.trim_start_matches("faults."), number)).collect();
    assert_eq!(ran, expected, "I2, I3: plain receivers ran, and for nothing else");
}

/// T12: nothing of what is settled is left.
pub(super) async fn forgotten<G: Ground>(story: &Story<G>) {
    let left = story.deliveries().await;
    assert!(left.is_empty(), "T12: {left:?}");
}

/// S6: no connection is inside a transaction, and the next transaction on each of the pool's works.
pub(super) async fn at_rest<G: Ground>(story: &Story<G>, tale: Tale) {
    let began = Instant::now();
    while let Some(unrest) = story.ground.unrest().await {
        assert!(began.elapsed() < PATIENCE, "S6: not every connection is at rest: {unrest}");
        // tidy: not a wait: the pause of a poll with a deadline
        sleep(Duration::from_millis(1)).await;
    }
    let before = story.ground.noted().await.len();
    let one_writer = story.ground.direct().store().capabilities().single_writer;
    // Where somebody is alone, nothing is cut of what goes through the pool.
    let connections = if tale == Tale::Work { story.ground.pool_size() } else { 1 };
    let mut open = Vec::new();
    for number in 0..connections {
        let mut tx = story.signals.begin().await.expect("S6: a transaction begins");
        G::note(&mut tx, "probe", number.into()).await.expect("S6: it can write");
        if one_writer {
            tx.commit().await.expect("S6: and commit");
        } else {
            open.push(tx);
        }
    }
    for tx in open {
        tx.commit().await.expect("S6: and commit");
    }
    let probes = story.ground.noted().await.len() - before;
    assert_eq!(probes, connections as usize, "S6: what is committed stays");
}
