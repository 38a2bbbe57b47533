//! stub
use proc_macro::TokenStream;
/// s
#[proc_macro_attribute]
pub fn signal(_a: TokenStream, i: TokenStream) -> TokenStream {
    i
}
/// r
#[proc_macro_attribute]
pub fn receiver(_a: TokenStream, i: TokenStream) -> TokenStream {
    i
}
