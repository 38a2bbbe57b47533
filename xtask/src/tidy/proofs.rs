//! Each promise of `docs/guarantees.md` is shown on every backend, or its row says why not; likewise what processes,
//! databases and senders must survive is shown with processes that may die, or the row says why that would show no more.
//!
//! Where a test runs follows from its file: a [listed case](Cases) on every backend, a rig's test on the rig's, with processes if the
//! file [starts any](PROCESSES) and the test's own comment does not say "inside one process". What `chaos` judges is
//! the table of [its checker](CHECKER). A test of what all backends have [in common](COMMON) shows nothing of the databases: each
//! has the guards in statements of its own, which may be wrong where the rule is right. A reason is in italics and begins with whom it is about: `*Memory, SQLite: they have no wire.*`,
//! `*SQLite in one process: …*`, or `*In one process: …*` for both.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use super::tree::{File, Tree};

const PAGE: &str = "docs/guarantees.md";

/// Whom a promise must be shown on.
const BACKENDS: [&str; 3] = ["Memory", "SQLite", "Postgres"];

/// The backends that outlive a process.
const DURABLE: [&str; 2] = ["SQLite", "Postgres"];

/// What has no database: the rules, their model, what the compiler says. Of the backends only the one in memory follows the rules
/// by calling them.
const COMMON: [&str; 5] = ["tests/check/", "tests/ui/", "signals-core/", "signals-macros/", "signals-runtime/"];

/// What a reason begins with that is about processes, on whatever database; and how one ends that is about one of them.
const ONE_PROCESS: &str = "In one process";
const IN_ONE_PROCESS: &str = " in one process";

/// The command that plays processes over every durable backend, as rows name it.
const CHAOS: &str = "chaos";

/// Where the head says what a campaign of it judges, promise by promise.
const CHECKER: &str = "tests/chaos/src/check.rs";

/// What a file of a rig names that starts processes: by these words all of them do.
const PROCESSES: [&str; 6] =
    ["WorkerProcess", "Process::start", "worker_of(", "rig.worker", "rig.sender", "CARGO_BIN_EXE"];

/// What makes a function a test, where it is no case of the suite.
const RUNS: [&str; 2] = ["#[test]", "#[tokio::test"];

/// Where a test of a file runs: on which backends, and whether with processes that may die.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    on: BTreeSet<&'static str>,
    dies: bool,
}

/// Every row is shown everywhere, or says where not and why.
pub(super) fn everywhere(tree: &Tree, out: &mut Vec<Violation>) {
    let (places, judged) = (places(tree), judged(tree));
    for page in tree.files().filter(|file| file.path == PAGE) {
        for (number, line) in (1..).zip(page.text.lines()) {
            let Some(row) = Row::parse(line) else { continue };
            for what in row.gaps(&places, &judged) {
                out.push(page.violation(
                    number,
                    what,
                    "a promise must not look as if it were shown where it is not",
                    "name a test that runs there, or say in italics why none does: `*Memory, SQLite: …*`, `*In one process: …*`",
                ));
            }
        }
    }
}

/// One promise.
struct Row<'p> {
    promise: &'p str,
    tests: Vec<&'p str>,
    /// What its remarks in italics begin with: those that are reasons, with whom they are about.
    excused: BTreeSet<&'p str>,
}

impl<'p> Row<'p> {
    fn parse(line: &'p str) -> Option<Self> {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let (promise, _, shown) = (cells.next()?, cells.next()?, cells.next()?);
        let (letter, number) = promise.split_at_checked(1)?;
        let is_promise = "TILSWDE".contains(letter) && number.parse::<u8>().is_ok();
        let words = shown.split('`').step_by(2);
        // A row's `t1_*` is code, and begins nothing in italics.
        let reasons = words.flat_map(|words| words.split('*').skip(1).step_by(2));
        let whom = reasons.filter_map(|reason| Some(reason.split_once(": ")?.0)).flat_map(|whom| whom.split(", "));
        is_promise.then(|| Self {
            promise,
            tests: shown.split('`').skip(1).step_by(2).collect(),
            excused: whom.collect(),
        })
    }

