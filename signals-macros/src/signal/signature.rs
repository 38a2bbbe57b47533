//! The type below the attribute: what it is called, and what it derives already.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Item, Meta, Path, Token};

use crate::ctxt::Ctxt;

/// What the expansion needs of the type.
pub(crate) struct Signature {
    pub(crate) ident: Ident,
    pub(crate) derives_serialize: bool,
    pub(crate) derives_deserialize: bool,
    /// Whether a `#[serde(crate = …)]` is there already: serde takes one.
    pub(crate) names_serde: bool,
}

impl Signature {
    /// Reads the type; `None` when it cannot be a signal, which is reported.
    pub(crate) fn parse(ctxt: &Ctxt, item: TokenStream) -> Option<Self> {
        let at = item.span();
        let (attrs, ident, generics) = match syn::parse2(item) {
            Ok(Item::Struct(item)) => (item.attrs, item.ident, item.generics),
            Ok(Item::Enum(item)) => (item.attrs, item.ident, item.generics),
            Ok(Item::Union(item)) => {
                ctxt.error_on(item.union_token, "a union cannot be a signal: nothing says which field to store");
                return None;
            }
            Ok(_) => {
                ctxt.error_at(at, "`#[signal]` goes on a struct or an enum");
                return None;
            }
            Err(error) => {
                ctxt.error(error);
                return None;
            }
        };
        if !generics.params.is_empty() {
            ctxt.error_on(generics, "a signal cannot be generic: its name stands for one type");
            return None;
        }
        if let Some(clause) = &generics.where_clause {
            ctxt.error_on(clause, "a signal cannot be generic: remove the `where` clause");
            return None;
        }
        Some(Self {
            derives_serialize: derives(&attrs, "Serialize"),
            derives_deserialize: derives(&attrs, "Deserialize"),
            names_serde: attrs.iter().any(names_serde),
            ident,
        })
    }
}

/// Whether a `#[derive(…)]` names this trait, under whatever path.
fn derives(attrs: &[Attribute], name: &str) -> bool {
    attrs.iter().filter(|attr| attr.path().is_ident("derive")).any(|attr| {
        let Ok(paths) = attr.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated) else { return false };
        paths.iter().any(|path| path.segments.last().is_some_and(|segment| segment.ident == name))
    })
}

/// Whether this is a `#[serde(…)]` with a `crate = …` in it.
fn names_serde(attr: &Attribute) -> bool {
    let Meta::List(list) = &attr.meta else { return false };
    if !list.path.is_ident("serde") {
        return false;
    }
    let parser = |input: ParseStream<'_>| {
        let mut found = false;
        while !input.is_empty() {
            found |= input.peek(Token![crate]);
            while !input.is_empty() && input.parse::<Option<Token![,]>>()?.is_none() {
                input.parse::<TokenTree>()?;
            }
        }
        Ok(found)
    };
    parser.parse2(list.tokens.clone()).unwrap_or(false)
}
