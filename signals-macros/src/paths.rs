//! The one path that generated code names: `<crate>::__private`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{LitStr, Path};

/// Where the generated code finds the library.
pub(crate) struct Paths {
    krate: TokenStream,
}

impl Paths {
    /// The crate that `crate = path` said, or `::signals_runtime`.
    pub(crate) fn new(krate: Option<Path>) -> Self {
        Self { krate: krate.map_or_else(|| quote!(::signals_runtime), Path::into_token_stream) }
    }

    /// `<crate>::__private`, for items outside the generated block.
    pub(crate) fn private(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::__private)
    }

    /// The same as the text that serde's `crate` option wants.
    pub(crate) fn serde(&self) -> LitStr {
        let krate: String = self.krate.to_string().split_whitespace().collect();
        LitStr::new(&format!("{krate}::__private::serde"), Span::mixed_site())
    }

    /// Generated items, in a scope of their own in which `__signals` is the private path.
    pub(crate) fn scope(&self, items: &TokenStream) -> TokenStream {
        let private = self.private();
        quote! {
            const _: () = {
                use #private as __signals;
                #items
            };
        }
    }
}

/// Where generated code of this item points to when the compiler complains: the place of `span`, the hygiene of the
/// macro. With the user's hygiene, items made by `macro_rules!` would not find their locals.
pub(crate) fn at(span: Span) -> Span {
    span.resolved_at(Span::mixed_site())
}

/// The stable name of an item: what the user wrote, or its path with dots.
pub(crate) fn name(explicit: Option<&LitStr>, ident: &Ident) -> TokenStream {
    if let Some(name) = explicit {
        return name.into_token_stream();
    }
    let path = format!("::{}", ident.unraw());
    let span = at(ident.span());
    quote_spanned! {span=> {
        const __PATH: &str = ::core::concat!(::core::module_path!(), #path);
        const __NAME: [u8; __signals::dotted_len(__PATH)] = __signals::dotted(__PATH);
        __signals::from_path(&__NAME)
    }}
}

/// Where an item was declared.
pub(crate) fn location() -> TokenStream {
    quote! {
        __signals::Location { module: ::core::module_path!(), file: ::core::file!(), line: ::core::line!() }
    }
}