    /// Where it is neither shown nor excused.
    fn gaps(&self, places: &BTreeMap<&str, Vec<Place>>, judged: &BTreeMap<String, BTreeSet<&str>>) -> Vec<String> {
        let mut gaps = Vec::new();
        let is_judged = |backend: &str| judged.get(self.promise).is_some_and(|databases| databases.contains(backend));
        let shown = |backend: &str, dying: bool| {
            let at = |place: &Place| place.on.contains(backend) && (place.dies || !dying);
            let by_test = |test: &&str| places.get(*test).is_some_and(|places| places.iter().any(at));
            self.tests.iter().any(|test| *test == CHAOS && is_judged(backend) || by_test(test))
        };
        for backend in BACKENDS.into_iter().filter(|backend| !self.excused.contains(backend)) {
            let survives = self.promise.starts_with(['S', 'W', 'D']) && DURABLE.contains(&backend);
            if !shown(backend, false) {
                gaps.push(format!("{} is not shown on {backend}", self.promise));
            } else if survives && !self.is_excused_in_one_process(backend) && !shown(backend, true) {
                gaps.push(format!("{} is shown on {backend} in one process only", self.promise));
            }
        }
        gaps
    }

    /// Whether a reason says why processes that die would show no more there.
    fn is_excused_in_one_process(&self, backend: &str) -> bool {
        let of_it = |reason: &&str| reason.strip_suffix(IN_ONE_PROCESS) == Some(backend);
        self.excused.contains(ONE_PROCESS) || self.excused.iter().any(of_it)
    }
}

/// What `chaos` judges, over which databases: of each row of its table whose second cell says by what. `on Postgres` in the first is
/// about all promises there.
fn judged(tree: &Tree) -> BTreeMap<String, BTreeSet<&'static str>> {
    let checker = tree.files().find(|file| file.path == CHECKER).map_or("", |file| file.text.as_str());
    let mut judged: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for row in checker.lines().filter_map(|line| line.strip_prefix("//! | ")) {
        let mut cells = row.split('|').map(str::trim);
        let (Some(promises), Some(by)) = (cells.next(), cells.next()) else { continue };
        if by.is_empty() {
            continue;
        }
        let only = promises.split(", ").find_map(|word| word.strip_prefix("on "));
        let databases = DURABLE.into_iter().filter(|database| only.is_none_or(|only| only == *database));
        for promise in promises.split(", ").flat_map(range) {
            judged.entry(promise).or_default().extend(databases.clone());
        }
    }
    judged
}

/// `W1` is itself, and `W1 to W3` three of them.
fn range(words: &str) -> Vec<String> {
    let (first, last) = words.split_once(" to ").unwrap_or((words, words));
    let number = |promise: &str| promise.get(1..).and_then(|number| number.parse::<u8>().ok());
    let (Some(from), Some(to)) = (number(first), number(last)) else { return Vec::new() };
    (from..=to).map(|number| format!("{}{number}", &first[..1])).collect()
}

/// The list of cases in its three parts.
#[derive(Clone, Copy, Default)]
struct Cases<'l> {
    /// Those of every backend.
    all: &'l str,
    /// Those that need two transactions that write at once.
    writing: &'l str,
    /// Those that compare a backend with the one in memory.
    compared: &'l str,
}

impl<'l> Cases<'l> {
    fn of(list: &'l str) -> Self {
        let (all, rest) = list.split_once("; of two transactions that write at once:").unwrap_or((list, ""));
        let (writing, compared) = rest.split_once("; compared with the model:").unwrap_or_default();
        Self { all, writing, compared }
    }

    /// Where `case` runs; nowhere when it is not listed, and so no case.
    fn place(self, case: &str) -> Place {
        let lists = [self.all, self.writing, self.compared].into_iter();
        let on = [&BACKENDS[..], &["Memory", "Postgres"], &DURABLE];
        let has = |list: &str| list.lines().any(|line| line.trim().trim_end_matches(',') == case);
        let of_it = lists.zip(on).find(|(list, _)| has(list)).map_or(&[][..], |(_, on)| on);
        Place { on: of_it.iter().copied().collect(), dies: false }
    }
}

/// Where each test runs.
fn places(tree: &Tree) -> BTreeMap<&str, Vec<Place>> {
    let list = tree.files().find(|file| file.path == "tests/src/list.rs").map_or("", |file| file.text.as_str());
    let cases = Cases::of(list);
    let mut places: BTreeMap<&str, Vec<Place>> = BTreeMap::new();
    for file in tree.rust() {
        for (name, body) in functions(&file.text) {
            places.entry(name).or_default().push(place(file, name, &body, cases));
        }
    }
    places
}

