//! The values of options: each reader stands behind the option's word and reads the rest.

use std::time::Duration;

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::parse::ParseStream;
use syn::{Expr, ExprLit, Lit, LitStr, Path, Token, bracketed};

use super::Word;
use crate::ctxt::Ctxt;
use crate::{duration, name};

/// `= "name"`.
pub(crate) fn a_name(word: Word, input: ParseStream<'_>) -> syn::Result<LitStr> {
    let literal = string(input, &format!("expected a name in quotes, as in `{word} = \"orders.fulfil\"`"))?;
    name::check(&literal)?;
    Ok(literal)
}

/// `= ["name", "name"]`: all mistakes in it are reported.
pub(crate) fn names(ctxt: &Ctxt, word: Word, input: ParseStream<'_>) -> syn::Result<Vec<LitStr>> {
    let expected = format!("expected a list of names, as in `{word} = [\"orders.fulfil\"]`");
    equals(input, &expected)?;
    if !matches!(input.cursor().token_tree(), Some((TokenTree::Group(list), _)) if list.delimiter() == Delimiter::Bracket)
    {
        return Err(missing(input, &expected));
    }
    let list;
    bracketed!(list in input);
    let mut names: Vec<LitStr> = Vec::new();
    while !list.is_empty() {
        let literal = literal(&list, &expected)?;
        let Lit::Str(name) = literal else { return Err(syn::Error::new(literal.span(), expected)) };
        ctxt.ok(name::check(&name));
        if names.iter().any(|other| other.value() == name.value()) {
            ctxt.error_at(name.span(), format!("`{}` is listed twice", name.value()));
        }
        names.push(name);
        if !list.is_empty() {
            list.parse::<Token![,]>()?;
        }
    }
    Ok(names)
}

/// Reports the aliases that repeat the name.
pub(crate) fn aliases_differ_from(ctxt: &Ctxt, name: Option<&LitStr>, aliases: &[LitStr]) {
    for alias in aliases {
        if name.is_some_and(|name| name.value() == alias.value()) {
            ctxt.error_at(alias.span(), "this is the name itself: aliases are the names that it had before");
        }
    }
}

/// `= 12`, at least 1.
pub(crate) fn count(word: Word, input: ParseStream<'_>) -> syn::Result<u32> {
    let expected = format!("expected a whole number, as in `{word} = 8`");
    equals(input, &expected)?;
    let literal = literal(input, &expected)?;
    let Lit::Int(number) = literal else { return Err(syn::Error::new(literal.span(), expected)) };
    match number.base10_parse::<u32>() {
        Ok(0) => Err(syn::Error::new(number.span(), format!("`{word}` must be at least 1"))),
        Ok(count) => Ok(count),
        Err(_) => {
            Err(syn::Error::new(number.span(), format!("`{word}` must be a whole number from 1 to {}", u32::MAX)))
        }
    }
}

/// `= 2.0`, finite and at least 1.
pub(crate) fn factor(word: Word, input: ParseStream<'_>) -> syn::Result<f64> {
    let expected = format!("expected a number, as in `{word} = 2.0`");
    equals(input, &expected)?;
    let literal = literal(input, &expected)?;
    let number = if let Lit::Float(number) = &literal {
        number.base10_parse::<f64>()
    } else if let Lit::Int(number) = &literal {
        number.base10_parse::<f64>()
    } else {
        return Err(syn::Error::new(literal.span(), expected));
    };
    match number {
        Ok(factor) if factor.is_finite() && factor >= 1.0 => Ok(factor),
        _ => Err(syn::Error::new(literal.span(), format!("`{word}` must be 1.0 or more"))),
    }
}

/// `= "30s"`, with the literal for later complaints.
pub(crate) fn duration(word: Word, input: ParseStream<'_>) -> syn::Result<(Duration, Span)> {
    let literal = string(input, &format!("expected a duration in quotes, as in `{word} = \"30s\"`"))?;
    Ok((duration::parse(&literal)?, literal.span()))
}

/// `= some::path`.
pub(crate) fn path(word: Word, input: ParseStream<'_>) -> syn::Result<Path> {
    let expected = format!("expected a path, as in `{word} = ::acme::signals`");
    equals(input, &expected)?;
    input.call(Path::parse_mod_style).map_err(|error| syn::Error::new(error.span(), expected))
}

/// Nothing: the word says it all.
pub(crate) fn flag(word: Word, input: ParseStream<'_>) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        Ok(())
    } else {
        let value: TokenStream = input.fork().parse()?;
        let value =
            value.into_iter().take_while(|token| !matches!(token, TokenTree::Punct(mark) if mark.as_char() == ','));
        Err(syn::Error::new_spanned(value.collect::<TokenStream>(), format!("`{word}` takes no value")))
    }
}

/// Reads the `=` before a value.
pub(crate) fn equals(input: ParseStream<'_>, expected: &str) -> syn::Result<()> {
    if input.parse::<Option<Token![=]>>()?.is_some() { Ok(()) } else { Err(missing(input, expected)) }
}

/// The complaint about the value that comes next.
pub(crate) fn missing(input: ParseStream<'_>, expected: &str) -> syn::Error {
    syn::Error::new(input.span(), expected)
}

fn string(input: ParseStream<'_>, expected: &str) -> syn::Result<LitStr> {
    equals(input, expected)?;
    let literal = literal(input, expected)?;
    if let Lit::Str(text) = literal { Ok(text) } else { Err(syn::Error::new(literal.span(), expected)) }
}

/// A literal, also one that a `macro_rules!` passed on as an expression.
fn literal(input: ParseStream<'_>, expected: &str) -> syn::Result<Lit> {
    let mut value = input.fork().parse::<Expr>().map_err(|_| missing(input, expected))?;
    while let Expr::Group(group) = value {
        value = *group.expr;
    }
    let Expr::Lit(ExprLit { lit, .. }) = value else { return Err(syn::Error::new_spanned(value, expected)) };
    input.parse::<Expr>()?;
    Ok(lit)
}
