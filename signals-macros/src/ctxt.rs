//! Collects mistakes, so that all of them are reported together.

use std::cell::RefCell;
use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The mistakes found so far. Must be [checked](Ctxt::check): a context that is dropped unchecked panics, because a
/// mistake that nobody reports is a wrong expansion.
pub(crate) struct Ctxt {
    /// `None` once checked.
    errors: RefCell<Option<Vec<syn::Error>>>,
}

impl Ctxt {
    pub(crate) fn new() -> Self {
        Self { errors: RefCell::new(Some(Vec::new())) }
    }

    /// A mistake at `span`.
    pub(crate) fn error_at(&self, span: Span, message: impl Display) {
        self.error(syn::Error::new(span, message));
    }

    /// A mistake that is all of `tokens`.
    pub(crate) fn error_on(&self, tokens: impl ToTokens, message: impl Display) {
        self.error(syn::Error::new_spanned(tokens, message));
    }

    /// A mistake that a parser found.
    pub(crate) fn error(&self, error: syn::Error) {
        self.errors.borrow_mut().as_mut().expect("a context is not used after its check").push(error);
    }

    /// The value, or nothing and a mistake more.
    pub(crate) fn ok<T>(&self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.error(error)).ok()
    }

    /// The mistakes as `compile_error!`s; empty when there are none.
    pub(crate) fn check(self) -> TokenStream {
        let errors = self.errors.take().expect("a context is checked once");
        errors.into_iter().map(syn::Error::into_compile_error).collect()
    }
}

impl Drop for Ctxt {
    fn drop(&mut self) {
        if self.errors.borrow().is_some() && !std::thread::panicking() {
            panic!("a context was dropped without a look at its errors");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_reported() {
        let ctxt = Ctxt::new();
        ctxt.error_at(Span::call_site(), "one");
        ctxt.error_at(Span::call_site(), "two");
        assert_eq!(ctxt.check().to_string().matches("compile_error").count(), 2);
    }

    #[test]
    #[should_panic(expected = "without a look at its errors")]
    fn dropping_it_unchecked_panics() {
        drop(Ctxt::new());
    }
}
