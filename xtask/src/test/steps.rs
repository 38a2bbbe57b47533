//! The steps of `cargo xtask test`, in their order.

use std::fs;

use crate::Result;
use crate::postgres::Need;
use crate::process::{apart, has_cargo, root};
use crate::targets::{self, Load, Selected};
use crate::{examples, story};

/// What the tests are built from, in one build: which features a dependency has follows from it.
const ALL: &str = "--workspace --all-features";

/// One step.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) action: Action,
    pub(super) needs: Option<Need>,
    pub(super) place: Place,
}

/// When a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// After the one before it.
    Front,
    /// Beside those: it compiles, and its verdict is the same however long that takes.
    Beside,
}

/// What a step does.
pub(super) enum Action {
    /// One command of cargo's, with environment variables.
    Cargo(Vec<String>, &'static [(&'static str, &'static str)]),
    /// As `Cargo`; at least one test must have run.
    Tests(Vec<String>),
    Tidy,
    Examples,
    Story,
    StoryOnPostgres,
    /// A campaign over this database.
    Chaos(&'static str),
    Readme,
    /// These features of the runtime bring their own database and no other.
    Separation(Vec<String>),
}

/// All steps, in order; one for each feature of the runtime, so that a new backend is covered without an edit here.
///
/// # Errors
///
/// Returns an error when the repository is not as it must be.
pub(super) fn steps() -> Result<Vec<Step>> {
    let manifest = root()?.join("signals-runtime/Cargo.toml");
    let manifest = fs::read_to_string(&manifest)
        .map_err(|error| format!("cannot read {} ({error}): restore it", manifest.display()))?;
    let features = features(&manifest);
    let runner = Runner::installed();

    let mut steps = vec![step("fmt", cargo_step("fmt --all --check")), step("tidy", Action::Tidy)];
    steps.extend(checks(&features)?);
    // Other features than those of the tests: most of it is compiled once more, and is there by the time that it is run.
    let memory =
        [words("--package signals-conformance --no-default-features --test memory"), apart()?.to_vec()].concat();
    steps.extend([
        beside("build-feature-none-tests", Action::Cargo(runner.build(&memory), &[])),
        beside("build-examples", Action::Cargo(examples::all()?, &[])),
        beside("build-story-postgres", Action::Cargo(story::on_postgres()?, &[])),
    ]);
    // All at once: cargo keeps the processors busy, and the steps below find what they run.
    steps.push(step("build", Action::Cargo(runner.build(&words(ALL)), &[])));
    steps.extend(targets::steps(&root()?)?.into_iter().map(|selected| tests(runner, &selected)));
    steps.push(beside("doctests", cargo_step("test --doc --workspace --all-features --no-fail-fast")));
    steps.extend([
        step("feature-none-tests", Action::Tests(runner.run(&memory))),
        step("separation", Action::Separation(features.into_iter().map(str::to_owned).collect())),
        step("story", Action::Story),
        Step { needs: Some(Need::Server), ..step("story-postgres", Action::StoryOnPostgres) },
        step("examples", Action::Examples),
        step("chaos-sqlite", Action::Chaos("sqlite")),
        Step { needs: Some(Need::Programs), ..step("chaos-postgres", Action::Chaos("postgres")) },
        step("readme", Action::Readme),
    ]);
    Ok(steps)
}

/// What is checked and never run: the whole workspace, the runtime with each of its features alone, the documentation.
fn checks(features: &[&str]) -> Result<Vec<Step>> {
    let apart = apart()?;
    let check = |name: &str, args: &str, lints: &str, env| {
        beside(name, Action::Cargo([words(args), apart.to_vec(), words(lints)].concat(), env))
    };
    let alone = "clippy --package signals-runtime --lib --no-default-features --features";
    let mut steps = vec![check("clippy", "clippy --workspace --all-targets --all-features", "-- -D warnings", &[])];
    steps.push(check("feature-none", alone.trim_end_matches(" --features"), "-- -D warnings", &[]));
    for feature in features {
        steps.push(check(&format!("feature-{feature}"), &format!("{alone} {feature}"), "-- -D warnings", &[]));
    }
    let docs = "doc --workspace --no-deps --all-features";
    steps.push(check("docs", docs, "", &[("RUSTDOCFLAGS", "-D warnings")]));
    Ok(steps)
}

/// The step that runs these targets.
fn tests(runner: Runner, selected: &Selected) -> Step {
    let place = match selected.load {
        Load::Compiles => Place::Beside,
        Load::Runs => Place::Front,
    };
    let options = [words(ALL), selected.targets.clone()].concat();
    let action = Action::Tests(runner.run(&options));
    Step { needs: selected.needs, place, ..step(selected.name, action) }
}

/// What runs tests.
#[derive(Clone, Copy)]
enum Runner {
    Cargo,
    Nextest,
}

impl Runner {
    /// The better of those that are installed.
    fn installed() -> Self {
        if has_cargo("nextest") { Self::Nextest } else { Self::Cargo }
    }

    /// The arguments of cargo with which it builds what the steps run. They select no kind of target: with `--tests`, cargo gives
    /// libraries another fingerprint than the steps do, and each of those builds them again.
    fn build(self, options: &[String]) -> Vec<String> {
        [words(self.command()), options.to_vec(), words("--no-run")].concat()
    }

    /// The arguments of cargo with which it runs what `options` select.
    fn run(self, options: &[String]) -> Vec<String> {
        [words(self.command()), words("--no-fail-fast"), options.to_vec()].concat()
    }

    fn command(self) -> &'static str {
        match self {
            Self::Cargo => "test",
            Self::Nextest => "nextest run",
        }
    }
}

fn step(name: &str, action: Action) -> Step {
    Step { name: name.to_owned(), action, needs: None, place: Place::Front }
}

fn beside(name: &str, action: Action) -> Step {
    Step { place: Place::Beside, ..step(name, action) }
}

fn cargo_step(args: &str) -> Action {
    Action::Cargo(words(args), &[])
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The names under `[features]`, but for `default`.
fn features(manifest: &str) -> Vec<&str> {
    let section = manifest.lines().skip_while(|line| line.trim() != "[features]").skip(1);
    section
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| Some(line.split_once('=')?.0.trim()).filter(|name| !name.starts_with('#')))
        .filter(|name| *name != "default")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_but_default_is_a_step() {
        let manifest = "[package]\nname = \"x\"\n[features]\n# none\ndefault = []\nsqlite = [\"dep:sqlx\"]\n\n[dependencies]\nx = \"1\"\n";
        assert_eq!(features(manifest), ["sqlite"]);
    }

    #[test]
    fn no_step_beside_the_others_measures_time_or_needs_a_server() {
        let steps = steps().expect("the repository is whole");
        let beside: Vec<_> = steps.iter().filter(|step| step.place == Place::Beside).collect();
        assert!(beside.iter().all(|step| step.needs.is_none()));
        let names: Vec<_> =
            beside.iter().map(|step| step.name.as_str()).filter(|name| !name.starts_with("feature-")).collect();
        let builds = ["build-feature-none-tests", "build-examples", "build-story-postgres"];
        assert_eq!(names, [&["clippy", "docs"][..], &builds, &["ui", "doctests"]].concat());
    }

    #[test]
    fn what_is_built_beside_is_what_a_step_in_front_runs() {
        let steps = steps().expect("the repository is whole");
        let at = |name: &str| steps.iter().position(|step| step.name == name).expect("there is such a step");
        let built = |name: &str| match &steps[at(name)].action {
            Action::Cargo(args, _) => args.clone(),
            _ => panic!("{name} is a command of cargo's"),
        };
        let Action::Tests(run) = &steps[at("feature-none-tests")].action else { panic!("it runs tests") };
        let mut expected = built("build-feature-none-tests");
        assert_eq!(expected.pop().as_deref(), Some("--no-run"));
        assert!(expected.iter().all(|option| run.contains(option)), "{expected:?} is not what is run: {run:?}");
        assert_eq!(built("build-examples"), examples::all().expect("they can be listed"));
        assert_eq!(built("build-story-postgres"), story::on_postgres().expect("there is a folder"));
        // Into a folder of their own, with what is checked: no step in front waits for them while it starts.
        let checks = built("clippy");
        for name in ["build-feature-none-tests", "build-examples", "build-story-postgres"] {
            let folder = |args: &[String]| args.iter().skip_while(|arg| *arg != "--target-dir").nth(1).cloned();
            assert!(folder(&checks).is_some() && folder(&built(name)) == folder(&checks), "{name}");
        }
    }
}
