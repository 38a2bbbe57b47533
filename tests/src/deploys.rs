//! Names over time: what becomes of deliveries while releases add, rename, remove and retire receivers, raise the version
//! of a payload or rename a signal, and while they are rolled back (I12, I14, I15, W16, E2–E5).
//!
//! A case is a `Change`: builds of one application, oldest first, and which of their names are one receiver. `story.rs`
//! deploys and rolls them back in every order, sends from each that lives, lets their workers run, and compares what the
//! database shows with what the promises say. A failure names the change, the order and the steps so far.

mod story;

use signals_core::payload::decode;
use signals_core::{Body, Context, Error, Location, ReceiverDef, RunError, Signal};

use crate::fixtures::{Paid, PaidV2, Refunded, Settled, receiver};
use crate::stage::Stage;
use crate::{Db, Harness};
use story::{Build, Change, Program, Sends, unfold};

/// A receiver of `S` that reads its payload and tells the [`Stage`].
const fn staged<S: Signal>(name: &'static str, aliases: &'static [&'static str]) -> ReceiverDef {
    let def = receiver(name, aliases, S::DEF);
    let here = Location { module: module_path!(), file: file!(), line: line!() };
    ReceiverDef { declare: |needs| needs.state::<Stage>(), body: Body::Blocking(perform::<S>), location: here, ..def }
}

fn perform<S: Signal>(bytes: &[u8], context: &Context) -> Result<(), RunError> {
    decode::<S>(bytes, usize::MAX).map_err(RunError::Undecodable)?;
    Stage::note(context);
    Ok(())
}

static SHIP: ReceiverDef = staged::<Paid>("orders.ship", &[]);
static MAIL: ReceiverDef = staged::<Paid>("receipts.mail", &[]);
static DISPATCH: ReceiverDef = staged::<Paid>("orders.dispatch", &["orders.ship"]);
static DISPATCH_ALONE: ReceiverDef = staged::<Paid>("orders.dispatch", &[]);
static POST: ReceiverDef = staged::<Paid>("orders.post", &["orders.dispatch", "orders.ship"]);
static SHIP_V2: ReceiverDef = staged::<PaidV2>("orders.ship", &[]);
static DISPATCH_V2: ReceiverDef = staged::<PaidV2>("orders.dispatch", &["orders.ship"]);
static SHIP_SETTLED: ReceiverDef = staged::<Settled>("orders.ship", &[]);
static BOOK_SETTLED: ReceiverDef = staged::<Settled>("books.enter", &[]);
static SHIP_REFUNDS: ReceiverDef = staged::<Refunded>("orders.ship", &[]);

/// A build that sends [`Paid`] and retires nothing.
const fn build(links: &'static [&'static ReceiverDef]) -> Build {
    Build { links, retires: &[], sends: Sends::Paid }
}

/// W16, E3: whoever sends, it reaches the receiver from the moment that this is registered; an old worker leaves its
/// deliveries alone.
pub async fn w16_e3_an_added_receiver_gets_every_signal_sent_since_it_was_registered<H: Harness>(db: Db<H>) {
    static CHANGE: Change = Change {
        what: "added",
        builds: &[build(&[&SHIP]), build(&[&SHIP, &MAIL])],
        receivers: &[&["orders.ship"], &["receipts.mail"]],
    };
    unfold(db, &CHANGE).await;
}

/// W16, E2: one id and one delivery for both names, whoever registers, sends and runs.
pub async fn w16_e2_a_receiver_renamed_with_its_alias_is_one_receiver_in_every_order<H: Harness>(db: Db<H>) {
    static CHANGE: Change = Change {
        what: "renamed",
        builds: &[build(&[&SHIP, &MAIL]), build(&[&DISPATCH, &MAIL])],
        receivers: &[&["orders.ship", "orders.dispatch"], &["receipts.mail"]],
    };
    unfold(db, &CHANGE).await;
}

/// W16, E2: and for three.
pub async fn w16_e2_a_receiver_renamed_twice_is_one_receiver_in_every_order<H: Harness>(db: Db<H>) {
    static CHANGE: Change = Change {
        what: "renamed twice",
        builds: &[build(&[&SHIP]), build(&[&DISPATCH]), build(&[&POST])],
        receivers: &[&["orders.ship", "orders.dispatch", "orders.post"]],
    };
    unfold(db, &CHANGE).await;
}

