//! The fence: 64 bits that no two claim statements ever share.

use std::fmt;

/// Who claims: 32 random bits that a durable insert into the `worker` table made unique for ever.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Incarnation(u32);

impl Incarnation {
    /// The incarnation with these bits. Only a backend that has just inserted them durably may use them for claims.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incarnation({self})")
    }
}

/// `incarnation << 32 | n`, where `n` counts the claims of that incarnation, those in sends too. Deliveries of one batch share it.
///
/// Only equality counts. Because it is never used twice, a claim may be lost in a crash of the database: its old holder
/// can then acknowledge nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(u64);

impl Token {
    /// The token that a database column holds.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits, as stored.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Who claimed.
    #[must_use]
    pub const fn incarnation(self) -> Incarnation {
        Incarnation((self.0 >> 32) as u32)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.incarnation(), self.0 & u64::from(u32::MAX))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({self})")
    }
}

/// Draws the tokens of one incarnation.
#[derive(Debug)]
pub struct Tokens {
    incarnation: Incarnation,
    next: u32,
}

impl Tokens {
    /// The tokens of an incarnation that was drawn just now.
    #[must_use]
    pub const fn new(incarnation: Incarnation) -> Self {
        Self { incarnation, next: 0 }
    }

    /// Whose tokens these are.
    #[must_use]
    pub const fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The next token, or `None` when the incarnation has used all of its 2³²: draw another incarnation.
    pub fn draw(&mut self) -> Option<Token> {
        let n = self.next;
        self.next = n.checked_add(1)?;
        Some(Token((self.incarnation.0 as u64) << 32 | n as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_its_incarnation_and_a_count_and_never_wraps() {
        let mut tokens = Tokens::new(Incarnation::from_bits(0xdead_beef));
        let first = tokens.draw().expect("the first of 2^32");
        assert_eq!((first.bits(), first.incarnation().bits()), (0xdead_beef_0000_0000, 0xdead_beef));
        assert_ne!(Some(first), tokens.draw());
        tokens.next = u32::MAX;
        assert_eq!(tokens.draw(), None, "n must not overflow into a token that was used before");
        assert_eq!(tokens.draw(), None);
    }
}
