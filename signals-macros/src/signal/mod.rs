//! `#[signal]`: options → signature → model → expand.
//!
//! The user's type comes out as it went in, with the serde derives that it lacks. Beside it comes `impl Signal`, and its
//! entry in the list that the linker collects.

mod expand;
mod model;
mod options;
mod signature;

use proc_macro2::TokenStream;
use quote::quote;

use crate::ctxt::Ctxt;
use options::Options;
use signature::Signature;

/// The attribute, applied to `item`.
pub(crate) fn signal(list: TokenStream, item: TokenStream) -> TokenStream {
    let ctxt = Ctxt::new();
    let options = Options::parse(&ctxt, list);
    let signature = Signature::parse(&ctxt, item.clone());
    let model = model::Model::new(options, signature);
    let derives = model.as_ref().map(expand::derives);
    let generated = model.as_ref().map(expand::expand);
    let errors = ctxt.check();
    quote! { #derives #item #generated #errors }
}
