//! Attribute options: every word once, the slot that takes it at most once, and the list that they are written in. The
//! values are read in [`value`].

pub(crate) mod value;

use std::fmt;

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::Token;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};

use crate::ctxt::Ctxt;

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
    let bare = input.is_empty() || input.peek(Token![,]);
    option(*word, &at, input).map_err(|error| {
        // Where a value is missing there is no token of it to point to.
        if bare { syn::Error::new(at.span(), error) } else { error }
    })?;
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
