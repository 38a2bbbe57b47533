//! Attribute options: every word once, the list that they are written in, and the values that they take.

use std::fmt;
use std::time::Duration;

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, Lit, LitStr, Path, Token, bracketed};

use crate::ctxt::Ctxt;
use crate::{duration, name};

/// The name of an option.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(&'static str);

pub(crate) const ALIASES: Word = Word("aliases");
pub(crate) const ALLOW_UNHEARD: Word = Word("allow_unheard");
pub(crate) const BACKOFF: Word = Word("backoff");
pub(crate) const CONCURRENCY: Word = Word("concurrency");
pub(crate) const CRATE: Word = Word("crate");
pub(crate) const FACTOR: Word = Word("factor");
pub(crate) const INITIAL: Word = Word("initial");
pub(crate) const MAX: Word = Word("max");
pub(crate) const MAX_ATTEMPTS: Word = Word("max_attempts");
pub(crate) const NAME: Word = Word("name");
pub(crate) const SIGNAL: Word = Word("signal");
pub(crate) const TIMEOUT: Word = Word("timeout");
pub(crate) const VERSION: Word = Word("version");

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// An option that is given at most once.
pub(crate) struct Slot<T> {
    word: Word,
    given: bool,
    value: Option<T>,
}

impl<T> Slot<T> {
    pub(crate) const fn new(word: Word) -> Self {
        Self { word, given: false, value: None }
    }

    /// Takes the value, which is missing when it was wrong and reported. `at` is the word in the list.
    pub(crate) fn set(&mut self, ctxt: &Ctxt, at: &Ident, value: Option<T>) {
        if self.given {
            ctxt.error_at(at.span(), format!("duplicate option `{}`", self.word));
        } else {
            self.given = true;
            self.value = value;
        }
    }

    /// Whether the word was there, with a right value or a wrong one.
    pub(crate) const fn is_given(&self) -> bool {
        self.given
    }

    pub(crate) fn get(self) -> Option<T> {
        self.value
    }
}

/// Fills `slot` with a value that was read, right or wrong. A wrong one counts as given: its option is neither missing nor
/// free to be given again.
pub(crate) fn fill<T>(ctxt: &Ctxt, slot: &mut Slot<T>, at: &Ident, value: syn::Result<T>) -> syn::Result<()> {
    match value {
        Ok(value) => {
            slot.set(ctxt, at, Some(value));
            Ok(())
        }
        Err(error) => {
            slot.set(ctxt, at, None);
            Err(error)
        }
    }
}

/// Goes through `word = value, word(list), word`, reporting what is wrong and going on behind the next comma.
///
/// `option` is called behind each known word and reads the rest of the option.
pub(crate) fn options(
    ctxt: &Ctxt,
    list: TokenStream,
    words: &[Word],
    mut option: impl FnMut(Word, &Ident, ParseStream<'_>) -> syn::Result<()>,
) {
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if let Err(error) = one_option(input, words, &mut option) {
                ctxt.error(error);
                skip_to_comma(input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    ctxt.ok(parser.parse2(list));
}

fn one_option(
    input: ParseStream<'_>,
    words: &[Word],
    option: &mut impl FnMut(Word, &Ident, ParseStream<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    let at = input
        .call(Ident::parse_any)
        .map_err(|error| syn::Error::new(error.span(), format!("expected an option: {}", listed(words))))?;
    let Some(word) = words.iter().find(|word| at == word.0) else {
        return Err(syn::Error::new(at.span(), format!("unknown option `{at}`, expected {}", listed(words))));
    };
    option(*word, &at, input)?;
    if input.is_empty() || input.peek(Token![,]) {
        Ok(())
    } else {
        Err(input.error(format!("expected `,` after the option `{word}`")))
    }
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

fn listed(words: &[Word]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((only, _)) => only.clone(),
        None => String::new(),
    }
}

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
        return Err(value_error(input, &expected));
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
    let number = match &literal {
        Lit::Float(number) => number.base10_parse::<f64>(),
        Lit::Int(number) => number.base10_parse::<f64>(),
        other => return Err(syn::Error::new(other.span(), expected)),
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
        Err(input.error(format!("`{word}` takes no value")))
    }
}

/// Reads the `=` before a value.
pub(crate) fn equals(input: ParseStream<'_>, expected: &str) -> syn::Result<()> {
    if input.parse::<Option<Token![=]>>()?.is_some() { Ok(()) } else { Err(value_error(input, expected)) }
}

/// The complaint about the value that comes next.
pub(crate) fn value_error(input: ParseStream<'_>, expected: &str) -> syn::Error {
    syn::Error::new(input.span(), expected)
}

fn string(input: ParseStream<'_>, expected: &str) -> syn::Result<LitStr> {
    equals(input, expected)?;
    match literal(input, expected)? {
        Lit::Str(literal) => Ok(literal),
        other => Err(syn::Error::new(other.span(), expected)),
    }
}

/// A literal, also one that a `macro_rules!` passed on as an expression.
fn literal(input: ParseStream<'_>, expected: &str) -> syn::Result<Lit> {
    let mut value = input.fork().parse::<Expr>().map_err(|_| value_error(input, expected))?;
    while let Expr::Group(group) = value {
        value = *group.expr;
    }
    let Expr::Lit(ExprLit { lit, .. }) = value else { return Err(syn::Error::new_spanned(value, expected)) };
    input.parse::<Expr>()?;
    Ok(lit)
}
