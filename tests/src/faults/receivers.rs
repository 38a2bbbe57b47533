//! The signals of the story, and the receivers, which write down that they ran.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use signals_core::payload::decode;
use signals_core::retry::Backoff;
use signals_core::{
    Body, BoxError, BoxFuture, Context, Discard, FromContext, Location, Receiver, ReceiverDef, ReceiverOptions,
    Registry, RetryAfter, RunError, Signal, SignalDef,
};
use signals_runtime::Tx;

use super::Ground;

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
pub(super) struct Ran(Arc<Mutex<Vec<(&'static str, i64)>>>);

impl Ran {
    pub(super) fn all(&self) -> Vec<(&'static str, i64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, receiver: &'static str, number: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((receiver, number));
    }
}

/// Everybody who receives.
pub(super) fn registry<G: Ground>() -> Registry {
    [Book::<G>::DEF, &MAIL, &FALTER, &CONFIRM, &REMIND, &AUDIT]
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
    ($(#[$doc:meta])* $def:ident = $name:literal, $signal:ty, |$context:ident| $outcome:expr) => {
        $(#[$doc])*
        static $def: ReceiverDef = ReceiverDef {
            name: $name,
            aliases: &[],
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
