//! What the documentation promises its readers: cancel safety is said, code in pages is compiled, and links lead somewhere.

use super::Violation;
use super::lexer::words;
use super::tree::Tree;

/// The page for operators.
const OPERATIONS: &str = "docs/operations.md";

/// Every event that is told.
const TELEMETRY: &str = "signals-runtime/src/telemetry.rs";

/// Where the pages become doctests.
const DOCTESTS: &str = "signals-runtime/src/lib.rs";

/// The section that says what a dropped call leaves behind.
const SECTION: &str = "# Cancel safety";

/// A public `async fn` says what is left behind when its future is dropped; or its type says it for all of them.
pub(super) fn cancel_safety(tree: &Tree, out: &mut Vec<Violation>) {
    for file in tree.rust().filter(|file| file.path.starts_with("signals-") && file.path.contains("/src/")) {
        let mut types = Vec::new();
        let (mut said, mut said_by_type) = (false, false);
        for (number, full) in (1..).zip(file.text.lines()) {
            let line = full.trim_start();
            if let Some(doc) = line.strip_prefix("///") {
                said |= doc.trim() == SECTION;
                continue;
            }
            if line.starts_with("#[") {
                continue;
            }
            if let Some(name) = line.strip_prefix("pub struct ").filter(|_| said) {
                types.extend(words(name).next().map(|(name, ..)| name));
            } else if full.starts_with("impl") {
                said_by_type = words(full).any(|(word, ..)| types.contains(&word));
            } else if line.starts_with("pub async fn") && !said && !said_by_type {
                out.push(file.violation(
                    number,
                    format!("no `{SECTION}`"),
                    "callers put time-outs around everything that is async",
                    "say what has happened, and what has not, when its future is dropped",
                ));
            }
            said = false;
        }
    }
}

/// A page with code in Rust is among those that are compiled.
pub(super) fn compiled(tree: &Tree, out: &mut Vec<Violation>) {
    let doctests = tree.files().find(|file| file.path == DOCTESTS).map_or("", |file| file.text.as_str());
    let pages = tree.files().filter(|file| file.path == "README.md" || file.path.starts_with("docs/"));
    for page in pages.filter(|file| file.path.ends_with(".md")) {
        let code = (1..).zip(page.text.lines()).find(|(_, line)| line.trim_start().starts_with("```rust"));
        if let Some((number, _)) =
            code.filter(|_| !doctests.contains(&format!("include_str!(\"../../{}\")", page.path)))
        {
            out.push(page.violation(
                number,
                "code that nothing compiles",
                "an example that does not compile any more costs every reader an hour",
                "include the page among the doctests in signals-runtime/src/lib.rs",
            ));
        }
    }
}

/// Everything that is told is in the table for operators, at least with its first clause.
pub(super) fn events(tree: &Tree, out: &mut Vec<Violation>) {
    let page = tree.files().find(|file| file.path == OPERATIONS).map_or("", |file| file.text.as_str());
    for file in tree.rust().filter(|file| file.path == TELEMETRY) {
        for (number, line) in file.shipped() {
            for text in line.strings.iter().filter(|text| text.contains(' ')) {
                let clause = text.split([';', ':']).next().unwrap_or(text);
                if !page.contains(&format!("`{clause}")) {
                    out.push(file.violation(
                        number,
                        format!("`{clause}`"),
                        "operators look up what they read in a log",
                        "explain it among the events of docs/operations.md",
                    ));
                }
            }
        }
    }
}

/// A link to a file of the repository, or to a heading in one, finds it.
pub(super) fn links(tree: &Tree, out: &mut Vec<Violation>) {
    for page in tree.files().filter(|file| file.path.ends_with(".md")) {
        for (number, line) in (1..).zip(page.text.lines()) {
            let targets = line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
            for target in targets.filter(|target| !target.contains("://")) {
                if !leads_somewhere(tree, &page.path, target) {
                    out.push(page.violation(
                        number,
                        format!("a link to `{target}`"),
                        "a reader who follows it finds nothing",
                        "link to what is there: a file from here, or a heading in small letters with dashes",
                    ));
                }
            }
        }
    }
}

