//! What the tools print: tables, seconds, medians, JSON.

use std::fmt::Write as _;
use std::time::Duration;

/// Rows under a header, columns aligned.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).chain([header[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut out = String::new();
    line(&mut out, &widths, header.iter().copied());
    line(
        &mut out,
        &widths,
        widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().iter().map(String::as_str),
    );
    for row in rows {
        line(&mut out, &widths, row.iter().map(String::as_str));
    }
    out
}

fn line<'c>(out: &mut String, widths: &[usize], cells: impl Iterator<Item = &'c str>) {
    let mut text = String::new();
    for (cell, &width) in cells.zip(widths) {
        write!(text, "{cell:width$}  ").expect("a String takes everything");
    }
    out.push_str(text.trim_end());
    out.push('\n');
}

/// `1.2 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// The middle value, the mean of the two middle ones when their number is even; 0 of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => 0.0,
        (len, middle) if len % 2 == 1 => sorted[middle],
        (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// One measured value beside its goal.
#[derive(Debug)]
pub(crate) struct Measured<'a> {
    /// A name that JSON keeps.
    pub(crate) name: &'a str,
    /// The value.
    pub(crate) value: f64,
    /// `s`, `ns`, ….
    pub(crate) unit: &'a str,
    /// What it may be at most; none: shown for orientation.
    pub(crate) goal: Option<f64>,
}

impl Measured<'_> {
    /// Whether the goal, if there is one, is met.
    pub(crate) fn is_met(&self) -> bool {
        self.goal.is_none_or(|goal| self.value <= goal)
    }

    fn row(&self) -> Vec<String> {
        let goal = self.goal.map_or_else(String::new, |goal| format!("<= {goal} {}", self.unit));
        let verdict = match self.goal {
            None => "",
            Some(_) if self.is_met() => "met",
            Some(_) => "MISSED",
        };
        let value = format!("{:.2} {}", self.value, self.unit);
        vec![self.name.to_owned(), value.trim_end().to_owned(), goal.trim_end().to_owned(), verdict.to_owned()]
    }

    fn json(&self) -> String {
        let goal = self.goal.map_or_else(|| "null".to_owned(), |goal| goal.to_string());
        let (name, value, unit, met) = (self.name, self.value, self.unit, self.is_met());
        format!(r#"{{"name":"{name}","value":{value:.3},"unit":"{unit}","goal":{goal},"met":{met}}}"#)
    }
}

/// How a bench's results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people at a terminal.
    Table,
    /// One line, for programs.
    Json,
    /// For documents.
    Markdown,
}

impl Format {
    /// The one that was asked for; of two, the one for programs.
    pub(crate) fn of(json: bool, markdown: bool) -> Self {
        match (json, markdown) {
            (true, _) => Self::Json,
            (false, true) => Self::Markdown,
            (false, false) => Self::Table,
        }
    }
}

/// What a bench measured, of which a part has a name of its own, or none when there is but one.
pub(crate) type Part<'a> = (&'a str, Vec<Measured<'a>>);

/// Prints a bench's results, and tells whether every goal is met. `facts` say what it was measured on.
pub(crate) fn results(bench: &str, facts: &[(&str, &str)], measured: Vec<Measured<'_>>, format: Format) -> bool {
    results_by_part(bench, facts, &[("", measured)], format)
}

/// The same, with a table for each part.
pub(crate) fn results_by_part(bench: &str, facts: &[(&str, &str)], parts: &[Part<'_>], format: Format) -> bool {
    let header = ["measured", "median", "goal", ""];
    let measured = || parts.iter().flat_map(|(_, measured)| measured);
    match format {
        Format::Json => {
            let facts: String = facts.iter().map(|(what, is)| format!("{what:?}:{is:?},")).collect();
            let values: Vec<String> = measured().map(Measured::json).collect();
            println!(r#"{{"bench":"{bench}",{facts}"measured":[{}]}}"#, values.join(","));
        }
        Format::Table => facts.iter().for_each(|(what, is)| println!("{what}: {is}")),
        Format::Markdown => facts.iter().for_each(|(what, is)| println!("- {what}: {is}")),
    }
    for (part, measured) in parts.iter().filter(|_| format != Format::Json) {
        let rows: Vec<_> = measured.iter().map(Measured::row).collect();
        let (mark, table) = match format {
            Format::Markdown => ("### ", markdown(&header, &rows)),
            Format::Table | Format::Json => ("", table(&header, &rows)),
        };
        let heading = if part.is_empty() { String::new() } else { format!("\n{mark}{part}\n") };
        println!("{heading}\n{table}");
    }
    measured().all(Measured::is_met)
}

/// The same rows for a document.
fn markdown(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!("| {} |\n|{}\n", header.join(" | "), "---|".repeat(header.len()));
    for row in rows {
        writeln!(out, "| {} |", row.join(" | ")).expect("a String takes everything");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["fmt".to_owned(), "passed".to_owned()], vec!["clippy".to_owned(), "failed".to_owned()]];
        assert_eq!(
            table(&["step", "result"], &rows),
            "step    result\n------  ------\nfmt     passed\nclippy  failed\n"
        );
    }

    #[test]
    fn documents_get_a_table_that_they_show() {
        let rows = [vec!["a".to_owned(), "1 x".to_owned()]];
        assert_eq!(markdown(&["measured", "median"], &rows), "| measured | median |\n|---|---|\n| a | 1 x |\n");
    }

    #[test]
    fn a_median_ignores_the_outlier() {
        assert_eq!([median(&[]), median(&[3.0, 1.0, 900.0]), median(&[1.0, 2.0, 3.0, 900.0])], [0.0, 3.0, 2.5]);
    }

    #[test]
    fn a_missed_goal_is_said_and_an_absent_one_never_missed() {
        let missed = Measured { name: "cold", value: 6.1, unit: "s", goal: Some(6.0) };
        assert!(!missed.is_met() && missed.row().contains(&"MISSED".to_owned()));
        assert_eq!(missed.json(), r#"{"name":"cold","value":6.100,"unit":"s","goal":6,"met":false}"#);
        assert!(Measured { goal: None, ..missed }.is_met());
    }
}
