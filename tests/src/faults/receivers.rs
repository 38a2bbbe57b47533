//! The signals of the story, and the receivers, which write down that they ran.

use std::marker::PhantomData;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use signals_core::payload::decode;
use signals_core::retry::Backoff;
use signals_core::{
    Body, BoxError, BoxFuture, Context, Discard, FromContext, Location, Receiver, ReceiverDef, ReceiverOptions,
    Registry, RetryAfter, RunError, Signal, SignalDef, Snooze,
};
use signals_runtime::Tx;

use super::{Ground, Meter};

const HERE: Location = Location { module: module_path!(), file: file!(), line: line!() };

/// Whoever fails begins again at once: what the story waits for is leases alone. A third of the lease is what a database with
/// one writer allows a transactional receiver.
const OPTIONS: ReceiverOptions = ReceiverOptions::DEFAULT
    .max_attempts(20)
    .timeout(Duration::from_millis(600))
    .backoff(Backoff { initial: Duration::from_millis(1), factor: 1.0, max: Duration::from_millis(1) });

macro_rules! signal {
    ($(#[$doc:meta])* $name:ident = $as:literal) => {
        $(#[$doc])*
        #[derive(Debug, Serialize, Deserialize)]
        pub(super) struct $name {
            pub(super) number: i64,
        }

        impl Signal for $name {
            const DEF: &'static SignalDef = &SignalDef::new($as, HERE);
        }
    };
}

signal! {
    /// An order was placed.
    Ordered = "faults.ordered"
}
signal! {
    /// An order was booked, by the transactional receiver of [`Ordered`].
    Booked = "faults.booked"
}
signal! {
    /// Sent in bulk, and later.
    Reminded = "faults.reminded"
}
signal! {
    /// What its receiver refuses in its first life.
    Audited = "faults.audited"
}

/// What plain receivers did: their name, and the number of their signal.
#[derive(Clone, Debug, Default)]
pub(super) struct Ran(Arc<Mutex<Did>>);

#[derive(Debug, Default)]
struct Did {
    ran: Vec<(&'static str, i64)>,
    has_dozed: bool,
}

impl Ran {
    /// All of it, in order.
    pub(super) fn sorted(&self) -> Vec<(&'static str, i64)> {
        let mut all = self.lock().ran.clone();
        all.sort_unstable();
        all
    }

    fn add(&self, receiver: &'static str, number: i64) {
        self.lock().ran.push((receiver, number));
    }

    /// Whether it is the first time that this is asked.
    fn dozes(&self) -> bool {
        !mem::replace(&mut self.lock().has_dozed, true)
    }

    fn lock(&self) -> MutexGuard<'_, Did> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everybody who receives in the story.
pub(super) fn registry<G: Ground>() -> Registry {
    linking(vec![Book::<G>::DEF, &MAIL, &FALTER, &CONFIRM, &REMIND, &AUDIT, &DOZE, &HOLD])
}

/// A build that links these.
pub(super) fn linking(receivers: Vec<&'static ReceiverDef>) -> Registry {
    receivers
        .into_iter()
        .fold(Registry::builder(), |builder, def| builder.receiver_def(def))
        .build()
        .expect("the receivers do not contradict each other")
}

/// The transactional one: a business row of its own, and a signal, in the transaction of its acknowledgement.
struct Book<G>(PhantomData<G>);

impl<G: Ground> Receiver for Book<G> {
    type Signal = Ordered;
    const DEF: &'static ReceiverDef = &ReceiverDef::new::<Self>("faults.book", HERE, Body::Async(book::<G>))
        .declare(<Tx<G::Backend> as FromContext>::declare)
        .options(OPTIONS);
}

fn book<'a, G: Ground>(bytes: &'a [u8], context: &'a Context) -> BoxFuture<'a, Result<(), RunError>> {
    Box::pin(async move {
        let Ordered { number } = decode(bytes, usize::MAX).map_err(RunError::Undecodable)?;
        let mut tx = Tx::<G::Backend>::from_context(context).map_err(RunError::Extract)?;
        let booked = async {
            G::note(&mut tx, "booked", number).await?;
            Booked { number }.send(&mut tx).await
        };
        booked.await.map(drop).map_err(|error| RunError::Failed(error.into()))
    })
}

macro_rules! plain {
    ($(#[$doc:meta])* $def:ident = $name:literal $(once $alias:literal)?, $signal:ty, |$context:ident| $outcome:expr) => {
        $(#[$doc])*
        pub(super) static $def: ReceiverDef = ReceiverDef {
            name: $name,
            aliases: &[$($alias)?],
            signal: <$signal>::DEF,
            options: OPTIONS,
            declare: |needs| needs.state::<Ran>(),
            body: Body::Blocking(|bytes, context| {
                let signal: $signal = decode(bytes, usize::MAX).map_err(RunError::Undecodable)?;
                let $context = context;
                let outcome: Result<(), BoxError> = $outcome;
                outcome.map_err(RunError::Failed)?;
                context.state::<Ran>().expect("every worker of the story has it").add($name, signal.number);
                Ok(())
            }),
            location: HERE,
        };
    };
}

plain! {
    /// A plain one.
    MAIL = "faults.mail", Ordered, |_context| Ok(())
}
plain! {
    /// Fails the first time, and is begun again at once.
    FALTER = "faults.falter", Ordered, |context| {
        if context.delivery().attempt == 1 { Err(RetryAfter(Duration::ZERO).into()) } else { Ok(()) }
    }
}
plain! {
    /// Receives what the transactional one has sent.
    CONFIRM = "faults.confirm", Booked, |_context| Ok(())
}
plain! {
    /// Receives what is sent in bulk, and later.
    REMIND = "faults.remind", Reminded, |_context| Ok(())
}
plain! {
    /// Refuses, until somebody retries it by hand.
    AUDIT = "faults.audit", Audited, |context| {
        if context.delivery().life == 0 { Err(Discard.into()) } else { Ok(()) }
    }
}
plain! {
    /// What [`MAIL`] was called in an old build.
    POST = "faults.post", Ordered, |_context| Ok(())
}
plain! {
    /// [`MAIL`] in a build that knows so.
    MAIL_ONCE_POST = "faults.mail" once "faults.post", Ordered, |_context| Ok(())
}
plain! {
    /// Asks for another time, once.
    DOZE = "faults.doze", Audited, |context| {
        let ran = context.state::<Ran>().expect("every worker of the story has it");
        if ran.dozes() { Err(Snooze(Duration::from_millis(1)).into()) } else { Ok(()) }
    }
}

/// Runs until its worker has given something back, while what shall be cut has not come: so leases are renewed, and the first
/// worker has something to give back when it is asked to stop.
static HOLD: ReceiverDef = ReceiverDef {
    name: "faults.hold",
    aliases: &[],
    signal: Audited::DEF,
    options: OPTIONS.timeout(LONGEST),
    declare: |needs| {
        needs.state::<Ran>();
        needs.state::<Arc<Meter>>();
    },
    body: Body::Async(hold),
    location: HERE,
};

/// The longest that [`HOLD`] runs: a few leases.
const LONGEST: Duration = Duration::from_secs(10);

fn hold<'a>(bytes: &'a [u8], context: &'a Context) -> BoxFuture<'a, Result<(), RunError>> {
    Box::pin(async move {
        let Audited { number } = decode(bytes, usize::MAX).map_err(RunError::Undecodable)?;
        let meter = context.state::<Arc<Meter>>().expect("every worker of the story has it");
        while meter.is_waiting() && !meter.has_said("release", 1) {
            // tidy: not a wait: the pause between two looks at a condition, and the receiver has a time-out
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        context.state::<Ran>().expect("every worker of the story has it").add("faults.hold", number);
        Ok(())
    })
}
