//! What the backends that speak SQL decide alike, without a database: which names a registration changes, what may be done
//! by hand to what is where, how answers are put together. Their SQL is their own.

pub(super) mod by_hand;
pub(super) mod held;
pub(super) mod registration;
pub(super) mod rows;
pub(super) mod trends;

/// What a lost lease says in the history of attempts.
pub(super) const LEASE_LOST: &str = "the lease expired: the worker crashed, hung, or lost its database";
