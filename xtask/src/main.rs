//! The tools of this repository; `cargo xtask help` lists them.
//!
//! The standard library only: the tools are built before anything else and must never be the reason that a build waits.

mod bench;
mod bite;
mod chaos;
mod examples;
mod faults;
mod postgres;
mod process;
mod report;
mod separation;
mod story;
mod targets;
mod test;
mod tidy;
mod totals;

use std::env;
use std::process::ExitCode;

/// What a command answers: whether all is well, or a message that says what to do.
type Result<T = bool, E = String> = std::result::Result<T, E>;

const HELP: &str = "\
cargo xtask <command>

  test [--only <step>]... [--seed <n>] [--list]
                                     everything that must be green before a merge
  tidy                               the rules of the house that no compiler checks
  chaos [--seconds <n> | --kills <n>] [--seed <n>] [--rounds <n>] [--mix all|kills] [--release] [--json] [sqlite] [postgres]
                                     kills, stops and cuts off workers, senders and their database for a minute each, and
                                     checks what is left
  faults [--every] [sqlite] [postgres]
                                     cuts the statements of a story one by one, each in a story of its own: of a worker the
                                     first two of each name, or every one
  bite [<rig or break>]... [--quick] [--json] [--list]
                                     shows that each rig notices a library that is broken on purpose
  bench [--json] [--quick]           all of these, one after the other: an hour, or a quarter of it
  bench compile [--json] [--quick]   what 300 receivers add to `cargo check` (goal P12)
  bench dispatch [--json]            what lies between a row and the receiver's code (goal P11)
  bench latency [--json] [--postgres] from commit to the receiver's start, on SQLite or Postgres (goal P6)
  bench memory [--json] [--quick]    what a worker holds after a million deliveries on SQLite (goal P13)
  bench operate [--json]             what operators wait for, with a million deliveries on SQLite
  bench peers [--json|--markdown] [--quick]
                                     the same work on signals and on other queues over Postgres, in turn
  bench postgres [<part>]... [--json|--markdown] [--quick]
                                     what sends, drains, claims and hints cost on Postgres (goals P1 to P8, P13)
  bench sqlite [--json|--markdown] [--quick]
                                     what sends and drains cost on SQLite (goal P9)
  bench testing [--json]             what a test with the testing kit costs
  help                               this

Exit code: 0 all well, 1 something failed or a goal was missed, 2 it could not be tried.
";

fn main() -> ExitCode {
    if let Some(code) = bite::compile() {
        return code;
    }
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(true)
        }
        ["test", options @ ..] => test::run(options),
        ["tidy"] => tidy::run(),
        ["chaos", options @ ..] => chaos::run(options),
        ["faults", options @ ..] => faults::run(options),
        ["bite", options @ ..] => bite::run(options),
        ["bench", "compile", options @ ..] => bench::compile::run(options),
        ["bench", "dispatch", options @ ..] => bench::dispatch::run(options),
        ["bench", "latency", options @ ..] => bench::latency::run(options),
        ["bench", "memory", options @ ..] => bench::memory::run(options),
        ["bench", "operate", options @ ..] => bench::operate::run(options),
        ["bench", "peers", options @ ..] => bench::peers::run(options),
        ["bench", "postgres", options @ ..] => bench::postgres::run(options),
        ["bench", "sqlite", options @ ..] => bench::sqlite::run(options),
        ["bench", "testing", options @ ..] => bench::testing::run(options),
        ["bench", options @ ..] if options.iter().all(|option| option.starts_with('-')) => bench::all::run(options),
        ["bench", other, ..] => {
            let benches =
                "`compile`, `dispatch`, `latency`, `memory`, `operate`, `peers`, `postgres`, `sqlite` or `testing`";
            Err(format!("there is no bench `{other}`: there are {benches}, and all of them without a name"))
        }
        ["tidy", option, ..] => Err(format!("`tidy` takes no options, but was given `{option}`: leave it out")),
        [other, ..] => Err(format!("there is no command `{other}`: `cargo xtask help` lists them")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::from(2)
        }
    }
}
