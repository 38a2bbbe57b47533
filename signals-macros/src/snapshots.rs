//! What the attributes generate, as snapshots: a change of the expansion is a change that somebody has read.

use quote::quote;

use crate::receiver::receiver;
use crate::signal::signal;

fn pretty(expansion: proc_macro2::TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(expansion).expect("an expansion is Rust"))
}

#[test]
fn signal_default() {
    let expansion = signal(
        quote!(),
        quote! {
            pub struct PaymentCompleted { pub payment_id: i64, pub succeeded: bool }
        },
    );
    insta::assert_snapshot!(pretty(expansion));
}

#[test]
fn signal_with_everything() {
    let options = quote! {
        name = "payments.completed", version = 2, aliases = ["payments.PaymentCompleted"], allow_unheard, crate = acme::signals
    };
    let expansion = signal(
        options,
        quote! {
            #[cfg(feature = "payments")]
            #[derive(Debug, serde::Serialize)]
            pub enum PaymentCompleted { Paid(i64), Refused }
        },
    );
    insta::assert_snapshot!(pretty(expansion));
}

#[test]
fn receiver_minimal() {
    let expansion = receiver(
        quote!(signal = PaymentCompleted),
        quote! {
            async fn complete_order(payment: &PaymentCompleted) {}
        },
    );
    insta::assert_snapshot!(pretty(expansion));
}

#[test]
fn receiver_with_everything() {
    let options = quote! {
        signal = payments::PaymentCompleted,
        name = "orders.fulfil",
        aliases = ["orders.receivers.fulfil_order"],
        max_attempts = 12,
        backoff(initial = "250ms", factor = 2.5, max = "1h"),
        timeout = "30s",
        concurrency = 8,
        crate = acme::signals,
    };
    let expansion = receiver(
        options,
        quote! {
            #[cfg(feature = "orders")]
            pub(crate) async fn fulfil_order(
                PaymentCompleted { id, .. }: PaymentCompleted,
                State(mailer): State<Mailer>,
                delivery: &Delivery,
            ) -> Result<(), OrderError> {
                mailer.send(id, delivery).await
            }
        },
    );
    insta::assert_snapshot!(pretty(expansion));
}

#[test]
fn receiver_blocking() {
    let expansion = receiver(
        quote!(signal = PaymentCompleted, backoff(factor = 3)),
        quote! {
            pub fn r#type(payment: PaymentCompleted, delivery: Delivery) -> anyhow::Result<()> { Ok(()) }
        },
    );
    insta::assert_snapshot!(pretty(expansion));
}

#[test]
fn receiver_with_a_mutable_extractor() {
    let expansion = receiver(
        quote!(signal = PaymentCompleted),
        quote! {
            async fn complete_order(payment: &PaymentCompleted, tx: &mut PgTx) -> Result<(), OrderError> { Ok(()) }
        },
    );
    insta::assert_snapshot!(pretty(expansion));
}

#[test]
fn receiver_with_mistakes_keeps_the_function_and_the_type() {
    let expansion = receiver(
        quote!(timeout = "soon"),
        quote! {
            async fn complete_order(payment: &PaymentCompleted) {}
        },
    );
    insta::assert_snapshot!(pretty(expansion));
}
