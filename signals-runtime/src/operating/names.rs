//! Receivers by name, and what a name that nobody has may have been meant to be.

use signals_core::delivery::ReceiverId;
use signals_core::store::{ReceiverInfo, Store};
use signals_core::{Error, Result};

/// How many names are proposed.
const NEAR: usize = 3;

/// The most bytes of an actor's name.
const MOST_BYTES: usize = 200;

/// I2: what is decided is decided by somebody with a name.
pub(super) fn actor(name: &str) -> Result<()> {
    let named = !name.trim().is_empty() && name.len() <= MOST_BYTES && !name.contains('\0');
    named.then_some(()).ok_or(Error::ActorInvalid)
}

/// The receiver of this name or alias.
pub(super) async fn receiver(store: &dyn Store, name: &str) -> Result<ReceiverId> {
    let receivers = store.receivers().await?;
    let known = receivers.iter().find(|receiver| names(receiver).any(|known| known == name));
    known.map(|receiver| receiver.id).ok_or_else(|| Error::UnknownReceiver {
        receiver: name.to_owned(),
        near: nearest(name, receivers.iter().flat_map(names)),
    })
}

fn names(receiver: &ReceiverInfo) -> impl Iterator<Item = &str> {
    std::iter::once(&*receiver.name).chain(receiver.aliases.iter().map(String::as_str))
}

/// Names that contain `name`, and those that differ from it by a few letters, nearest first.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Vec<String> {
    let near = |known: &str| {
        let distance = if known.contains(name) { 0 } else { distance(name, known) };
        (distance <= 2.max(name.chars().count() / 4)).then_some(distance)
    };
    let mut found: Vec<_> = known.filter_map(|known| Some((near(known)?, known))).collect();
    found.sort_unstable();
    found.into_iter().take(NEAR).map(|(_, known)| known.to_owned()).collect()
}

/// How many letters must be put in, taken out or replaced to make `b` of `a` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_those_that_contain_it_or_differ_by_a_slip() {
        let known = ["receipts.mail", "orders.ship", "receipts.print", "books.refund"];
        let near = |name| nearest(name, known.into_iter());
        assert_eq!(near("mail"), ["receipts.mail"]);
        assert_eq!(near("orders.shpi"), ["orders.ship"]);
        assert_eq!(near("receipts."), ["receipts.mail", "receipts.print"]);
        assert_eq!(near("warehouse.pack"), Vec::<String>::new());
    }

    #[test]
    fn a_distance_counts_letters() {
        assert_eq!([distance("", "abc"), distance("abc", "abc"), distance("kitten", "sitting")], [3, 0, 3]);
    }
}