/// I15, E2: without the alias it is another receiver, and what waits for the old name is parked, not lost.
pub async fn i15_e2_what_waits_for_a_name_that_was_given_up_is_parked_and_not_lost<H: Harness>(db: Db<H>) {
    static CHANGE: Change = Change {
        what: "renamed without an alias",
        builds: &[build(&[&SHIP]), build(&[&DISPATCH_ALONE])],
        receivers: &[&["orders.ship"], &["orders.dispatch"]],
    };
    unfold(db, &CHANGE).await;
}

/// W16, E4: a receiver that the new build does not link waits for one that does.
pub async fn w16_e4_a_removed_receiver_waits_for_a_build_that_knows_it<H: Harness>(db: Db<H>) {
    static CHANGE: Change = Change {
        what: "removed",
        builds: &[build(&[&SHIP, &MAIL]), build(&[&SHIP])],
        receivers: &[&["orders.ship"], &["receipts.mail"]],
    };
    unfold(db, &CHANGE).await;
}

/// I14, W16: retired wins over linked, also after a rollback; what was sent before is run by a build that links it, and shown until then.
pub async fn i14_w16_a_retired_receiver_gets_nothing_more_and_what_waited_is_kept<H: Harness>(db: Db<H>) {
    static CHANGE: Change = Change {
        what: "retired",
        builds: &[build(&[&SHIP, &MAIL]), Build { retires: &["receipts.mail"], ..build(&[&SHIP]) }],
        receivers: &[&["orders.ship"], &["receipts.mail"]],
    };
    unfold(db, &CHANGE).await;
}

/// W16, E5: each version waits for a build that reads it, and is never decoded by another.
pub async fn w16_e5_each_version_of_a_payload_waits_for_a_build_that_knows_it<H: Harness>(db: Db<H>) {
    static CHANGE: Change = Change {
        what: "version raised",
        builds: &[build(&[&SHIP]), Build { sends: Sends::PaidV2, ..build(&[&SHIP_V2]) }],
        receivers: &[&["orders.ship"]],
    };
    unfold(db, &CHANGE).await;
}

/// W16, E2, E5: both at once.
pub async fn w16_e5_a_receiver_may_be_renamed_while_its_payloads_version_is_raised<H: Harness>(db: Db<H>) {
    static CHANGE: Change = Change {
        what: "renamed and version raised",
        builds: &[build(&[&SHIP]), Build { sends: Sends::PaidV2, ..build(&[&DISPATCH_V2]) }],
        receivers: &[&["orders.ship", "orders.dispatch"]],
    };
    unfold(db, &CHANGE).await;
}

/// W16, I15: a signal under two names is one signal, for receivers of either build.
pub async fn w16_i15_a_renamed_signal_reaches_everybody_in_every_order<H: Harness>(db: Db<H>) {
    static CHANGE: Change = Change {
        what: "signal renamed",
        builds: &[build(&[&SHIP, &MAIL]), Build { sends: Sends::Settled, ..build(&[&SHIP_SETTLED, &BOOK_SETTLED]) }],
        receivers: &[&["orders.ship"], &["receipts.mail"], &["books.enter"]],
    };
    unfold(db, &CHANGE).await;
}

/// I15, E2: a name has one signal, whoever comes first; the refused build changes nothing for the other.
pub async fn i15_e2_a_receiver_moved_to_another_signal_is_refused_in_both_orders<H: Harness>(db: Db<H>) {
    // The second order with other names: the database is the same.
    static REFUND: ReceiverDef = staged::<Refunded>("books.refund", &[]);
    static REFUND_PAID: ReceiverDef = staged::<Paid>("books.refund", &[]);
    static KEPT: Build = build(&[&SHIP, &MAIL]);
    static MOVED: Build = build(&[&SHIP_REFUNDS]);
    static FIRST: Build = build(&[&REFUND]);
    static SECOND: Build = build(&[&REFUND_PAID]);
    for (stays, refused) in [(&KEPT, &MOVED), (&FIRST, &SECOND)] {
        let stays = Program::of(&db, stays);
        stays.signals.register().await.expect("whoever comes first registers");
        let before = db.store.receivers().await.expect("lists");
        let error = Program::of(&db, refused).signals.register().await.expect_err("another signal");
        assert!(matches!(error, Error::NameTaken { .. }), "{error:?}");
        assert_eq!(before, db.store.receivers().await.expect("lists"));
    }
    let stays = Program::of(&db, &KEPT);
    assert_eq!(stays.send().await.deliveries, 2);
    assert_eq!((stays.drain().await.done, stays.parked().await.len()), (2, 0));
}
