//! Which options each command takes. One that it does not know is an error, never ignored: whoever writes `--dry-run` counts on
//! it.

use anyhow::{Result, bail};
use base::Place;

/// What narrows deliveries down.
const FILTER: [&str; 6] = ["state", "receiver", "signal", "older-than", "younger-than", "error"];

/// Options that may be given more than once.
const REPEATABLE: [&str; 2] = ["state", "fault"];

/// The options that `command` takes, without dashes; the empty command is the story, and `None` is for no command at all.
fn of(command: &str) -> Option<Vec<&'static str>> {
    let own: &[&str] = match command {
        "" if Place::STORY_TAKES_ONE => &[],
        "" | "help" => return Some(Vec::new()),
        "serve" => &["port"],
        "worker" => &["lease", "fault", "with-parent"],
        "migrate" => &["print"],
        "status" | "show" => &["json"],
        "actions" => &["limit", "json"],
        "list" => return Some([&FILTER[..], &["limit", "after", "json", Place::OPTION]].concat()),
        "retry" | "cancel" | "discard" => {
            return Some([&FILTER[..], &["all", "dry-run", "actor", "json", Place::OPTION]].concat());
        }
        "pause" | "resume" | "restore" => &["actor", "json"],
        "retire" => &["keep", "cancel", "dry-run", "actor", "json"],
        "prune" => &["done", "cancelled", "dead", "keys", "actor", "json"],
        _ => return None,
    };
    Some([own, &[Place::OPTION]].concat())
}

/// Whether `command` takes all the options that were `given`.
///
/// # Errors
///
/// Returns an error that names the command, the option and what it takes instead, or the option that was given twice.
pub(crate) fn check(command: &str, given: &[String]) -> Result<()> {
    let Some(taken) = of(command) else { return Ok(()) }; // whoever looks the command up says so
    let called = format!("shop {command}");
    let called = called.trim_end();
    for (at, name) in given.iter().enumerate() {
        let name = name.as_str();
        if !taken.contains(&name) {
            bail!("`{called}` has no option --{name}; it takes {}", listed(&taken));
        }
        if given[..at].iter().any(|before| before == name) && !REPEATABLE.contains(&name) {
            bail!("option --{name} is given twice; `{called}` takes it once");
        }
    }
    Ok(())
}

fn listed(taken: &[&str]) -> String {
    let shown: Vec<_> = taken.iter().filter(|name| **name != "with-parent").map(|name| format!("--{name}")).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;

    fn refusal(command: &str, given: &[&str]) -> String {
        let given: Vec<_> = given.iter().map(|name| (*name).to_owned()).collect();
        check(command, &given).expect_err("should be refused").to_string()
    }

    #[test]
    fn an_option_of_another_command_is_refused_with_those_of_this_one() {
        assert_eq!(
            refusal("pause", &["dry-run"]),
            "`shop pause` has no option --dry-run; it takes --actor, --json, --database"
        );
        assert_eq!(refusal("", &["database"]), "`shop` has no option --database; it takes none");
        assert!(
            refusal("cancel", &["receiver", "limit"])
                .starts_with("`shop cancel` has no option --limit; it takes --state")
        );
        assert!(!refusal("worker", &["json"]).contains("with-parent"));
    }

    #[test]
    fn only_what_adds_up_may_be_given_twice() {
        assert_eq!(
            refusal("list", &["receiver", "receiver"]),
            "option --receiver is given twice; `shop list` takes it once"
        );
        assert!(check("list", &["state".to_owned(), "state".to_owned()]).is_ok());
    }
}