fn leads_somewhere(tree: &Tree, page: &str, target: &str) -> bool {
    let (path, heading) = target.split_once('#').map_or((target, None), |(path, heading)| (path, Some(heading)));
    let path = if path.is_empty() { page.to_owned() } else { resolve(page, path) };
    match tree.files().find(|file| file.path == path) {
        Some(file) => heading.is_none_or(|heading| headings(&file.text).any(|known| known == heading)),
        // A folder, or a text without an ending.
        None => path.starts_with("LICENSE") || tree.files().any(|file| file.path.starts_with(&format!("{path}/"))),
    }
}

/// `path`, which is written in `page`, from the root.
fn resolve(page: &str, path: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// What the headings of a page are called in links.
fn headings(text: &str) -> impl Iterator<Item = String> + '_ {
    let titles = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    titles.map(|title| {
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn an_async_function_that_does_not_say_what_a_dropped_call_leaves_is_found() {
        let at = "signals-runtime/src/a.rs";
        let silent = "/// Sends.\n///\n/// # Errors\n#[must_use]\npub async fn send() {}\n";
        assert_eq!(found(cancel_safety, &[(at, silent)]), [format!("{at}:5")]);
        let fine = "/// # Cancel safety\n///\n/// Nothing.\n#[must_use]\npub async fn send() {}\n";
        assert!(found(cancel_safety, &[(at, fine)]).is_empty());
        let second = format!("{fine}pub async fn next() {{}}\n");
        assert_eq!(found(cancel_safety, &[(at, &second)]), [format!("{at}:6")], "each says it for itself");
        assert!(found(cancel_safety, &[(at, "pub(crate) async fn own() {}\n")]).is_empty());
        let by_type = "/// # Cancel safety\npub struct Look;\nimpl Look {\n    pub async fn at() {}\n}\n";
        assert!(found(cancel_safety, &[(at, by_type)]).is_empty(), "its type says it for all");
        let other = format!("{by_type}impl Act {{\n    pub async fn up() {{}}\n}}\n");
        assert_eq!(found(cancel_safety, &[(at, &other)]), [format!("{at}:7")]);
    }

    #[test]
    fn a_page_whose_code_nothing_compiles_is_found() {
        let page = ("docs/a.md", "# A\n```rust\nfn main() {}\n```\n");
        assert_eq!(found(compiled, &[page]), ["docs/a.md:2"]);
        assert!(found(compiled, &[page, (DOCTESTS, "#[doc = include_str!(\"../../docs/a.md\")]\n")]).is_empty());
        assert!(found(compiled, &[("docs/b.md", "```sh\nls\n```\n")]).is_empty());
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let target = ("docs/b.md", "# B\n## Names over time: aliases\n");
        let page = |link: &str| found(links, &[("docs/a.md", &format!("see [b]({link})\n## Here\n")), target]);
        for good in ["b.md", "../docs/b.md#names-over-time-aliases", "#here", "https://example.com/x", "../docs"] {
            assert!(page(good).is_empty(), "{good}");
        }
        for bad in ["c.md", "b.md#names", "#there", "../b.md"] {
            assert_eq!(page(bad), ["docs/a.md:1"], "{bad}");
        }
    }

    #[test]
    fn an_event_that_operators_cannot_look_up_is_found() {
        let told = (TELEMETRY, "fn a() { tracing::warn!(target: \"x\", id, \"the lease is lost; it runs again\"); }\n");
        assert_eq!(found(events, &[told, (OPERATIONS, "| WARN | `the lease` |\n")]), [format!("{TELEMETRY}:1")]);
        assert!(found(events, &[told, (OPERATIONS, "| WARN | `the lease is lost; …` |\n")]).is_empty());
    }
}
