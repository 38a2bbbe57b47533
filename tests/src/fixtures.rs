//! Signals and receivers of the suite, written by hand: the suite tests backends, not attributes.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use signals_core::{Body, Location, ReceiverDef, ReceiverOptions, Signal, SignalDef};

use crate::hostile::Value;

const HERE: Location = Location { module: module_path!(), file: file!(), line: line!() };

macro_rules! signal {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty),* $(,)? } = $def:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub struct $name { $($(#[$field_doc])* pub $field: $ty,)* }

        impl Signal for $name {
            const DEF: &'static SignalDef = &$def;
        }
    };
}

signal! {
    /// An order was paid.
    Paid {
        /// The order.
        order: i64,
    } = SignalDef::new("shop.paid", HERE)
}

signal! {
    /// The second version of [`Paid`].
    PaidV2 {
        /// The order, by a text by now.
        order: String,
    } = SignalDef::new("shop.paid", HERE).version(2)
}

signal! {
    /// What [`Paid`] was renamed to.
    Settled {
        /// The order.
        order: i64,
    } = SignalDef::new("shop.settled", HERE).aliases(&["shop.paid"])
}

signal! {
    /// Another signal.
    Refunded {
        /// The order.
        order: i64,
    } = SignalDef::new("shop.refunded", HERE)
}

signal! {
    /// A signal of any shape.
    Anything {
        /// JSON, passed on as it is.
        json: Box<RawValue>,
    } = SignalDef::new("shop.anything", HERE)
}

signal! {
    /// A signal whose fields have the names that a framework likes for its own.
    Framework {
        /// A field.
        id: i64,
        /// A field.
        signal: String,
        /// A field.
        receiver: String,
        /// A field.
        token: u64,
        /// A field.
        payload: Vec<u8>,
        /// A field.
        attempt: Option<u32>,
        /// A field.
        life: (),
    } = SignalDef::new("shop.framework", HERE)
}

signal! {
    /// A signal with a float.
    Measured {
        /// The value.
        value: f64,
    } = SignalDef::new("shop.measured", HERE)
}

signal! {
    /// A signal with values that lossy encodings lose.
    Precious {
        /// With NUL in it.
        text: String,
        /// Above `i64::MAX`.
        large: u64,
        /// Below `i64::MIN`.
        huge: i128,
        /// A pair.
        pair: (i8, String),
        /// Integer keys.
        by_number: std::collections::BTreeMap<u32, String>,
        /// Money, as a text of digits.
        amount: String,
        /// A float with all its digits.
        ratio: f64,
    } = SignalDef::new("shop.precious", HERE)
}

signal! {
    /// A signal with a value of any shape.
    Sample {
        /// The value.
        value: Value,
    } = SignalDef::new("shop.sample", HERE)
}

/// A receiver of `signal` that does nothing.
#[must_use]
pub const fn receiver(name: &'static str, aliases: &'static [&'static str], signal: &'static SignalDef) -> ReceiverDef {
    ReceiverDef {
        name,
        aliases,
        signal,
        options: ReceiverOptions::DEFAULT,
        declare: |_| {},
        body: Body::Blocking(|_, _| Ok(())),
        location: HERE,
    }
}

/// Ships what was paid.
pub static SHIP: ReceiverDef = receiver("orders.ship", &[], Paid::DEF);
/// Mails a receipt for what was paid.
pub static MAIL: ReceiverDef = receiver("receipts.mail", &[], Paid::DEF);
/// [`SHIP`] of a later build, for the second version of its signal.
pub static SHIP_V2: ReceiverDef = receiver("orders.ship", &[], PaidV2::DEF);
/// What [`SHIP`] was renamed to.
pub static DISPATCH: ReceiverDef = receiver("orders.dispatch", &["orders.ship"], Paid::DEF);
/// [`DISPATCH`] of a build that has forgotten the old name.
pub static DISPATCH_ALONE: ReceiverDef = receiver("orders.dispatch", &[], Paid::DEF);
/// What both were renamed to later on.
pub static DELIVER: ReceiverDef = receiver("orders.deliver", &["orders.dispatch", "orders.ship"], Paid::DEF);
/// [`DELIVER`] of a build that knows no older name.
pub static DELIVER_ALONE: ReceiverDef = receiver("orders.deliver", &[], Paid::DEF);
/// A receiver with the name of [`SHIP`] for another signal.
pub static SHIP_REFUNDS: ReceiverDef = receiver("orders.ship", &[], Refunded::DEF);
/// The same with the name as an alias.
pub static DISPATCH_REFUNDS: ReceiverDef = receiver("orders.dispatch", &["orders.ship"], Refunded::DEF);
/// [`SHIP`] of a build that has renamed its signal.
pub static SHIP_SETTLED: ReceiverDef = receiver("orders.ship", &[], Settled::DEF);
/// A receiver of the renamed signal.
pub static BOOK_SETTLED: ReceiverDef = receiver("books.enter", &[], Settled::DEF);
/// Books refunds.
pub static BOOK: ReceiverDef = receiver("books.refund", &[], Refunded::DEF);
/// Receives anything.
pub static ARCHIVE: ReceiverDef = receiver("archive.store", &[], Anything::DEF);
/// Receives [`Framework`].
pub static CONFUSE: ReceiverDef = receiver("archive.confuse", &[], Framework::DEF);
/// Receives [`Measured`].
pub static PLOT: ReceiverDef = receiver("charts.plot", &[], Measured::DEF);
/// Receives [`Precious`].
pub static KEEP: ReceiverDef = receiver("vault.keep", &[], Precious::DEF);

/// Receives [`Sample`].
pub static ASSAY: ReceiverDef = receiver("lab.assay", &[], Sample::DEF);

/// A payment for `order`.
#[must_use]
pub const fn paid(order: i64) -> Paid {
    Paid { order }
}

/// A signal with this JSON in it.
///
/// # Panics
///
/// Panics when it is not well-formed.
#[must_use]
pub fn anything(json: impl Into<String>) -> Anything {
    Anything { json: RawValue::from_string(json.into()).expect("the fixture is well-formed") }
}
