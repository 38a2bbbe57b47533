//! What a signal is: a typed fact with a stable name, a version, and a way to send it.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::send::Outgoing;
use crate::{Backend, InTransaction, Sending};

/// A typed fact that happened. Implemented by `#[signal]`, not by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a signal",
    label = "not a signal: its definition has no `#[signal]` attribute",
    note = "write `#[signal]` above the definition of `{Self}`, above its `#[derive]`s"
)]
pub trait Signal: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What the attribute said.
    const DEF: &'static SignalDef;

    /// Sends this signal in the transaction `tx`: one delivery for each receiver, stored when `tx` commits.
    ///
    /// The payload is encoded now; the database is asked when the returned future is awaited. Options are set on it:
    /// [`after`](Sending::after), [`at`](Sending::at), [`idempotency_key`](Sending::idempotency_key).
    ///
    /// # Errors
    ///
    /// Awaiting it returns an error when the payload cannot be stored as it is (NaN, too deep, too large), when a
    /// receiver that is linked into this binary was never registered in this database, when the transaction is none,
    /// or when the database refuses. Nothing is stored then, and a `Tx` refuses to commit.
    ///
    /// # Cancel safety
    ///
    /// A send that was polled and dropped counts as failed: the `Tx` refuses to commit.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use signals_core::{Backend, InTransaction, Result, Signal};
    /// # async fn example<S: Signal, B: Backend, T: InTransaction<B>>(paid: S, reminder: S, tx: &mut T) -> Result<()> {
    /// let receipt = paid.send(tx).idempotency_key("processor/evt_1").await?;
    /// println!("signal {} has {} deliveries", receipt.signal_id, receipt.deliveries);
    ///
    /// reminder.send(tx).after(Duration::from_secs(3 * 24 * 60 * 60)).await?; // in three days
    /// # Ok(())
    /// # }
    /// ```
    fn send<'t, B, T>(&self, tx: &'t mut T) -> Sending<'t>
    where
        B: Backend,
        T: InTransaction<B> + ?Sized,
    {
        Sending::new(Outgoing::new(self), tx)
    }
}

/// Where in the source something was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// `module_path!()`: its first part is the crate.
    pub module: &'static str,
    /// `file!()`.
    pub file: &'static str,
    /// `line!()`.
    pub line: u32,
}

impl Location {
    /// The crate that the declaration is in.
    #[must_use]
    pub fn krate(&self) -> &'static str {
        self.module.split("::").next().unwrap_or(self.module)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What `#[signal]` says of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalDef {
    /// Its stable dotted name.
    pub name: &'static str,
    /// Names that it had before.
    pub aliases: &'static [&'static str],
    /// The version of its payload; 1 unless declared.
    pub version: u32,
    /// Whether a send to no receiver is expected.
    pub allow_unheard: bool,
    /// Where it was declared.
    pub location: Location,
}

impl SignalDef {
    /// A signal named `name`, version 1, declared at `location`.
    #[must_use]
    pub const fn new(name: &'static str, location: Location) -> Self {
        Self { name, aliases: &[], version: 1, allow_unheard: false, location }
    }

    /// With the names that it had before.
    #[must_use]
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// With another version than 1.
    #[must_use]
    pub const fn version(self, version: u32) -> Self {
        Self { version, ..self }
    }

    /// With no warning when nobody receives it.
    #[must_use]
    pub const fn allow_unheard(self) -> Self {
        Self { allow_unheard: true, ..self }
    }

    /// Its name and its aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}
