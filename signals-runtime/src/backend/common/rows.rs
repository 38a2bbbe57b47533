//! Between the types of columns and those of the library.

use signals_core::delivery::{DeliveryId, Lane, ReceiverId, SignalId};
use signals_core::token::Token;

use crate::broken;

/// A token as databases store it.
#[expect(clippy::cast_possible_wrap, reason = "the same 64 bits; only equality counts")]
pub(in crate::backend) fn token_bits(token: Token) -> i64 {
    // One for all: a row that runs is anybody's.
    if broken::fencing() { 1 } else { token.bits() as i64 }
}

/// A token as databases store it.
#[expect(clippy::cast_sign_loss, reason = "the same 64 bits; only equality counts")]
pub(in crate::backend) fn token(bits: i64) -> Token {
    Token::from_bits(bits as u64)
}

/// A stored count; what does not fit is as much as there can be.
pub(in crate::backend) fn count(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(if value < 0 { 0 } else { u32::MAX })
}

/// A number of rows as databases count.
pub(in crate::backend) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// The id of a delivery.
pub(in crate::backend) fn delivery(signal: i64, receiver: i64) -> DeliveryId {
    DeliveryId { signal: SignalId(signal), receiver: ReceiverId(receiver) }
}

/// A lane.
pub(in crate::backend) fn lane(receiver: i64, version: i64) -> Lane {
    Lane { receiver: ReceiverId(receiver), version: count(version) }
}
