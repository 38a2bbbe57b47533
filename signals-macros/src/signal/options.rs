//! What is between the parentheses of `#[signal(…)]`.

use proc_macro2::TokenStream;
use syn::LitStr;

use crate::attr::{self, Slot, Word, value};
use crate::ctxt::Ctxt;
use crate::paths::Paths;

const WORDS: &[Word] = &[attr::NAME, attr::VERSION, attr::ALIASES, attr::ALLOW_UNHEARD, attr::CRATE];

/// The options of a signal, each valid by itself.
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<u32>,
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) allow_unheard: bool,
    pub(crate) paths: Paths,
}

impl Options {
    pub(crate) fn parse(ctxt: &Ctxt, list: TokenStream) -> Self {
        let mut name = Slot::new(attr::NAME);
        let mut version = Slot::new(attr::VERSION);
        let mut aliases = Slot::new(attr::ALIASES);
        let mut allow_unheard = Slot::new(attr::ALLOW_UNHEARD);
        let mut krate = Slot::new(attr::CRATE);

        attr::options(ctxt, list, WORDS, |word, at, input| match word {
            attr::NAME => attr::fill(ctxt, &mut name, at, value::a_name(word, input)),
            attr::VERSION => attr::fill(ctxt, &mut version, at, value::count(word, input)),
            attr::ALIASES => attr::fill(ctxt, &mut aliases, at, value::names(ctxt, word, input)),
            attr::ALLOW_UNHEARD => attr::fill(ctxt, &mut allow_unheard, at, value::flag(word, input)),
            attr::CRATE => attr::fill(ctxt, &mut krate, at, value::path(word, input)),
            other => unreachable!("`{other}` is not one of the words of this list"),
        });

        let name = name.get();
        let aliases = aliases.get().unwrap_or_default();
        value::aliases_differ_from(ctxt, name.as_ref(), &aliases);
        Self {
            name,
            version: version.get(),
            aliases,
            allow_unheard: allow_unheard.get().is_some(),
            paths: Paths::new(krate.get()),
        }
    }
}
