//! What must hold in every state, and what must be met for that to say anything.

use signals_core::delivery::{MAX_LOST_LEASES, MAX_REFUNDS, State};
use stateright::Property;

use super::Life;
use super::world::{Hold, Image, Phase, Row, World};

/// I8: the most starts in a life.
#[must_use]
pub const fn bound_of_starts(max_attempts: u32) -> u32 {
    max_attempts + MAX_LOST_LEASES + MAX_REFUNDS
}

/// All of them. Names begin with the promise.
pub(super) fn all() -> Vec<Property<Life>> {
    vec![
        Property::always("I2 no loss", |_, world: &World| {
            images(world, |image| !image.sent || image.row.is_some() || image.pruned)
        }),
        Property::always("I3 done means that a receiver returned Ok", |_, world: &World| {
            rows(world, |row| row.state != State::Done || world.past.returned[row.life])
        }),
        Property::always("I4 settled once per life", |_, world: &World| rows(world, |row| row.settlings <= 1)),
        Property::always("I5 one effect if and only if done", |life: &Life, world: &World| {
            let exact = |row: &Row| row.effects == u8::from(row.state == State::Done);
            !life.transactional || rows(world, exact)
        }),
        Property::always("I6 fencing", |_, world: &World| !world.past.fence_failed),
        Property::always("I7 a token is started once", |_, world: &World| !world.past.started_twice),
        Property::always("I8 bounded starts", |life: &Life, world: &World| {
            let bound = bound_of_starts(life.policy.max_attempts);
            // Between crashes of the database, unless claims are durable.
            let forgets = world.past.crashes > 0 && !life.durable_claims;
            forgets || world.past.starts.iter().all(|starts| *starts <= bound)
        }),
        Property::sometimes("a delivery is done", |_, world: &World| in_state(world, State::Done)),
        Property::sometimes("a delivery is dead", |_, world: &World| in_state(world, State::Dead)),
        Property::sometimes("a delivery is cancelled", |_, world: &World| in_state(world, State::Cancelled)),
        Property::sometimes("a second life is done", |_, world: &World| {
            any_row(world, |row| row.life == 1 && row.state == State::Done)
        }),
        Property::sometimes("a lease is stolen", |life: &Life, world: &World| {
            any_row(world, |row| row.counters.lost_leases > life.worn.lost_leases)
        }),
        Property::sometimes("a zombie is told that it is one", |_, world: &World| world.past.told_stale),
        Property::sometimes("a crash of the database loses a claim that was started", |_, world: &World| {
            let lost = |hold: &Hold| hold.phase == Phase::Started && any_row(world, |row| row.claim < hold.claim);
            world.workers.iter().filter_map(|worker| worker.hold.as_ref()).any(lost)
        }),
        Property::sometimes("two workers run the delivery at once", |_, world: &World| {
            world.workers.iter().all(|worker| worker.hold.is_some())
        }),
    ]
}

/// Both what is seen now and what a crash would leave keep the promises.
fn images(world: &World, keep: impl Fn(&Image) -> bool) -> bool {
    keep(&world.seen) && keep(&world.safe)
}

fn rows(world: &World, keep: impl Fn(&Row) -> bool) -> bool {
    images(world, |image| image.row.as_ref().is_none_or(&keep))
}

fn any_row(world: &World, is: impl Fn(&Row) -> bool) -> bool {
    world.seen.row.as_ref().is_some_and(is)
}

fn in_state(world: &World, state: State) -> bool {
    any_row(world, |row| row.state == state)
}
