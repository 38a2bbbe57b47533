//! What `#[receiver]` generates.
//!
//! As little as possible, in which every obligation is mentioned once, in tokens that the user wrote: the compiler then
//! says each mistake once, and underlines the type that is wrong.

use std::iter;
use std::time::Duration;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};

use super::model::{Body, Model};
use super::options::Options;
use super::signature::{By, Parameter};
use crate::paths;

pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { options, signature, body } = model;
    let (vis, ident) = (&signature.vis, &signature.ident);
    let registration = body.as_ref().map(|body| {
        let items = items(model, body);
        let scope = options.paths.scope(&items);
        quote! {
            #[doc(hidden)]
            #[allow(deprecated)]
            #scope
        }
    });
    quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
        #vis struct #ident {}

        #registration
    }
}

/// What is inside the block.
fn items(model: &Model, body: &Body) -> TokenStream {
    let ident = &model.signature.ident;
    let signal = &body.signal;
    let name = paths::name(model.options.name.as_ref(), ident);
    let location = paths::location();
    let settings = settings(&model.options);

    let extractors: Vec<Ident> = (1..=body.call.extractors.len()).map(|at| format_ident!("__EXTRACTOR_{at}")).collect();
    let types = body.call.extractors.iter().map(|extractor| &extractor.ty);
    let declare = (!extractors.is_empty()).then(|| {
        let needs = local("needs");
        quote! { .declare(|#needs| { #(#extractors.declare(#needs);)* }) }
    });
    let function = function(model, body, &extractors);
    let kind = if model.signature.is_async { quote!(Async) } else { quote!(Blocking) };

    quote! {
        #(const #extractors: __signals::Extractor<#types> = <#types as __signals::FromContext>::EXTRACTOR;)*

        #[diagnostic::do_not_recommend]
        impl __signals::Receiver for #ident {
            type Signal = #signal;
            const DEF: &'static __signals::ReceiverDef =
                &__signals::ReceiverDef::new::<Self>(#name, #location, __signals::Body::#kind(__body)) #settings #declare;
        }

        #function

        #[__signals::linkme::distributed_slice(__signals::RECEIVERS)]
        #[linkme(crate = __signals::linkme)]
        static __RECEIVER: &__signals::ReceiverDef = <#ident as __signals::Receiver>::DEF;
    }
}

/// A local of the generated code, out of reach of the user's.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The function that a worker calls: decodes, extracts, calls the user's.
fn function(model: &Model, body: &Body, extractors: &[Ident]) -> TokenStream {
    let ident = &model.signature.ident;
    let payload = &body.call.payload;
    let payload_type = &payload.ty;
    let [bytes, context, first] = ["bytes", "context", "payload"].map(local);
    let others: Vec<Ident> = (1..=extractors.len()).map(|at| local(&format!("extracted_{at}"))).collect();
    let lets = body.call.extractors.iter().zip(extractors).zip(&others).map(|((parameter, extractor), local)| {
        let mutability = (parameter.by == By::Mut).then(|| quote!(mut));
        quote! { let #mutability #local = __signals::extract(#extractor, #context)?; }
    });
    let arguments = iter::once(payload).chain(&body.call.extractors).zip(iter::once(&first).chain(&others));
    let arguments = arguments.map(|(parameter, local)| pass(parameter, local));
    let awaited = model.signature.is_async.then(|| quote!(.await));
    let call = quote! { #ident(#(#arguments),*) #awaited };
    let result = match &body.call.output {
        None => quote! { #call; __signals::Ok(()) },
        Some(output) => quote! { <#output as __signals::ReceiverOutput>::into_result(#call) },
    };
    let steps = quote! {
        let #first = <#payload_type as __signals::PayloadOf<<#ident as __signals::Receiver>::Signal>>::cast(
            __signals::decode::<#ident>(#bytes)?,
        );
        #(#lets)*
        #result
    };

    if model.signature.is_async {
        // A future that is not `Send` is complained about here: at the name of the function.
        let boxed = quote_spanned! {paths::at(ident.span())=> __signals::Box::pin(async move { #steps }) };
        quote! {
            fn __body<'a>(
                #bytes: &'a [u8],
                #context: &'a __signals::Context,
            ) -> __signals::BoxFuture<'a, __signals::Result<(), __signals::RunError>> {
                #boxed
            }
        }
    } else {
        quote! {
            fn __body(
                #bytes: &[u8],
                #context: &__signals::Context,
            ) -> __signals::Result<(), __signals::RunError> {
                #steps
            }
        }
    }
}

fn pass(parameter: &Parameter, local: &Ident) -> TokenStream {
    match parameter.by {
        By::Value => quote!(#local),
        By::Ref => quote!(&#local),
        By::Mut => quote!(&mut #local),
    }
}

/// The options that differ from the defaults, as calls on the definition.
fn settings(options: &Options) -> TokenStream {
    let Options { aliases, max_attempts, backoff, timeout, concurrency, signal: _, name: _, paths: _ } = options;
    let aliases = (!aliases.is_empty()).then(|| quote! { .aliases(&[#(#aliases),*]) });
    let max_attempts = max_attempts.map(|attempts| quote! { .max_attempts(#attempts) });
    let backoff = backoff.as_ref().map(|backoff| {
        let initial = backoff.initial.map_or_else(|| quote!(__signals::Backoff::DEFAULT.initial), duration);
        let factor = backoff.factor.map_or_else(
            || quote!(__signals::Backoff::DEFAULT.factor),
            |factor| Literal::f64_suffixed(factor).into_token_stream(),
        );
        let max = backoff.max.map_or_else(|| quote!(__signals::Backoff::DEFAULT.max), duration);
        quote! { .backoff(__signals::Backoff { initial: #initial, factor: #factor, max: #max }) }
    });
    let timeout = timeout.map(duration).map(|timeout| quote! { .timeout(#timeout) });
    let concurrency = concurrency.map(|concurrency| quote! { .concurrency(#concurrency) });
    let options = [max_attempts, backoff, timeout, concurrency];
    let options = options.iter().any(Option::is_some).then(|| {
        quote! { .options(__signals::ReceiverOptions::DEFAULT #(#options)*) }
    });
    quote! { #aliases #options }
}

fn duration(duration: Duration) -> TokenStream {
    let (seconds, milliseconds) = (duration.as_secs(), duration.subsec_millis());
    if milliseconds == 0 {
        quote! { __signals::Duration::from_secs(#seconds) }
    } else {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        quote! { __signals::Duration::from_millis(#milliseconds) }
    }
}
