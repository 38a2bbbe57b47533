//! Lists of held deliveries, cut into what one statement works on.

use std::collections::HashMap;

use signals_core::store::Held;

/// How many rows one statement works on.
pub(in crate::backend) const CHUNK: usize = 1000;

/// The places of `held` in batches: bounded, in key order, and no position twice in one of them, whatever the lane, so
/// that the ids that a statement returns say which entries it matched. What is named twice is finished once.
pub(in crate::backend) fn batches<'a>(held: impl Iterator<Item = &'a Held>) -> Vec<Vec<usize>> {
    let mut order: Vec<_> = held.enumerate().map(|(at, held)| (held.lane, held.position, at)).collect();
    order.sort_unstable();
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    let mut seen: HashMap<i64, usize> = HashMap::with_capacity(order.len());
    for (_, position, at) in order {
        let round = seen.entry(position).and_modify(|round| *round += 1).or_default();
        if rounds.len() <= *round {
            rounds.push(Vec::new());
        }
        rounds[*round].push(at);
    }
    rounds.iter().flat_map(|round| round.chunks(CHUNK).map(<[usize]>::to_vec)).collect()
}
