//! What is between the parentheses of `#[receiver(…)]`.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use syn::parse::ParseStream;
use syn::{LitStr, Token, Type, parenthesized, token};

use crate::attr::{self, Slot, Word, value};
use crate::ctxt::Ctxt;
use crate::paths::Paths;

const WORDS: &[Word] = &[
    attr::SIGNAL,
    attr::NAME,
    attr::ALIASES,
    attr::MAX_ATTEMPTS,
    attr::BACKOFF,
    attr::TIMEOUT,
    attr::CONCURRENCY,
    attr::CRATE,
];

const BACKOFF_WORDS: &[Word] = &[attr::INITIAL, attr::FACTOR, attr::MAX];

/// The options of a receiver, each valid by itself.
pub(crate) struct Options {
    /// `None` when it is missing or wrong, which was reported.
    pub(crate) signal: Option<Type>,
    pub(crate) name: Option<LitStr>,
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) concurrency: Option<u32>,
    pub(crate) paths: Paths,
}

/// `backoff(…)`: what is not said stays as it is by default.
pub(crate) struct Backoff {
    pub(crate) initial: Option<Duration>,
    pub(crate) factor: Option<f64>,
    pub(crate) max: Option<Duration>,
}

impl Options {
    pub(crate) fn parse(ctxt: &Ctxt, list: TokenStream) -> Self {
        let mut signal = Slot::new(attr::SIGNAL);
        let mut name = Slot::new(attr::NAME);
        let mut aliases = Slot::new(attr::ALIASES);
        let mut max_attempts = Slot::new(attr::MAX_ATTEMPTS);
        let mut backoff = Slot::new(attr::BACKOFF);
        let mut timeout = Slot::new(attr::TIMEOUT);
        let mut concurrency = Slot::new(attr::CONCURRENCY);
        let mut krate = Slot::new(attr::CRATE);

        attr::options(ctxt, list, WORDS, |word, at, input| match word {
            attr::SIGNAL => attr::fill(ctxt, &mut signal, at, signal_type(input)),
            attr::NAME => attr::fill(ctxt, &mut name, at, value::a_name(word, input)),
            attr::ALIASES => attr::fill(ctxt, &mut aliases, at, value::names(ctxt, word, input)),
            attr::MAX_ATTEMPTS => attr::fill(ctxt, &mut max_attempts, at, value::count(word, input)),
            attr::BACKOFF => attr::fill(ctxt, &mut backoff, at, Backoff::parse(ctxt, input)),
            attr::TIMEOUT => attr::fill(ctxt, &mut timeout, at, time_out(word, input)),
            attr::CONCURRENCY => attr::fill(ctxt, &mut concurrency, at, value::count(word, input)),
            attr::CRATE => attr::fill(ctxt, &mut krate, at, value::path(word, input)),
            other => unreachable!("`{other}` is not one of the words of this list"),
        });

        if !signal.is_given() {
            ctxt.error_at(
                Span::call_site(),
                "missing `signal`: say what this function receives, as in `#[receiver(signal = PaymentCompleted)]`",
            );
        }
        let name = name.get();
        let aliases = aliases.get().unwrap_or_default();
        value::aliases_differ_from(ctxt, name.as_ref(), &aliases);
        Self {
            signal: signal.get(),
            name,
            aliases,
            max_attempts: max_attempts.get(),
            backoff: backoff.get(),
            timeout: timeout.get(),
            concurrency: concurrency.get(),
            paths: Paths::new(krate.get()),
        }
    }
}

impl Backoff {
    /// `(initial = "1s", factor = 2.0, max = "1h")`, each of them optional.
    fn parse(ctxt: &Ctxt, input: ParseStream<'_>) -> syn::Result<Self> {
        let expected = "expected `backoff(initial = \"1s\", factor = 2.0, max = \"12h\")`, or some of the three";
        if !input.peek(token::Paren) {
            return Err(value::missing(input, expected));
        }
        let list;
        let parentheses = parenthesized!(list in input);
        if list.is_empty() {
            return Err(syn::Error::new(parentheses.span.join(), expected));
        }

        let mut initial = Slot::new(attr::INITIAL);
        let mut factor = Slot::new(attr::FACTOR);
        let mut max = Slot::new(attr::MAX);
        attr::options(ctxt, list.parse()?, BACKOFF_WORDS, |word, at, input| match word {
            attr::INITIAL => attr::fill(ctxt, &mut initial, at, value::duration(word, input)),
            attr::FACTOR => attr::fill(ctxt, &mut factor, at, value::factor(word, input)),
            attr::MAX => attr::fill(ctxt, &mut max, at, value::duration(word, input)),
            other => unreachable!("`{other}` is not one of the words of this list"),
        });

        let (initial, max) = (initial.get(), max.get());
        if let (Some((initial, _)), Some((max, at))) = (initial, max)
            && max < initial
        {
            ctxt.error_at(at, "`max` must not be shorter than `initial`");
        }
        Ok(Self { initial: initial.map(|(initial, _)| initial), factor: factor.get(), max: max.map(|(max, _)| max) })
    }
}

/// `= PaymentCompleted`: one type, by its path.
fn signal_type(input: ParseStream<'_>) -> syn::Result<Type> {
    let expected = "expected the type of the signal, as in `signal = PaymentCompleted`";
    let several = "a receiver has one signal: write a function for each";
    value::equals(input, expected)?;
    if input.peek(token::Bracket) {
        return Err(syn::Error::new_spanned(input.parse::<proc_macro2::TokenTree>()?, several));
    }
    let start = input.span();
    let signal: Type = input.parse().map_err(|_| syn::Error::new(start, expected))?;
    let mut inner = &signal;
    while let Type::Group(group) = inner {
        inner = &group.elem;
    }
    if matches!(inner, Type::Tuple(_) | Type::TraitObject(_)) {
        Err(syn::Error::new_spanned(signal, several))
    } else if !matches!(inner, Type::Path(_)) {
        Err(syn::Error::new_spanned(signal, expected))
    } else if input.peek(Token![|]) || input.peek(Token![+]) {
        Err(input.error(several))
    } else {
        Ok(signal)
    }
}

fn time_out(word: Word, input: ParseStream<'_>) -> syn::Result<Duration> {
    match value::duration(word, input)? {
        (timeout, at) if timeout.is_zero() => Err(syn::Error::new(at, "`timeout` must be longer than zero")),
        (timeout, _) => Ok(timeout),
    }
}
