//! The function below the attribute: what it takes, what it returns, and what a receiver cannot be.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, PatType, ReturnType, Safety, Type, Visibility};

use crate::ctxt::Ctxt;

/// What the expansion needs of the function. Its body is not looked at.
pub(crate) struct Signature {
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    pub(crate) is_async: bool,
    /// `None` when a parameter or the return type cannot be called, which was reported.
    pub(crate) call: Option<Call>,
}

/// The parameters and the return type.
pub(crate) struct Call {
    pub(crate) payload: Parameter,
    pub(crate) extractors: Vec<Parameter>,
    /// `None`: returns nothing.
    pub(crate) output: Option<Type>,
}

/// A parameter: the type to come by, and how it is handed over.
pub(crate) struct Parameter {
    /// Behind the reference, if there is one.
    pub(crate) ty: Type,
    pub(crate) by: By,
}

/// How a parameter is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Value,
    Ref,
    Mut,
}

impl Signature {
    /// Reads the function; `None` when it is none. Every mistake is reported.
    pub(crate) fn parse(ctxt: &Ctxt, item: TokenStream) -> Option<Self> {
        let parser = |input: ParseStream<'_>| {
            input.call(Attribute::parse_outer)?;
            let vis: Visibility = input.parse()?;
            let signature: syn::Signature = input.parse()?;
            input.parse::<TokenStream>()?;
            Ok((vis, signature))
        };
        let at = item.span();
        let Ok((vis, signature)) = parser.parse2(item) else {
            ctxt.error_at(at, "`#[receiver]` goes on a function: `async fn`, or `fn` for a blocking one");
            return None;
        };

        let callable = check_qualifiers(ctxt, &signature);
        let call = Call::new(ctxt, &signature);
        if signature.receiver().is_some() {
            // A method: no type can stand beside it.
            return None;
        }
        Some(Self {
            vis,
            ident: signature.ident,
            is_async: signature.asyncness.is_some(),
            call: call.filter(|_| callable),
        })
    }
}

/// Reports what may not be written around the parameters; says whether the function can be called in spite of it.
fn check_qualifiers(ctxt: &Ctxt, signature: &syn::Signature) -> bool {
    if let Some(constness) = &signature.constness {
        ctxt.error_on(constness, "a receiver cannot be `const`: a worker calls it");
    }
    let is_safe = matches!(signature.safety, Safety::Default);
    if !is_safe {
        ctxt.error_on(&signature.safety, "a receiver cannot be `unsafe`: a worker calls it, and promises nothing");
    }
    if let Some(abi) = &signature.abi {
        ctxt.error_on(abi, "a receiver has no ABI of its own: a worker calls it");
    }
    let generics = &signature.generics;
    if !generics.params.is_empty() {
        ctxt.error_on(generics, "a receiver cannot be generic: its name stands for one function");
    } else if let Some(clause) = &generics.where_clause {
        ctxt.error_on(clause, "a receiver cannot be generic: remove the `where` clause");
    }
    if let Some(variadic) = &signature.variadic {
        ctxt.error_on(variadic, "a receiver has a fixed number of parameters");
    }
    is_safe && generics.params.is_empty() && signature.variadic.is_none()
}

impl Call {
    fn new(ctxt: &Ctxt, signature: &syn::Signature) -> Option<Self> {
        let output = match &signature.output {
            ReturnType::Default => Some(None),
            ReturnType::Type(_, ty) => named_output(ctxt, signature, ty).then(|| Some((**ty).clone())),
        };
        let Some(first) = signature.inputs.first() else {
            ctxt.error_at(
                signature.paren_token.span.join(),
                "a receiver takes its signal as the first parameter, as in `payment: &PaymentCompleted`",
            );
            return None;
        };
        let payload = typed(ctxt, first).and_then(|first| {
            let payload = Parameter::new(&first.ty);
            if payload.by == By::Mut {
                ctxt.error_on(&first.ty, "a receiver takes its signal by value or by `&`, not by `&mut`");
                return None;
            }
            Some(payload)
        });
        // All of them are checked before the first that is wrong ends it.
        let extractors: Vec<Option<Parameter>> = signature
            .inputs
            .iter()
            .skip(1)
            .map(|input| typed(ctxt, input).map(|input| Parameter::new(&input.ty)))
            .collect();
        Some(Self { payload: payload?, extractors: extractors.into_iter().collect::<Option<_>>()?, output: output? })
    }
}

impl Parameter {
    fn new(ty: &Type) -> Self {
        if let Type::Reference(reference) = ungrouped(ty) {
            let by = if reference.mutability.is_some() { By::Mut } else { By::Ref };
            Self { ty: (*reference.elem).clone(), by }
        } else {
            Self { ty: ty.clone(), by: By::Value }
        }
    }
}

/// The parameter, when it is one that can be given.
fn typed<'s>(ctxt: &Ctxt, input: &'s FnArg) -> Option<&'s PatType> {
    let attrs = match input {
        FnArg::Receiver(receiver) => {
            ctxt.error_on(receiver, "a receiver is a free function: it takes no `self`");
            return None;
        }
        FnArg::Typed(typed) => &typed.attrs,
    };
    if let Some(cfg) = attrs.iter().find(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr")) {
        ctxt.error_on(cfg, "a parameter cannot come and go: put the `#[cfg]` on two whole functions");
        return None;
    }
    let FnArg::Typed(typed) = input else { return None };
    if let Some(at) = impl_token(typed.ty.to_token_stream()) {
        ctxt.error_at(at, "a receiver names the types of its parameters: `impl Trait` could be any");
        return None;
    }
    Some(typed)
}

/// Whether the return type can be written down.
fn named_output(ctxt: &Ctxt, signature: &syn::Signature, ty: &Type) -> bool {
    let Some(at) = impl_token(ty.to_token_stream()) else { return true };
    if signature.asyncness.is_none() && matches!(ungrouped(ty), Type::ImplTrait(_)) {
        ctxt.error_on(
            ty,
            "a receiver returns `()` or `Result<(), E>`: write an `async fn` instead of returning a future",
        );
    } else {
        ctxt.error_at(at, "a receiver returns `()` or `Result<(), E>`, with an `E` that has a name");
    }
    false
}

/// The type without the invisible parentheses that a `macro_rules!` puts around it.
fn ungrouped(mut ty: &Type) -> &Type {
    while let Type::Group(group) = ty {
        ty = &group.elem;
    }
    ty
}

/// The first `impl` of a type, however deep.
fn impl_token(ty: TokenStream) -> Option<Span> {
    ty.into_iter().find_map(|token| match token {
        TokenTree::Ident(word) => (word == "impl").then(|| word.span()),
        TokenTree::Group(group) => impl_token(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}
