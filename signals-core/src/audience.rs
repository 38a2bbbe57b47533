//! Whom a send addresses (I14): a rule without a database.
//!
//! The memory backend follows it, and the model checker in `tests/check` walks it through what can happen around a send. The
//! other backends have it in their statements, and are held to it by the conformance cases named `i14_`.

/// A receiver that is registered for a signal, as the send's snapshot shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener<R> {
    /// Who it is in this database, whatever name it goes by.
    pub receiver: R,
    /// Sends pass it by.
    pub retired: bool,
}

/// The audience of a signal: everybody who is `registered` for it and not retired, whatever the sending program links.
///
/// What that links, each with who it is in this database if it is anybody there, decides whether it may send at all: a
/// receiver that is not registered for this signal would be passed by without a word. One that is retired is registered.
///
/// # Errors
///
/// Returns those of `linked` that are not registered: the send must store nothing, and name them.
///
/// # Examples
///
/// ```
/// use signals_core::audience::{self, Listener};
///
/// let registered = [Listener { receiver: 1, retired: false }, Listener { receiver: 2, retired: true }];
/// assert_eq!(audience::of(&registered, [("complete_order", Some(1))]), Ok(vec![1]));
/// assert_eq!(audience::of(&registered, [("complete_order", Some(1)), ("mail_receipt", None)]), Err(vec!["mail_receipt"]));
/// ```
pub fn of<R: Copy + PartialEq, L>(
    registered: &[Listener<R>],
    linked: impl IntoIterator<Item = (L, Option<R>)>,
) -> Result<Vec<R>, Vec<L>> {
    let is_registered = |receiver: R| registered.iter().any(|listener| listener.receiver == receiver);
    let missing = linked.into_iter().filter(|(_, receiver)| !receiver.is_some_and(is_registered));
    let missing: Vec<L> = missing.map(|(linked, _)| linked).collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    Ok(registered.iter().filter(|listener| !listener.retired).map(|listener| listener.receiver).collect())
}
