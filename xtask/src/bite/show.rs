//! What is told of the matrix, and of a run of it.

use std::time::Duration;

use crate::report::table;

use super::Bite;
use super::matrix::{Break, Cell, Rig};
use super::others::OTHERS;
use super::verdict::Verdict;

/// What a build is called.
pub(super) fn name(broken: Option<Break>) -> &'static str {
    broken.map_or("sound", Break::cfg)
}

/// Which rig must notice which break, by which tests and in whose words; which cannot, and why; and which tests are no rigs.
pub(super) fn list(rigs: &[&'static Rig], breaks: &[Break]) -> String {
    let mut lines = Vec::new();
    for rig in rigs {
        lines.push(rig.name.to_owned());
        for &broken in breaks {
            let cfg = broken.cfg();
            match rig.cell(broken) {
                Cell::Sees(red) => {
                    lines.push(format!("  {cfg}: red"));
                    lines.extend(red.iter().map(|(test, says)| format!("    {test}: `{says}`")));
                }
                Cell::Says(says) => lines.push(format!("  {cfg}: fails with `{says}`")),
                Cell::Blind(why) => lines.push(format!("  {cfg}: cannot notice: {why}")),
            }
        }
    }
    lines.push("tests that are no rigs".to_owned());
    lines.extend(OTHERS.iter().map(|(folder, test, why)| format!("  {test} of {folder}: {why}")));
    lines.join("\n")
}

/// A verdict as a cell of the table.
pub(super) fn word(broken: Option<Break>, verdict: &Verdict) -> String {
    match verdict {
        Verdict::AsItShould(took) => format!("{} in {took}", if broken.is_some() { "red" } else { "green" }),
        Verdict::Finding(what) => format!("FINDING: {what}"),
        Verdict::Blind(_) => "-".to_owned(),
        Verdict::Skipped(_) => "SKIPPED".to_owned(),
    }
}

/// Prints the table, and below it what a cell has no room for.
pub(super) fn show(bites: &[Bite], rigs: &[&'static Rig], breaks: &[Break]) {
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
pub(super) fn json(bites: &[Bite], built: Duration, all: Duration) -> String {
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
    use super::super::rigs::RIGS;
    use super::*;

    #[test]
    fn json_holds_what_compilers_say() {
        assert_eq!(quoted("a \"b\"\n\\c\t"), r#""a \"b\"\n\\c ""#);
    }

    #[test]
    fn the_list_says_what_must_be_red_by_which_words_and_why_the_rest_cannot() {
        let told = list(&RIGS.iter().collect::<Vec<_>>(), &Break::ALL);
        for (rig, cell) in RIGS.iter().flat_map(|rig| rig.cells.iter().map(move |cell| (rig, cell))) {
            assert!(told.contains(rig.name), "{}", rig.name);
            match cell {
                Cell::Sees(red) => {
                    red.iter().for_each(|(test, says)| assert!(told.contains(test) && told.contains(says), "{test}"));
                }
                Cell::Says(why) | Cell::Blind(why) => assert!(told.contains(why), "{why}"),
            }
        }
        OTHERS.iter().for_each(|(_, test, why)| assert!(told.contains(test) && told.contains(why), "{test}"));
    }
}
