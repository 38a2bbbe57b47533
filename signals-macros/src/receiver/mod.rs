//! `#[receiver]`: options → signature → model → expand.
//!
//! The user's function comes out as it went in, whatever is wrong with it. Beside it comes a hidden type of the same
//! name that implements `Receiver`, and its entry in the list that the linker collects. A `#[cfg]` on the function was
//! evaluated before this is called, wherever it is written.

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
pub(crate) fn receiver(list: TokenStream, item: TokenStream) -> TokenStream {
    let ctxt = Ctxt::new();
    let options = Options::parse(&ctxt, list);
    let signature = Signature::parse(&ctxt, item.clone());
    let generated = model::Model::new(options, signature).map(|model| expand::expand(&model));
    let errors = ctxt.check();
    quote! { #item #generated #errors }
}
