//! What workers told: one event a line, as `worker` writes them.

use signals_runtime::delivery::DeliveryId;

use crate::{starvation, worker};

/// An outcome that a worker brought to the database: for which delivery, under which token, and when it had its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) delivery: DeliveryId,
    pub(crate) incarnation: u32,
    /// The lower half of the token.
    pub(crate) nth: u32,
    pub(crate) at: i64,
    pub(crate) pid: u32,
}

/// A worker that took a delivery over, or gave it back, and when it told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stolen {
    pub(crate) delivery: DeliveryId,
    pub(crate) at: i64,
    pub(crate) pid: u32,
}

/// When a worker was connected: its process, and the moment, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connected {
    pub(crate) pid: u32,
    pub(crate) incarnation: u32,
    pub(crate) at: i64,
}

/// A worker that waited long, for the write lock or for the machine: until when, and for how long, both in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waited {
    pub(crate) pid: u32,
    pub(crate) until: i64,
    pub(crate) lasted: i64,
}

/// When an event was told, and by which process.
fn told_by(line: &str) -> Option<(i64, u32)> {
    let mut words = line.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// The value of a field of an event.
fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// A worker that has enlisted.
pub(crate) fn connected(line: &str) -> Option<Connected> {
    let (at, pid) = told_by(line)?;
    let incarnation = field(line, "worker").filter(|_| line.contains("worker enlisted"))?;
    Some(Connected { pid, incarnation: u32::from_str_radix(incarnation, 16).ok()?, at })
}

/// An outcome that came too late.
pub(crate) fn refused(line: &str) -> Option<Outcome> {
    outcome(line).filter(|_| line.contains("outcome refused"))
}

/// An acknowledgement that the database took.
pub(crate) fn acknowledged(line: &str) -> Option<Outcome> {
    outcome(line).filter(|_| line.contains("outcome stored") && field(line, "verb") == Some("\"ack\""))
}

/// A delivery that its holder may have given back, to be claimed anew: it did, or nobody knows whether the database heard it.
pub(crate) fn given_back(line: &str) -> Option<Stolen> {
    let (at, pid) = told_by(line)?;
    let (delivery, verb) = (field(line, "delivery")?, field(line, "verb")?);
    let unknown = ["outcome said twice", "could not be stored"];
    let may_be =
        unknown.iter().any(|told| line.contains(told)) || (line.contains("outcome stored") && verb != "\"ack\"");
    may_be.then_some(Stolen { delivery: delivery.parse().ok()?, at, pid })
}

/// A delivery that was taken over.
pub(crate) fn stolen(line: &str) -> Option<Stolen> {
    let (at, pid) = told_by(line)?;
    let delivery = field(line, "delivery").filter(|_| line.contains("stole a delivery"))?;
    Some(Stolen { delivery: delivery.parse().ok()?, at, pid })
}

fn outcome(line: &str) -> Option<Outcome> {
    let (at, pid) = told_by(line)?;
    let (incarnation, nth) = field(line, "token")?.split_once(':')?;
    let incarnation = u32::from_str_radix(incarnation, 16).ok()?;
    Some(Outcome { delivery: field(line, "delivery")?.parse().ok()?, incarnation, nth: nth.parse().ok()?, at, pid })
}

/// A wait, in an event that tells of a long one when it ends.
pub(crate) fn waited(line: &str) -> Option<Waited> {
    lasted(line).filter(|_| line.contains("waited long for the database's write lock"))
}

/// As [`waited`], of a transaction of a receiver's.
pub(crate) fn began(line: &str) -> Option<Waited> {
    lasted(line).filter(|_| line.contains("a transaction waited long to begin"))
}

fn lasted(line: &str) -> Option<Waited> {
    let (until, pid) = told_by(line)?;
    let lasted = field(line, "lasted")?;
    let (number, unit) = lasted.split_at(lasted.find(|c: char| c.is_ascii_alphabetic())?);
    let seconds = number.parse::<f64>().ok()? / if unit.starts_with("ms") { 1e3 } else { 1.0 };
    Some(Waited { pid, until, lasted: (seconds * 1e6) as i64 })
}

/// A process whose worker could not start, or ended with an error.
pub(crate) fn gave_up(line: &str) -> Option<(i64, u32)> {
    told_by(line).filter(|_| line.split(' ').nth(2) == Some(worker::GAVE_UP))
}

/// A gap between two ticks of a process.
pub(crate) fn starved(line: &str) -> Option<Waited> {
    let (until, pid) = told_by(line)?;
    Some(Waited { pid, until, lasted: field(line, starvation::WORD)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_outcome_is_read_from_what_the_worker_told() {
        let line = "1795348718128974 17  WARN signals: outcome refused: stolen, cancelled or settled meanwhile \
                    receiver=\"chaos.plain\" delivery=12.3 token=00ab00cd:17 verb=\"ack\"";
        let found = refused(line).expect("it is one");
        assert_eq!((found.delivery.signal.0, found.delivery.receiver.0), (12, 3));
        assert_eq!((found.incarnation, found.nth, found.pid), (0x00ab_00cd, 17, 17));
        assert_eq!((waited(line), acknowledged(line)), (None, None));
        assert_eq!(refused("1 2  WARN signals: stole a delivery delivery=12.3 token=1:2"), None);
        let stored = "1 2 DEBUG signals: outcome stored receiver=\"chaos.plain\" delivery=12.3 token=1:2 verb=\"ack\"";
        assert!(acknowledged(stored).is_some() && refused(stored).is_none());
        let released = stored.replace("\"ack\"", "\"release\"");
        assert_eq!((acknowledged(&released), given_back(stored)), (None, None));
        assert!(given_back(&released).is_some());
        let unknown =
            "1 2  WARN signals: outcome said twice: the first was stored, or delivery=12.3 token=1:2 verb=\"ack\"";
        assert!(given_back(unknown).is_some() && acknowledged(unknown).is_none());
    }

    #[test]
    fn a_delivery_that_was_taken_over_is_read_from_what_the_worker_told() {
        let line = "5 17  WARN signals: stole a delivery whose lease had expired delivery=12.3 lost_leases=1";
        let Stolen { delivery, at, pid } = stolen(line).expect("it is one");
        assert_eq!((delivery.signal.0, delivery.receiver.0, at, pid), (12, 3, 5, 17));
        assert_eq!(stolen("5 17  WARN signals: outcome refused delivery=12.3 token=1:2"), None);
    }

    #[test]
    fn a_connection_is_read_from_what_the_worker_told() {
        let line = "1795349963678011 3962  INFO signals: worker enlisted worker=43419c69 receivers=1";
        let expected = Connected { pid: 3962, incarnation: 0x4341_9c69, at: 1_795_349_963_678_011 };
        assert_eq!(connected(line), Some(expected));
        assert_eq!(connected(&line.replace("enlisted", "stopped")), None);
    }

    #[test]
    fn a_wait_is_read_from_what_the_worker_told() {
        let line = |lasted| {
            format!("5000000 17  INFO signals: waited long for the database's write lock: many want it lasted={lasted}")
        };
        assert_eq!(waited(&line("1.25s")), Some(Waited { pid: 17, until: 5_000_000, lasted: 1_250_000 }));
        assert_eq!(waited(&line("670.5ms")), Some(Waited { pid: 17, until: 5_000_000, lasted: 670_500 }));
        assert_eq!((starved(&line("1.25s")), began(&line("1.25s"))), (None, None));
        let begin = "5000000 17  INFO signals: a transaction waited long to begin: many write lasted=670.5ms";
        assert_eq!(began(begin), Some(Waited { pid: 17, until: 5_000_000, lasted: 670_500 }));
        assert_eq!(waited(begin), None, "nobody steals later for that");
    }

    #[test]
    fn a_gap_in_which_a_process_could_not_run_is_read_from_what_it_told() {
        assert_eq!((gave_up("5 17 gave_up"), gave_up("5 17 starved_us=1")), (Some((5, 17)), None));
        let line = "5000000 17 starved_us=1250000";
        assert_eq!(starved(line), Some(Waited { pid: 17, until: 5_000_000, lasted: 1_250_000 }));
        assert_eq!(waited(line), None);
    }
}
