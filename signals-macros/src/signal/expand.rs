//! What `#[signal]` generates.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Model;
use crate::paths;

/// What goes above the user's type: the serde derives that it lacks, from the library's own serde.
pub(crate) fn derives(model: &Model) -> TokenStream {
    let Model { options, signature } = model;
    let private = options.paths.private();
    let serialize = (!signature.derives_serialize).then(|| quote!(#private::serde::Serialize));
    let deserialize = (!signature.derives_deserialize).then(|| quote!(#private::serde::Deserialize));
    let missing: Vec<TokenStream> = serialize.into_iter().chain(deserialize).collect();
    if missing.is_empty() {
        return TokenStream::new();
    }
    let serde = (!signature.names_serde).then(|| {
        let path = options.paths.serde();
        quote! { #[serde(crate = #path)] }
    });
    quote! {
        #[derive(#(#missing),*)]
        #serde
    }
}

/// What goes below it.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { options, signature } = model;
    let ident = &signature.ident;
    let name = paths::name(options.name.as_ref(), ident);
    let location = paths::location();
    let version = options.version.map(|version| quote! { .version(#version) });
    let aliases = &options.aliases;
    let aliases = (!aliases.is_empty()).then(|| quote! { .aliases(&[#(#aliases),*]) });
    let allow_unheard = options.allow_unheard.then(|| quote! { .allow_unheard() });

    let scope = options.paths.scope(&quote! {
        const __DEF: &__signals::SignalDef =
            &__signals::SignalDef::new(#name, #location) #version #aliases #allow_unheard;

        #[diagnostic::do_not_recommend]
        impl __signals::Signal for #ident {
            const DEF: &'static __signals::SignalDef = __DEF;
        }

        #[__signals::linkme::distributed_slice(__signals::SIGNALS)]
        #[linkme(crate = __signals::linkme)]
        static __SIGNAL: &__signals::SignalDef = __DEF;
    });
    quote! {
        #[doc(hidden)]
        #[allow(deprecated)]
        #scope
    }
}
