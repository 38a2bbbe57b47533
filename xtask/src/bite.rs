//! `cargo xtask bite`: shows that each rig bites. It builds the library with the switches of `signals-runtime/src/broken.rs`,
//! breaks one promise at a time, and runs what must notice; with nothing broken first, for what is always red proves nothing.
//! What must notice what is in [`rigs`].

mod build;
mod cells;
mod matrix;
mod others;
mod rigs;
mod show;
mod verdict;

use std::env;
use std::time::Instant;

use crate::Result;
use crate::postgres::Postgres;
use crate::report::seconds;
pub(crate) use build::compile;
use matrix::{Break, Cell, Rig};
use rigs::RIGS;
use show::{json, list, name, show, word};
use verdict::{Verdict, perform};

/// What the options say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// Rigs and breaks; all of them when none is named.
    names: Vec<String>,
    quick: bool,
    json: bool,
    /// Nothing is run: what would be, and what must come of it, is told.
    list: bool,
}

/// One rig over one build; `None` is the sound one.
struct Bite {
    rig: &'static Rig,
    broken: Option<Break>,
    verdict: Verdict,
}

/// Runs `cargo xtask bite` with these options; `false` when a rig does not notice what it must.
///
/// # Errors
///
/// Returns an error when an option is not known, or something cannot be built.
pub(crate) fn run(options: &[&str]) -> Result {
    let options = parse(options)?;
    let (rigs, breaks) = chosen(&options);
    if options.list {
        println!("{}", list(&rigs, &breaks));
        return Ok(true);
    }
    let began = Instant::now();
    eprintln!("building");
    let programs = build::build(&rigs)?;
    let built = began.elapsed();
    let mut postgres = Postgres::default();
    let mut bites = Vec::new();
    let cells = rigs.len() * (breaks.len() + 1);
    for broken in std::iter::once(None).chain(breaks.iter().copied().map(Some)) {
        eprintln!("==> {} (elapsed {})", name(broken), seconds(began.elapsed()));
        for &rig in &rigs {
            let verdict = bite(rig, broken, &breaks, &programs, &mut postgres)?;
            eprintln!("[{} of {cells}] {}: {}", bites.len() + 1, rig.name, word(broken, &verdict));
            bites.push(Bite { rig, broken, verdict });
        }
    }
    let all = began.elapsed();
    if options.json {
        println!("{}", json(&bites, built, all));
    } else {
        show(&bites, &rigs, &breaks);
        println!("took {}, of which {} were builds", seconds(all), seconds(built));
    }
    Ok(bites.iter().all(|bite| is_fine(&bite.verdict)))
}

fn parse(options: &[&str]) -> Result<Options> {
    let mut parsed = Options::default();
    for option in options {
        match *option {
            "--quick" => parsed.quick = true,
            "--json" => parsed.json = true,
            "--list" => parsed.list = true,
            name if is_known(name) => parsed.names.push(name.to_owned()),
            other => {
                let breaks: Vec<_> = Break::ALL.iter().map(|broken| broken.cfg()).collect();
                let rigs: Vec<_> = RIGS.iter().map(|rig| rig.name).collect();
                let (breaks, rigs) = (breaks.join(", "), rigs.join(", "));
                return Err(format!(
                    "`bite` knows no `{other}`: it takes `--quick`, `--json`, `--list`, breaks ({breaks}) and rigs ({rigs})"
                ));
            }
        }
    }
    Ok(parsed)
}

fn is_known(name: &str) -> bool {
    Break::ALL.iter().any(|broken| broken.cfg() == name) || RIGS.iter().any(|rig| rig.name == name)
}

/// The rigs and the breaks that are named; all of the kind of which none is.
fn chosen(options: &Options) -> (Vec<&'static Rig>, Vec<Break>) {
    let named = |name: &str| options.names.iter().any(|known| known == name);
    let any_rig = RIGS.iter().any(|rig| named(rig.name));
    let any_break = Break::ALL.iter().any(|broken| named(broken.cfg()));
    let rigs = RIGS.iter().filter(|rig| if any_rig { named(rig.name) } else { !options.quick || rig.quick });
    let breaks = Break::ALL.iter().copied().filter(|broken| !any_break || named(broken.cfg()));
    (rigs.collect(), breaks.collect())
}

/// Runs one rig over one build.
fn bite(
    rig: &'static Rig,
    broken: Option<Break>,
    breaks: &[Break],
    programs: &build::Programs,
    postgres: &mut Postgres,
) -> Result<Verdict> {
    let cell = broken.map(|broken| rig.cell(broken));
    let tests = match cell {
        Some(&Cell::Blind(why)) => return Ok(Verdict::Blind(why)),
        Some(Cell::Sees(red)) => red.iter().map(|(test, _)| *test).collect(),
        Some(Cell::Says(_)) => Vec::new(),
        None if !breaks.iter().any(|&broken| rig.sees(broken)) => {
            return Ok(Verdict::Blind("none of these breaks is for it"));
        }
        None => rig.tests(breaks),
    };
    let server = match rig.needs.map(|need| postgres.provide(need)).transpose() {
        Ok(url) => url.flatten(),
        Err(reason) if env::var("CI").is_ok_and(|value| value == "true") => return Ok(Verdict::Finding(reason)),
        Err(reason) => return Ok(Verdict::Skipped(reason)),
    };
    let outcome = perform(rig, broken, programs, &tests, server.as_deref())?;
    Ok(cell.map_or_else(|| outcome.when_sound(&tests), |cell| outcome.when_broken(cell)))
}

fn is_fine(verdict: &Verdict) -> bool {
    !matches!(verdict, Verdict::Finding(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_choose_rigs_and_breaks_and_unknown_ones_are_told() {
        let options = parse(&["break_fencing", "conformance-memory", "--json"]).expect("all are known");
        let (rigs, breaks) = chosen(&options);
        assert_eq!(rigs.iter().map(|rig| rig.name).collect::<Vec<_>>(), ["conformance-memory"]);
        assert_eq!((breaks, options.json), (vec![Break::Fencing], true));
        assert!(parse(&["break_everything"]).is_err_and(|message| message.contains("break_fencing")));
    }

    #[test]
    fn the_quick_variant_has_a_rig_for_every_break() {
        let (rigs, breaks) = chosen(&parse(&["--quick"]).expect("known"));
        assert!(rigs.len() < RIGS.len(), "it is not quick");
        for broken in breaks {
            assert!(rigs.iter().any(|rig| rig.sees(broken)), "{}", broken.cfg());
        }
    }
}
