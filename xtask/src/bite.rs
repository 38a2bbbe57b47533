//! `cargo xtask bite`: shows that each rig bites. It builds the library with the switches of `signals-runtime/src/broken.rs`,
//! breaks one promise at a time, and runs what must notice; with nothing broken first, for what is always red proves nothing.
//! What must notice what is in [`rigs`].

mod build;
mod matrix;
mod rigs;
mod verdict;

use std::env;
use std::time::{Duration, Instant};

use crate::Result;
use crate::postgres::Postgres;
use crate::report::{seconds, table};
pub(crate) use build::compile;
use matrix::{Break, Cell, Rig};
use rigs::RIGS;
use verdict::{Verdict, perform};

/// What the options say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// Rigs and breaks; all of them when none is named.
    names: Vec<String>,
    quick: bool,
    json: bool,
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
    let began = Instant::now();
    eprintln!("building");
    let programs = build::build(&rigs)?;
    let built = began.elapsed();
    let mut postgres = Postgres::default();
    let mut bites = Vec::new();
    for broken in std::iter::once(None).chain(breaks.iter().copied().map(Some)) {
        eprintln!("==> {} (elapsed {})", name(broken), seconds(began.elapsed()));
        for &rig in &rigs {
            let verdict = bite(rig, broken, &breaks, &programs, &mut postgres)?;
            eprintln!("{}: {}", rig.name, word(broken, &verdict));
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
            name if is_known(name) => parsed.names.push(name.to_owned()),
            other => {
                let breaks: Vec<_> = Break::ALL.iter().map(|broken| broken.cfg()).collect();
                let rigs: Vec<_> = RIGS.iter().map(|rig| rig.name).collect();
                let (breaks, rigs) = (breaks.join(", "), rigs.join(", "));
                return Err(format!(
                    "`bite` knows no `{other}`: it takes `--quick`, `--json`, breaks ({breaks}) and rigs ({rigs})"
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

fn name(broken: Option<Break>) -> &'static str {
    broken.map_or("sound", Break::cfg)
}

fn is_fine(verdict: &Verdict) -> bool {
    !matches!(verdict, Verdict::Finding(_))
}

/// A verdict as a cell of the table.
fn word(broken: Option<Break>, verdict: &Verdict) -> String {
    match verdict {
        Verdict::AsItShould(took) => format!("{} in {took}", if broken.is_some() { "red" } else { "green" }),
        Verdict::Finding(what) => format!("FINDING: {what}"),
        Verdict::Blind(_) => "-".to_owned(),
        Verdict::Skipped(_) => "SKIPPED".to_owned(),
    }
}

/// Prints the table, and below it what a cell has no room for.
fn show(bites: &[Bite], rigs: &[&'static Rig], breaks: &[Break]) {
    let columns: Vec<_> = std::iter::once(None).chain(breaks.iter().copied().map(Some)).collect();
    let header: Vec<_> = std::iter::once("rig").chain(columns.iter().map(|&broken| name(broken))).collect();
    let of = |rig: &Rig, broken| bites.iter().find(|bite| bite.rig.name == rig.name && bite.broken == broken);
    let cell = |rig: &Rig, broken| {
        let told = of(rig, broken).map_or_else(String::new, |bite| word(broken, &bite.verdict));
        told.split(':').next().unwrap_or_default().to_owned()
    };
    let row = |rig: &&Rig| {
        std::iter::once(rig.name.to_owned()).chain(columns.iter().map(|&broken| cell(rig, broken))).collect()
    };
    println!("\n{}", table(&header, &rigs.iter().map(row).collect::<Vec<_>>()));
    println!("red: noticed, as it must be; green: nothing to notice; -: cannot notice:");
    for bite in bites {
        match &bite.verdict {
            Verdict::Blind(why) => println!("  {} of {}: {why}", bite.rig.name, name(bite.broken)),
            Verdict::Finding(what) => println!("FINDING: {} of {}: {what}", bite.rig.name, name(bite.broken)),
            Verdict::Skipped(why) => println!("skipped: {} of {}: {why}", bite.rig.name, name(bite.broken)),
            Verdict::AsItShould(_) => {}
        }
    }
}

/// The same for programs.
fn json(bites: &[Bite], built: Duration, all: Duration) -> String {
    let bites = bites.iter().map(|bite| {
        let (verdict, note) = match &bite.verdict {
            Verdict::AsItShould(took) => ("as-it-should", took.as_str()),
            Verdict::Finding(what) => ("finding", what.as_str()),
            Verdict::Blind(why) => ("blind", *why),
            Verdict::Skipped(why) => ("skipped", why.as_str()),
        };
        let (rig, broken) = (bite.rig.name, name(bite.broken));
        format!(r#"{{"rig":"{rig}","build":"{broken}","verdict":"{verdict}","note":{}}}"#, quoted(note))
    });
    let (built, all) = (built.as_secs_f64(), all.as_secs_f64());
    let bites = bites.collect::<Vec<_>>().join(",");
    format!(r#"{{"bites":[{bites}],"seconds":{all:.1},"building":{built:.1}}}"#)
}

/// `text` as a string of JSON.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        '\n' => "\\n".to_owned(),
        c if c.is_control() => " ".to_owned(),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
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

    #[test]
    fn json_holds_what_compilers_say() {
        assert_eq!(quoted("a \"b\"\n\\c\t"), r#""a \"b\"\n\\c ""#);
    }
}
