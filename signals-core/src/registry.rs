//! The receivers of a program: collected by the linker or listed by hand, checked all at once.

mod build;

use std::collections::BTreeMap;
use std::fmt;

use linkme::distributed_slice;

pub use build::RegistryBuilder;

use crate::store::{ReceiverEntry, Registration, SignalEntry};
use crate::{Error, Location, ReceiverDef, Result, SignalDef};

/// Every signal that is linked into this program.
#[distributed_slice]
pub static SIGNALS: [&'static SignalDef];

/// Every receiver that is linked into this program.
#[distributed_slice]
pub static RECEIVERS: [&'static ReceiverDef];

/// Every `retired!` of this program.
#[distributed_slice]
pub static RETIRED: [Retired];

/// Every crate named in a `link!` of this program.
#[distributed_slice]
pub static LINKED: [Linked];

/// What `retired!` declares.
#[derive(Clone, Copy, Debug)]
pub struct Retired {
    /// The name of the receiver that is gone.
    pub name: &'static str,
    /// Where this is said.
    pub location: Location,
}

/// What `link!` expects.
#[derive(Clone, Copy, Debug)]
pub struct Linked {
    /// The crate that must contribute something.
    pub krate: &'static str,
    /// Where this is said.
    pub location: Location,
}

/// The signals and receivers of one program, free of contradictions.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    signals: BTreeMap<&'static str, &'static SignalDef>,
    receivers: BTreeMap<&'static str, &'static ReceiverDef>,
    retired: Vec<&'static str>,
}

impl Registry {
    /// What is linked into this program.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Registry`] with every problem: names used twice, invalid options, crates named in `link!` that
    /// contributed nothing, receivers that are declared retired and exist.
    pub fn linked() -> Result<Self> {
        let mut builder = Self::builder();
        for &signal in SIGNALS {
            builder = builder.signal_def(signal);
        }
        for &receiver in RECEIVERS {
            builder = builder.receiver_def(receiver);
        }
        for &retired in RETIRED {
            builder = builder.retired_at(retired);
        }
        for &linked in LINKED {
            builder = builder.expect_crate(linked);
        }
        builder.build()
    }

    /// A registry made by hand, for tests and for targets where the linker collects nothing.
    ///
    /// ```standalone_crate
    /// # extern crate signals_core as signals_runtime;
    /// # use signals_runtime::{Registry, receiver, signal};
    /// # #[signal] struct PaymentCompleted {}
    /// # #[receiver(signal = PaymentCompleted)] async fn complete_order(_: PaymentCompleted) {}
    /// # #[receiver(signal = PaymentCompleted)] async fn mail_receipt(_: PaymentCompleted) {}
    /// # fn main() -> signals_runtime::Result<()> {
    /// let registry = Registry::builder().receiver::<complete_order>().receiver::<mail_receipt>().build()?;
    /// assert_eq!(registry.receivers().len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// The receivers, ordered by name.
    pub fn receivers(&self) -> impl ExactSizeIterator<Item = &'static ReceiverDef> + '_ {
        self.receivers.values().copied()
    }

    /// The receiver of this name (not alias).
    #[must_use]
    pub fn receiver(&self, name: &str) -> Option<&'static ReceiverDef> {
        self.receivers.get(name).copied()
    }

    /// The receivers of this signal, by its name in this program, ordered by their names.
    pub fn receivers_of<'r>(&'r self, signal: &'r str) -> impl Iterator<Item = &'static ReceiverDef> + 'r {
        self.receivers().filter(move |receiver| receiver.signal.name == signal)
    }

    /// The signals, those of receivers included, ordered by name.
    pub fn signals(&self) -> impl ExactSizeIterator<Item = &'static SignalDef> + '_ {
        self.signals.values().copied()
    }

    /// The names that are declared retired.
    #[must_use]
    pub fn retired(&self) -> &[&'static str] {
        &self.retired
    }

    /// What registering this program stores.
    #[must_use]
    pub fn registration(&self) -> Registration {
        Registration {
            signals: self.signals().map(|def| SignalEntry { name: def.name, aliases: def.aliases }).collect(),
            receivers: self
                .receivers()
                .map(|def| ReceiverEntry { name: def.name, aliases: def.aliases, signal: def.signal.name })
                .collect(),
            retired: self.retired.clone(),
        }
    }
}

/// Everything that is wrong with a program's declarations, or with a worker: at least one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Ok when there are none.
    ///
    /// # Errors
    ///
    /// Returns them otherwise, in a stable order.
    pub fn check(mut problems: Vec<Problem>) -> Result<(), Self> {
        problems.sort_by(|a, b| a.text.cmp(&b.text));
        problems.dedup();
        if problems.is_empty() { Ok(()) } else { Err(Self(problems)) }
    }

    /// The problems.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Problem> {
        self.0.iter()
    }

    /// The problems, to add others to them.
    #[must_use]
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => only.fmt(f),
            many => {
                write!(f, "{} problems:", many.len())?;
                many.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
            }
        }
    }
}

impl std::error::Error for Problems {}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Registry(problems)
    }
}

/// One problem: what is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    text: String,
}

impl Problem {
    /// A problem, said in one sentence that ends in the way out.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Loads crates that are used for their receivers alone, and checks at start-up that each contributed something.
///
/// The linker drops nothing from a crate that the source mentions, and everything from one that only `Cargo.toml` does.
/// Write it once, in `main.rs`. A dependency that `Cargo.toml` renames is written `real_name as name_here`.
///
/// ```standalone_crate
/// # extern crate self as orders;
/// # extern crate self as receipts;
/// # extern crate self as billing;
/// # extern crate signals_core as signals_runtime;
/// signals_runtime::link!(orders, receipts, acme_billing as billing);
/// # fn main() {}
/// ```
///
/// It checks what it names. What nobody named is found by `[lints.rust] unused_crate_dependencies = "warn"` in the manifest
/// of the binary: a dependency that is there for its receivers, and is in no `link!`, is an unused one.
#[macro_export]
macro_rules! link {
    ($($krate:ident $(as $local:ident)?),+ $(,)?) => {
        $($crate::__link_one!($krate $($local)?);)+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __link_one {
    ($krate:ident) => {
        $crate::__link_one!($krate $krate);
    };
    ($krate:ident $local:ident) => {
        const _: () = {
            #[allow(unused_imports)]
            use $local as _;
            #[$crate::__private::linkme::distributed_slice($crate::__private::LINKED)]
            #[linkme(crate = $crate::__private::linkme)]
            static LINKED: $crate::__private::Linked = $crate::__private::Linked {
                krate: ::core::stringify!($krate),
                location: $crate::__here!(),
            };
        };
    };
}

/// Declares that receivers of earlier builds are gone: `register()` retires them, and sends pass them by.
///
/// Their pending deliveries stay, and are shown as parked until a build that knows them runs or somebody cancels them.
///
/// ```
/// # extern crate signals_core as signals_runtime;
/// signals_runtime::retired!("orders.fulfil_v1", "orders.fulfil_v2");
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! retired {
    ($($name:literal),+ $(,)?) => {
        $(const _: () = {
            #[$crate::__private::linkme::distributed_slice($crate::__private::RETIRED)]
            #[linkme(crate = $crate::__private::linkme)]
            static RETIRED: $crate::__private::Retired = $crate::__private::Retired {
                name: $crate::__private::of_retired($name),
                location: $crate::__here!(),
            };
        };)+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __here {
    () => {
        $crate::__private::Location { module: ::core::module_path!(), file: ::core::file!(), line: ::core::line!() }
    };
}