/// The functions of a file, each with its lines and the comment before them.
fn functions(text: &str) -> impl Iterator<Item = (&str, String)> {
    text.lines().enumerate().filter_map(move |(at, line)| {
        let (before, name) = line.split_once("fn ")?;
        let indent: String = before.chars().take_while(|c| *c == ' ').collect();
        let end = format!("{indent}}}");
        let is_before = |line: &&str| ["///", "#["].iter().any(|begins| line.trim_start().starts_with(begins));
        let before = text.lines().take(at).collect::<Vec<_>>().into_iter().rev().take_while(is_before).count();
        let body: Vec<&str> = text.lines().skip(at - before).take_while(|line| *line != end).collect();
        Some((name.split(['(', '<']).next()?, body.join("\n")))
    })
}

/// Where the function of this name, with this body and what is written before it, runs as a test.
fn place(file: &File, name: &str, body: &str, cases: Cases<'_>) -> Place {
    let on = |backends: &[&'static str], dies| Place { on: backends.iter().copied().collect(), dies };
    let path = file.path.as_str();
    let within = |folders: &[&str]| folders.iter().any(|folder| path.starts_with(folder));
    let is_rig = within(&["tests/rig/tests/", "tests/rig-postgres/tests/", "tests/skew/tests/", "tests/chaos/tests/"]);
    let starts = PROCESSES.iter().any(|starts| file.text.contains(starts)) || within(&["tests/skew/"]);
    let dies = is_rig && starts && !body.contains("inside one process");
    if within(&["tests/src/"]) {
        cases.place(name)
    } else if !RUNS.iter().any(|runs| body.contains(runs)) {
        Place::default()
    } else if body.contains("MemoryBackend") {
        on(&["Memory"], false)
    } else if path.contains("postgres") {
        on(&["Postgres"], dies)
    } else if path.contains("sqlite") || is_rig {
        on(&["SQLite"], dies)
    } else if within(&["tests/tests/"]) || within(&COMMON) {
        on(&["Memory"], false)
    } else {
        Place::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIG: (&str, &str) = (
        "tests/rig/tests/a.rs",
        "#[test]\nfn w1_killed() {\n    rig.worker();\n}\n\n/// W1, inside one process.\n#[test]\nfn w1_left() {\n}\n",
    );
    const LONE: (&str, &str) =
        ("tests/rig/tests/b.rs", "#[tokio::test]\nasync fn w1_lone() {\n    rig.signals.worker();\n}\n");
    const ON_POSTGRES: (&str, &str) = (
        "tests/rig-postgres/tests/postgres_a.rs",
        "#[test]\nfn w1_killed_on_a_server() {\n    rig.worker();\n}\n\nfn w1_help() {\n    rig.worker();\n}\n",
    );
    const SUITE: (&str, &str) = (
        "tests/src/a.rs",
        "pub async fn w1_case<H: Harness>(db: Db<H>) {}\npub async fn w1_unlisted<H: Harness>(db: Db<H>) {}\n",
    );
    const LIST: (&str, &str) = (
        "tests/src/list.rs",
        "cases! {\nw1_case,\n; of two transactions that write at once:\nw1_race,\n; compared with the model:\n}",
    );
    const RACE: (&str, &str) = ("tests/src/b.rs", "pub async fn w1_race<H: Harness>(db: Db<H>) {}\n");
    const RULE: (&str, &str) = ("signals-core/src/a.rs", "    #[test]\n    fn w1_rule() {\n    }\n");
    const MODEL: (&str, &str) = ("tests/check/tests/a.rs", "#[test]\nfn w1_in_every_state() {\n}\n");
    const JUDGE: (&str, &str) = ("tests/chaos/src/judge.rs", "    #[test]\n    fn w1_judged() {\n    }\n");
    const RUNTIME: (&str, &str) = ("signals-runtime/src/worker/a.rs", "    #[test]\n    fn w1_part() {\n    }\n");

    const JUDGES: (&str, &str) = (
        CHECKER,
        "//! | promise | by | what is not seen |\n//! |---|---|---|\n//! | S1, W1 to W3 | `sends` | |\n\
         //! | W6 | | late ones |\n//! | S7, W13, on Postgres | `returning` | |\n",
    );

    /// What the rule says of a row that is shown by this.
    fn said(shown: &str) -> Vec<String> {
        said_of("W1", shown)
    }

    fn said_of(promise: &str, shown: &str) -> Vec<String> {
        let page = format!("| promise | in a sentence | shown by |\n|---|---|---|\n| {promise} | kept | {shown} |\n");
        let files =
            [(PAGE, page.as_str()), RIG, LONE, ON_POSTGRES, SUITE, LIST, RACE, RULE, MODEL, JUDGE, RUNTIME, JUDGES];
        let tree = Tree::of(&files);
        let mut found = Vec::new();
        everywhere(&tree, &mut found);
        found.into_iter().map(|violation| violation.what).collect()
    }

    #[test]
    fn a_promise_that_a_backend_does_not_show_and_nobody_excuses_is_found() {
        assert_eq!(said("`w1_case` · `w1_killed` · `w1_killed_on_a_server`"), [""; 0]);
        assert_eq!(said("`w1_killed` · `w1_killed_on_a_server`"), ["W1 is not shown on Memory"]);
        assert_eq!(said("`w1_killed` · `w1_killed_on_a_server`<br>*Memory: it dies with its process.*"), [""; 0]);
        assert_eq!(said("`chaos`<br>*Memory: it dies with its process.*"), [""; 0]);
        assert_eq!(said("*Memory, SQLite, Postgres: nobody can show it.*"), [""; 0]);
        assert_eq!(said("`w1_case` · `chaos` · and 2 more `w1_*`<br>*Slowly: it takes a while.*"), [""; 0]);
        assert_eq!(said("*Mysql: none yet.*").len(), 3, "a reason must be about somebody");
    }

    #[test]
    fn what_a_case_shows_in_one_process_needs_a_reason_or_a_rig() {
        let of = |backend: &str| format!("W1 is shown on {backend} in one process only");
        assert_eq!(said("`w1_case`"), [of("SQLite"), of("Postgres")]);
        assert_eq!(said("`w1_case` · `w1_killed`"), [of("Postgres")]);
        assert_eq!(said("`w1_case`<br>*In one process: the database decides.*"), [""; 0]);
        assert_eq!(said("`w1_case`<br>*SQLite in one process: it decides.*"), [of("Postgres")]);
        assert_eq!(said("`w1_case`<br>*SQLite in one process: so.* *Postgres in one process: and so.*"), [""; 0]);
    }

    #[test]
    fn a_rigs_test_that_starts_no_process_shows_nothing_of_one() {
        for lone in
            ["`w1_case` · `w1_killed_on_a_server` · `w1_lone`", "`w1_case` · `w1_killed_on_a_server` · `w1_left`"]
        {
            assert_eq!(said(lone), ["W1 is shown on SQLite in one process only"], "{lone}");
        }
    }

    #[test]
    fn a_campaign_shows_what_it_judges_and_where() {
        let memory = "`chaos`<br>*Memory: it dies with its process.*";
        for both in ["S1", "W1", "W2", "W3"] {
            assert_eq!(said_of(both, memory), [""; 0]);
        }
        for one in ["S7", "W13"] {
            assert_eq!(said_of(one, memory), [format!("{one} is not shown on SQLite")]);
        }
        assert_eq!(said_of("W6", memory), ["W6 is not shown on SQLite", "W6 is not shown on Postgres"]);
    }

    #[test]
    fn a_case_of_two_writers_shows_nothing_where_there_is_one() {
        assert_eq!(said("`w1_race`<br>*In one process: the database decides.*"), ["W1 is not shown on SQLite"]);
    }

    #[test]
    fn what_is_shown_of_the_rules_shows_nothing_of_the_statements_of_a_database() {
        for common in ["`w1_rule`", "`w1_in_every_state`", "`w1_part`", "`w1_rule` · `w1_in_every_state`"] {
            assert_eq!(said(common), ["W1 is not shown on SQLite", "W1 is not shown on Postgres"], "{common}");
        }
        assert_eq!(said("`w1_rule` · `w1_killed` · `w1_killed_on_a_server`"), [""; 0]);
        assert_eq!(said("`w1_rule`<br>*SQLite, Postgres: no statement of theirs has to do with it.*"), [""; 0]);
    }

    #[test]
    fn helpers_cases_that_are_not_listed_and_tests_of_a_rig_itself_show_nothing() {
        for helper in ["`w1_help`", "`w1_unlisted`", "`w1_judged`"] {
            assert_eq!(said(helper).len(), BACKENDS.len(), "{helper}");
        }
    }
}
