//! `State<T>`: what the application gave to its workers.

use std::any::type_name;
use std::ops::{Deref, DerefMut};

use signals_core::{Context, ExtractError, FromContext, Needs};

/// A clone of the `T` that was given to the worker with [`state`](crate::WorkerBuilder::state).
///
/// A worker whose receivers need a state that it was not given is not built.
///
/// ```standalone_crate
/// # use signals_runtime::{State, receiver, signal};
/// # #[signal] pub struct PaymentCompleted { pub payment_id: i64 }
/// #[derive(Clone)]
/// struct Mailer;
///
/// #[receiver(signal = PaymentCompleted)]
/// async fn mail_receipt(payment: &PaymentCompleted, State(mailer): State<Mailer>) {
///     let Mailer = mailer;
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State<T>(pub T);

impl<T: Clone + Send + Sync + 'static> FromContext for State<T> {
    fn from_context(context: &Context) -> Result<Self, ExtractError> {
        let state = context.state::<T>().cloned().map(Self);
        state.ok_or_else(|| ExtractError::new(format!("the worker was given no `{}`", type_name::<T>())))
    }

    fn declare(needs: &mut Needs) {
        needs.state::<T>();
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for State<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
