use std::cell::Cell;

use signals_runtime::{Context, Delivery, ExtractError, FromContext, Needs, Receiver, receiver, signal};

#[signal]
#[derive(Clone)]
struct PaymentCompleted {
    id: i64,
}

struct State<T>(T);

impl<T: Clone + Send + Sync + 'static> FromContext for State<T> {
    fn from_context(context: &Context) -> Result<Self, ExtractError> {
        context.state().cloned().map(Self).ok_or_else(|| ExtractError::new("no such state"))
    }

    fn declare(needs: &mut Needs) {
        needs.state::<T>();
    }
}

/// `Send` but not `Sync`: extracted values live in the future, and are borrowed by `&mut` at most.
struct Steps(Cell<u32>);

impl FromContext for Steps {
    fn from_context(_: &Context) -> Result<Self, ExtractError> {
        Ok(Self(Cell::new(0)))
    }
}

#[receiver(signal = PaymentCompleted)]
async fn all_ways(
    PaymentCompleted { id }: PaymentCompleted,
    State(text): State<String>,
    steps: &mut Steps,
    delivery: &Delivery,
    mut number: State<u8>,
) -> Result<(), std::fmt::Error> {
    steps.0.set(steps.0.get() + 1);
    std::future::ready(()).await;
    number.0 += u8::try_from(text.len()).unwrap_or(u8::MAX);
    let _ = (id, delivery.attempt, number.0);
    Ok(())
}

#[receiver(signal = PaymentCompleted)]
fn blocking(_: &PaymentCompleted, _: State<(u8, String)>, State(_): State<Vec<Option<u8>>>) -> Result<(), String> {
    Err("an error of text".to_owned())
}

fn main() {
    let needs = all_ways::DEF.needs();
    let states: Vec<_> = needs.states().iter().map(|state| state.name).collect();
    assert_eq!(states, [std::any::type_name::<String>(), "u8"]);
    assert_eq!(blocking::DEF.needs().states().len(), 2);
    assert!(blocking::DEF.body.is_blocking());
    let _ = PaymentCompleted { id: 1 }.clone();
}

extern crate signals_core as signals_runtime;
